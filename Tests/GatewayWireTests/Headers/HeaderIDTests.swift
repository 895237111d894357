import GatewayWire
import Testing

@Suite struct HeaderIDTests {
    @Test(arguments: HeaderID.allCases.filter { $0 != .other })
    func everyKnownNameIsFoundInAnyCase(id: HeaderID) {
        let name = Array(id.name.utf8)
        let upper = name.map { $0 &- 0x61 < 26 ? $0 & 0xdf : $0 }
        let mixed = name.enumerated().map { $0.offset.isMultiple(of: 2) ? upper[$0.offset] : $0.element }
        #expect(HeaderID(name: name) == id)
        #expect(HeaderID(name: upper) == id)
        #expect(HeaderID(name: mixed) == id)
    }

    /// A name that differs from a known one in one bit of one byte, or in length, is another name.
    @Test(arguments: HeaderID.allCases.filter { $0 != .other })
    func neighboursOfAKnownNameAreOther(id: HeaderID) {
        let name = Array(id.name.utf8)
        for index in name.indices {
            for bit in 0..<8 {
                var changed = name
                changed[index] ^= 1 << UInt8(bit)
                let isSameLetter = bit == 5 && name[index] &- 0x61 < 26
                #expect((HeaderID(name: changed) == id) == isSameLetter, "byte \(index), bit \(bit)")
            }
        }
        #expect(HeaderID(name: name + [0x78]) != id)
        #expect(HeaderID(name: Array(name.dropLast())) != id)
    }

    @Test func namesAreLowerCaseAndDifferent() {
        let names = HeaderID.allCases.filter { $0 != .other }.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.isEmpty })
    }

    @Test func emptyShortAndLongNamesAreOther() {
        #expect(HeaderID(name: []) == .other)
        #expect(HeaderID(name: [0x74]) == .other)
        #expect(HeaderID(name: [UInt8](repeating: 0x61, count: 300)) == .other)
    }
}
