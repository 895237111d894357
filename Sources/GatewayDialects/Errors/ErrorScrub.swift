import GatewayCore
import GatewayWire

/// Takes out of a provider's texts what must not reach a client: URLs, credentials and the ids of the operator's
/// account.
struct ErrorScrub: Sendable {
    private static let mark = Array("[removed]".utf8)
    /// Prefixes of credentials and account ids, as their vendors write them. A word counts with at least 8 bytes and a
    /// digit or star in it, or with 20 bytes.
    private static let prefixes = [
        "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "AIza", "xai-", "gsk_", "hf_", "nvapi-", "r8_", "AKIA", "ASIA",
        "ya29.", "eyJ", "org-", "proj_", "req-key-",
    ].map { Array($0.utf8) }
    /// Parameters whose value is a credential.
    private static let parameters = ["key=", "api_key=", "apikey=", "api-key=", "token=", "access_token=", "sig="]
        .map { Array($0.utf8) }

    /// The provider's own credential; removed wherever it stands.
    private let credential: Secret?

    init(credential: Secret? = nil) {
        self.credential = credential
    }

    /// A JSON text with every string cleaned, names of members aside; the same bytes if nothing had to go. `nil`: no
    /// well-formed JSON object or array.
    func json(_ data: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let value = try? JSONValue(parsing: data) else { return nil }
        let clean = self.value(value)
        return clean == value ? Array(data) : clean.serialized()
    }

    func value(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let elements): .array(elements.map(self.value))
        case .object(let members): .object(members.map { .init($0.name, self.value($0.value)) })
        case .null, .bool, .number: value
        }
    }

    func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let secret = self.credential.map { Array($0.revealed.utf8) } ?? []
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var at = 0
        while at < bytes.count {
            if secret.count >= 6, bytes[at...].starts(with: secret) {
                out += Self.mark
                at += secret.count
                continue
            }
            let isBoundary = at == 0 || !Self.isWordByte(bytes[at - 1])
            if isBoundary, let match = Self.match(bytes, at) {
                out += bytes[at..<match.kept]
                out += Self.mark
                at = match.end
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return out.count == bytes.count && out == bytes ? text : String(decoding: out, as: UTF8.self)
    }

    /// Where a thing to remove that starts at `at` ends, and how far it is kept (`key=`, `Bearer `).
    private static func match(_ bytes: [UInt8], _ at: Int) -> (kept: Int, end: Int)? {
        if let end = self.urlEnd(bytes, at) { return (at, end) }
        for prefix in self.prefixes where bytes[at...].starts(with: prefix) {
            let end = self.tokenEnd(bytes, at)
            let isMixed = bytes[at..<end].contains { $0 &- 0x30 < 10 || $0 == UInt8(ascii: "*") }
            if end - at >= 20 || (end - at >= 8 && isMixed) { return (at, end) }
        }
        for parameter in self.parameters where self.starts(bytes, at, parameter) {
            let start = at + parameter.count
            let end = self.tokenEnd(bytes, start)
            if end > start { return (start, end) }
        }
        if self.starts(bytes, at, Array("bearer ".utf8)) {
            let start = at + 7
            let end = self.tokenEnd(bytes, start)
            let hasDigit = bytes[start..<end].contains { $0 &- 0x30 < 10 }
            if end - start >= 6, hasDigit || end - start >= 16 { return (start, end) }
        }
        return nil
    }

    /// `scheme://…` up to white space, a quote or a bracket, without the punctuation of the sentence around it.
    private static func urlEnd(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard self.isLetter(bytes[at]) else { return nil }
        var end = at
        while end < bytes.count, end - at < 24, self.isLetter(bytes[end]) || self.isSchemeByte(bytes[end]) { end += 1 }
        let isURL = bytes[end...].starts(with: "://".utf8)
        guard isURL || self.starts(bytes, at, Array("www.".utf8)) else { return nil }
        while end < bytes.count, !self.endsURL(bytes[end]) { end += 1 }
        while end > at, [0x2E, 0x2C, 0x3B, 0x3A, 0x21, 0x3F].contains(bytes[end - 1]) { end -= 1 }
        return end
    }

    /// Whether `lower` stands at `at`, in any case.
    private static func starts(_ bytes: [UInt8], _ at: Int, _ lower: [UInt8]) -> Bool {
        guard bytes.count - at >= lower.count else { return false }
        return lower.indices.allSatisfy {
            (bytes[at + $0] &- 0x41 < 26 ? bytes[at + $0] | 0x20 : bytes[at + $0]) == lower[$0]
        }
    }

    private static func tokenEnd(_ bytes: [UInt8], _ at: Int) -> Int {
        var end = at
        while end < bytes.count, self.isTokenByte(bytes[end]) { end += 1 }
        while end > at, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return end
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
    private static func isWordByte(_ byte: UInt8) -> Bool { self.isLetter(byte) || byte &- 0x30 < 10 }
    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        self.isWordByte(byte) || [0x2D, 0x5F, 0x2E, 0x2A, 0x7E, 0x2B, 0x2F, 0x3D, 0x25].contains(byte)
    }
    private static func endsURL(_ byte: UInt8) -> Bool {
        byte <= 0x20 || [0x22, 0x27, 0x3C, 0x3E, 0x29, 0x5D, 0x7D, 0x60].contains(byte)
    }
}
