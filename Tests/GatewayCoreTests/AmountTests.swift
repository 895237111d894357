import GatewayCore
import GatewayTesting
import Testing

struct AmountTests {
    /// Golden vectors of reference/control-plane.md 1.3.
    @Test(
        arguments: [
            (10, 20_000, 200_000), (7, 150_000, 1_050_000), (1500, 2_500_000, 3_750_000_000),
            (123_456, 1_250_000, 154_320_000_000), (0, 2500, 0), (1, 0, 0),
        ] as [(Int64, Int64, Int64)])
    func tokensTimesPriceIsExact(_ tokens: Int64, _ rate: Int64, _ pico: Int64) throws {
        #expect(try PicoAmount(tokens, at: rate).pico == pico)
    }

    @Test func aProductBeyond64BitsIsAnError() {
        #expect(throws: AmountProblem.overflow) { try PicoAmount(.max, at: 2) }
        #expect(throws: AmountProblem.negative) { try PicoAmount(-1, at: 2) }
        #expect(throws: AmountProblem.negative) { try PicoAmount(1, at: -2) }
        #expect(throws: AmountProblem.overflow) { try PicoAmount(pico: .max).adding(PicoAmount(pico: 1)) }
        #expect(throws: AmountProblem.overflow) { try MicroAmount(micro: .max).adding(MicroAmount(micro: 1)) }
        #expect(PicoAmount(pico: -5) == .zero)
    }

    /// Guarantee: 25 records of 200,000 pico post 5 micro and carry nothing; a million of them 200,000 micro.
    @Test func carryLosesNothing() throws {
        let record = ExactAmount(PicoAmount(pico: 200_000))
        var sum = ExactAmount.zero
        for count in 1...1_000_000 {
            sum = try #require(sum.adding(record))
            if count == 25 { #expect(sum == ExactAmount(micro: 5, pico: 0)) }
            if count == 26 { #expect(sum == ExactAmount(micro: 5, pico: 200_000)) }
        }
        #expect(sum == ExactAmount(micro: 200_000, pico: 0))
    }

    /// Guarantee: sums and differences agree with arithmetic in 128 bits, whatever the amounts.
    @Test func sumsAndDifferencesAreExact() throws {
        func wide(_ amount: ExactAmount) -> Int128 { Int128(amount.micro) * 1_000_000 + Int128(amount.pico) }
        var random = SeededRandom(seed: 0x5eed_0101)
        for _ in 0..<5000 {
            func any() throws -> ExactAmount {
                let micro = Int64(bitPattern: random.next() >> (random.next() % 62 + 1))
                return try #require(ExactAmount(micro: micro, pico: Int64(random.int(0...999_999))))
            }
            let (left, right) = (try any(), try any())
            let sum = wide(left) + wide(right)
            if sum / 1_000_000 > Int128(Int64.max) {
                #expect(left.adding(right) == nil)
            } else {
                let found = try #require(left.adding(right))
                #expect(wide(found) == sum)
                #expect(found.subtracting(right) == left)
            }
            #expect((left < right) == (wide(left) < wide(right)))
            #expect(left.subtracting(right).map(wide) == (left < right ? nil : wide(left) - wide(right)))
        }
        #expect(ExactAmount(micro: -1, pico: 0) == nil)
        #expect(ExactAmount(micro: 0, pico: 1_000_000) == nil)
        #expect(ExactAmount(micro: .max, pico: 999_999)?.adding(ExactAmount(PicoAmount(pico: 1))) == nil)
    }

    /// Guarantee: a mark-up is rounded half to even, once.
    @Test func markUpIsRoundedHalfToEven() throws {
        func marked(_ pico: Int64, _ basisPoints: Int64) throws -> Int64 {
            try PicoAmount(pico: pico).markedUp(basisPoints: basisPoints).pico
        }
        #expect(try marked(200_000, 1500) == 230_000)
        #expect(try marked(10, 500) == 10, "10.5")
        #expect(try marked(30, 500) == 32, "31.5")
        #expect(try marked(1, 4999) == 1)
        #expect(try marked(1, 5001) == 2)
        #expect(try marked(7, -10_000) == 0)
        #expect(throws: AmountProblem.overflow) { try marked(.max, 1) }
        #expect(throws: AmountProblem.overflow) { try marked(.max, .max) }
        #expect(throws: AmountProblem.overflow) { try marked(.max, .max - 10_000) }
        #expect(throws: AmountProblem.negative) { try marked(1, -10_001) }
        #expect(try marked(.max, 0) == .max)
        var random = SeededRandom(seed: 0x5eed_0102)
        for _ in 0..<2000 {
            let pico = Int64(bitPattern: random.next() >> (random.next() % 40 + 20))
            let factor = Int64(random.int(0...100_000))
            let product = Int128(pico) * Int128(factor)
            let (quotient, rest) = product.quotientAndRemainder(dividingBy: 10_000)
            let isUp = rest > 5000 || (rest == 5000 && quotient % 2 == 1)
            #expect(Int128(try marked(pico, factor - 10_000)) == quotient + (isUp ? 1 : 0))
        }
    }

    @Test func amountsAsText() {
        #expect(ExactAmount(micro: 12_345_678, pico: 1)?.description == "12.345678000001")
        #expect(ExactAmount(MicroAmount(micro: 5_000_000)).description == "5.000000")
        #expect(ExactAmount.zero.description == "0.000000")
    }
}
