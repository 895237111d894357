import GatewayCore
import Testing

@testable import GatewayPolicy

struct KeyTextTests {
    private static let id = "Ab0123456789"

    private func sample(_ purpose: KeyPurpose = .inference, seed: UInt8 = 0) -> String {
        KeyText.text(purpose, id: Array(Self.id.utf8), sixBits: (0..<32).map { $0 &* 7 &+ seed })
    }

    /// Guarantee: the form is stable, so that keys that were handed out stay good.
    @Test func knownAnswer() {
        let text = "sk-ps1_Ab0123456789_07ELSZgnu_6DKRYfmt-5CJQXelsz4BIP3vCHQY"
        #expect(self.sample() == text)
        #expect(self.sample().utf8.count == 58)
        #expect(self.sample(.admin).utf8.count == 59)
        #expect(KeyText(self.sample()) == KeyText(self.sample(seed: 1)))
        #expect(KeyText(self.sample())?.id?.description == Self.id)
    }

    /// Guarantee: the checksum is zlib's CRC-32 of what stands before it, in base62: computed here bit by bit.
    @Test func theChecksumIsCRC32() {
        for seed in 0..<UInt8(50) {
            let text = Array(self.sample(seed: seed).utf8)
            var remainder: UInt32 = .max
            for byte in text.dropLast(6) {
                remainder ^= UInt32(byte)
                for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1 }
            }
            let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
            let value = text.suffix(6).reduce(UInt64(0)) { $0 * 62 + UInt64(digits.firstIndex(of: $1) ?? 99) }
            #expect(value == UInt64(~remainder))
        }
    }

    /// Guarantee: every single wrong character and every pair of swapped neighbours is noticed.
    @Test func everyTypingErrorIsNoticed() {
        let right = Array(self.sample().utf8)
        for place in right.indices.dropFirst(7) {
            for byte in UInt8(0x21)...0x7e where byte != right[place] {
                var wrong = right
                wrong[place] = byte
                #expect(KeyText(String(decoding: wrong, as: UTF8.self)) == mistyped)
            }
            guard place + 1 < right.count, right[place] != right[place + 1] else { continue }
            var swapped = right
            swapped.swapAt(place, place + 1)
            #expect(KeyText(String(decoding: swapped, as: UTF8.self)) == mistyped)
        }
    }

    private let mistyped: KeyText? = KeyText("sk-ps1_")

    /// Guarantee: too short, too long, with bytes that are no text: refused, and no byte read that is not there.
    @Test func otherLengths() {
        #expect(self.mistyped?.purpose == .inference && self.mistyped?.id == nil)
        let right = Array(self.sample().utf8)
        for count in 7..<right.count {
            #expect(KeyText(String(decoding: right.prefix(count), as: UTF8.self)) == self.mistyped)
        }
        #expect(KeyText(self.sample() + "A") == self.mistyped)
        #expect(KeyText(self.sample() + " ") == self.mistyped)
        for other in ["", "s", "sk-ps1", "sk-ps2_" + self.sample().dropFirst(7), "SK-PS1_", "sk-test-0123456789"] {
            #expect(KeyText(other) == nil)
        }
        #expect([UInt8](repeating: 0xff, count: 58).withUnsafeBytes { KeyText($0) } == nil)
        #expect(UnsafeRawBufferPointer(start: nil, count: 0).isEmpty && KeyText("") == nil)
    }

    /// Guarantee: a checksum that fits does not make an id of other characters: it would stand in logs.
    @Test func anIDHasLettersAndDigitsOnly() {
        for id in ["Ab01234567_9", "Ab01234567\n9", "Ab012345678\"", "Ab0123456-89"] {
            let text = KeyText.text(.inference, id: Array(id.utf8), sixBits: [UInt8](repeating: 1, count: 32))
            #expect(KeyText(text) == self.mistyped)
            #expect(KeyID(id) == nil)
        }
        #expect(KeyID("Ab012345678") == nil && KeyID("Ab01234567890") == nil)
    }

    @Test func kindsAreToldApart() {
        #expect(KeyText(self.sample(.admin))?.purpose == .admin)
        #expect(KeyText("sk-psa1_x") == KeyText("sk-psa1_"))
        #expect(KeyText("sk-psa1_x")?.id == nil)
        // The checksum covers the prefix: a key of one kind does not become one of the other.
        #expect(KeyText("sk-ps1_" + self.sample(.admin).dropFirst(8)) == self.mistyped)
    }

    /// Guarantee: keys are random in every character, and read back.
    @Test func randomKeys() throws {
        var met: Set<String> = []
        var letters: [Set<Character>] = Array(repeating: [], count: 58)
        for _ in 0..<2000 {
            let key = try #require(KeyText.random()).revealed
            #expect(KeyText(key)?.id != nil)
            met.insert(key)
            for (place, letter) in key.enumerated() { letters[place].insert(letter) }
        }
        #expect(met.count == 2000)
        for place in Array(7..<19) { #expect(letters[place].count == 62) }
        for place in 20..<52 { #expect(letters[place].count == 64) }
    }
}
