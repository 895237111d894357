#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Why a file or a folder could not be read.
public enum FileFault: Error, Equatable, Sendable {
    case missing, notPermitted, notAFile, tooLarge
    /// `errno`.
    case other(Int32)

    /// Fits behind "cannot read … :".
    public var text: String {
        switch self {
        case .missing: "no such file"
        case .notPermitted: "permission denied"
        case .notAFile: "not a regular file"
        case .tooLarge: "too large"
        case .other(let code): "error \(code)"
        }
    }

    init(errno code: Int32) {
        switch code {
        case ENOENT, ENOTDIR: self = .missing
        case EACCES, EPERM: self = .notPermitted
        case EISDIR: self = .notAFile
        default: self = .other(code)
        }
    }
}

/// The files that configuration is read from: the machine's, or a test's.
public protocol ConfigFileSystem: Sendable {
    /// The whole file. `-` is the standard input.
    func read(_ path: String, bytesMax: Int) throws(FileFault) -> [UInt8]
    /// The names in a folder, in any order, without `.` and `..`.
    func list(_ folder: String) throws(FileFault) -> [String]
}

/// The machine's own files.
public struct LocalFiles: ConfigFileSystem {
    /// Paths that are not absolute are seen from the working folder.
    public init() {}

    /// Regular files only: a pipe or a device would block a reload.
    public func read(_ path: String, bytesMax: Int) throws(FileFault) -> [UInt8] {
        if path == "-" { return try Self.read(descriptor: 0, bytesMax: bytesMax) }
        // A pipe without a writer must not block the daemon's reload.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileFault(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFault(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        return try Self.read(descriptor: descriptor, bytesMax: bytesMax)
    }

    private static func read(descriptor: Int32, bytesMax: Int) throws(FileFault) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                #if canImport(Glibc)
                Glibc.read(descriptor, $0.baseAddress, $0.count)
                #elseif canImport(Musl)
                Musl.read(descriptor, $0.baseAddress, $0.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault(errno: errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else { throw .tooLarge }
        }
    }

    /// Blocks on the disk.
    public func list(_ folder: String) throws(FileFault) -> [String] {
        guard let stream = opendir(folder) else { throw FileFault(errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// Files that exist in memory only: for texts that were made up, and for tests.
public struct MemoryFiles: ConfigFileSystem {
    /// Text by path.
    public var files: [String: String]

    /// Folders exist as far as paths go through them.
    public init(_ files: [String: String]) {
        self.files = files
    }

    /// By exactly the path that was given.
    public func read(_ path: String, bytesMax: Int) throws(FileFault) -> [UInt8] {
        guard let text = self.files[path] else { throw .missing }
        guard text.utf8.count <= bytesMax else { throw .tooLarge }
        return Array(text.utf8)
    }

    /// Sorted.
    public func list(_ folder: String) throws(FileFault) -> [String] {
        let prefix = folder == "." ? "" : folder + "/"
        let below = self.files.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        guard !below.isEmpty else { throw .missing }
        return Set(below.map { String($0.prefix { $0 != "/" }) }).sorted()
    }
}

/// Texts of paths. Nothing here looks at a disk.
enum PathText {
    /// The folder that a file lies in; `.` for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` seen from `folder`, without `./`.
    static func resolved(_ path: String, in folder: String) -> String {
        var rest = Substring(path)
        while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
        while rest.count > 1, rest.hasSuffix("/") { rest = rest.dropLast() }
        if rest.hasPrefix("/") || folder == "." { return String(rest) }
        if rest == "." { return folder }
        return folder == "/" ? "/\(rest)" : "\(folder)/\(rest)"
    }

    /// Shell patterns in one path segment: `*` is any text, `?` one character. A leading dot must be written.
    static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        let (text, wanted) = (Array(name.unicodeScalars), Array(pattern.unicodeScalars))
        var (at, position) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while at < text.count {
            if position < wanted.count, wanted[position] == "*" {
                star = (position, at)
                position += 1
            } else if position < wanted.count, wanted[position] == "?" || wanted[position] == text[at] {
                position += 1
                at += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                position = last.pattern + 1
                at = last.text + 1
            } else {
                return false
            }
        }
        return wanted[position...].allSatisfy { $0 == "*" }
    }
}
