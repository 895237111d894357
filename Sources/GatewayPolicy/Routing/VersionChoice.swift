import GatewayContract
import GatewayCore

/// Chooses among versions that one path leads to: header, then query, then date header, then the default. The first
/// carrier that is present decides: what it says and does not exist is an error, not a reason to ask the next.
enum VersionChoice {
    /// - Parameter group: places of the versions to choose from.
    /// - Returns: a place; `nil` when the request names no version of the group, or none at all without a default.
    static func choose(
        _ route: CompiledRoute, _ group: [Int32], _ query: UnsafeRawBufferPointer, _ headerNamed: (String) -> String?
    ) -> Int? {
        let selection = route.spec.selection
        if let name = selection.header, let value = headerNamed(name) {
            return Self.named(VersionName(value), route, group)
        }
        if let name = selection.query, let value = Self.value(of: name, in: query) {
            return Self.named(VersionName(value), route, group)
        }
        if let name = selection.dateHeader, let value = headerNamed(name) {
            return Self.newest(notAfter: value, route, group)
        }
        return selection.defaultVersion.flatMap { Self.named($0, route, group) }
    }

    private static func named(_ name: VersionName, _ route: CompiledRoute, _ group: [Int32]) -> Int? {
        group.lazy.map { Int($0) }.first { route.versions[$0].spec.name == name }
    }

    /// The version with the latest `from_date` that is not later than `date`.
    private static func newest(notAfter date: String, _ route: CompiledRoute, _ group: [Int32]) -> Int? {
        guard let wanted = Self.parse(date) else { return nil }
        var best: (place: Int, from: WallTime)?
        for place in group.lazy.map({ Int($0) }) {
            guard let from = route.versions[place].spec.fromDate, from <= wanted else { continue }
            if let best, best.from >= from { continue }
            best = (place, from)
        }
        return best?.place
    }

    /// `2026-06-01` and nothing else: the midnight, UTC, at which that day begins.
    static func parse(_ date: String) -> WallTime? {
        let bytes = Array(date.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var number = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                number = number * 10 + Int(byte - 0x30)
            }
            return number
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
        return CivilDate.unixSeconds(year: year, month: month, day: day).map { WallTime(unixSeconds: $0) }
    }

    /// The first value of a query parameter, with percent escapes and `+` decoded in the value. `nil`: not there.
    static func value(of name: String, in query: UnsafeRawBufferPointer) -> String? {
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard pair[..<equals].elementsEqual(name.utf8) else { continue }
            return Self.decoded(pair[equals...].dropFirst())
        }
        return nil
    }

    /// A broken escape stays as it is: no version has such a name.
    private static func decoded(_ value: Slice<UnsafeRawBufferPointer>) -> String {
        var bytes: [UInt8] = []
        var index = value.startIndex
        while index < value.endIndex {
            let byte = value[index]
            if byte == UInt8(ascii: "%"), value.endIndex - index >= 3,
                let high = Self.hexDigit(value[index + 1]), let low = Self.hexDigit(value[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
