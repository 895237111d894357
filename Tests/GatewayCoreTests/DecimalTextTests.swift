import GatewayCore
import Testing

struct DecimalTextTests {
    private func text(_ number: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: DecimalText.bytesMax, alignment: 1) { room in
            guard let start = room.baseAddress else { return "" }
            let end = DecimalText.write(number, at: start)
            return String(decoding: UnsafeRawBufferPointer(start: start, count: end - start), as: UTF8.self)
        }
    }

    /// Guarantee: every number is written as Swift writes it.
    @Test func numbersAreWrittenAsSwiftWritesThem() {
        for number in 0...UInt64(20_000) { #expect(self.text(number) == String(number)) }
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            for number in [power - 1, power, power + 1, power / 10 * 7 + 3] {
                #expect(self.text(number) == String(number))
            }
        }
        var random = UInt64(1)
        for shift in 0..<20_000 {
            random = random &* 0x5851_f42d_4c95_7f2d &+ 0x1405_7b7e_f767_814f
            let number = random >> UInt64(shift % 64)
            #expect(self.text(number) == String(number))
        }
        #expect(self.text(.max) == "18446744073709551615")
    }

    /// Guarantee: nothing is written behind the room that is asked for.
    @Test(
        arguments: [0, 9, 10, 99_999_999, 100_000_000, 9_999_999_999_999_999, 10_000_000_000_000_000, .max] as [UInt64])
    func nothingIsWrittenBehindTheRoom(number: UInt64) {
        var room = [UInt8](repeating: 0xaa, count: DecimalText.bytesMax + 16)
        room.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { _ = DecimalText.write(number, at: start) }
        }
        #expect(room[DecimalText.bytesMax...].allSatisfy { $0 == 0xaa })
    }
}
