/// Tells versions of a watched file apart: 128 bits of FNV-1a. It never leaves the process and protects nothing; what
/// names a configuration is `RevisionHash`.
public struct ContentHash: Hashable, Sendable, CustomStringConvertible {
    private var state: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d

    init() {}

    init(_ bytes: some Sequence<UInt8>) {
        self.add(bytes)
    }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            self.state ^= UInt128(byte)
            self.state = self.state &* 0x0000_0000_0100_0000_0000_0000_0000_013b
        }
    }

    /// 32 hexadecimal digits.
    public var description: String {
        let text = String(self.state, radix: 16)
        return String(repeating: "0", count: 32 - text.count) + text
    }
}
