/// A currency by its code of ISO 4217: three capital letters.
public struct CurrencyCode: Sendable, Hashable, CustomStringConvertible {
    /// The three letters.
    public let description: String

    /// US dollars: the currency of the price lists that vendors publish.
    public static let usd = CurrencyCode(unchecked: "USD")

    private init(unchecked text: String) { self.description = text }

    /// - Returns: `nil` unless `text` is three letters from A to Z. Whether such a currency exists is not looked up.
    public init?(_ text: Substring) {
        guard text.utf8.count == 3, text.utf8.allSatisfy({ $0 &- 0x41 < 26 }) else { return nil }
        self.init(unchecked: String(text))
    }
}

/// Amounts and prices as people write them, read without floating point. Only while reading configuration.
public enum MoneyText {
    /// A decimal number such as `0.15` in millionths, exactly.
    ///
    /// Digits with at most one point between them: no sign, no exponent, no spaces, no separators. A price of `"0.15"`
    /// per 1M tokens is 150,000 `micro_per_million`; an amount of `0.50` is 500,000 micro-units.
    /// - Throws: `notANumber`, `tooPrecise` beyond six decimals, `overflow` beyond 64 bits.
    public static func millionths(_ text: Substring) throws(AmountProblem) -> Int64 {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy { $0 &- 0x30 < 10 } })
        else {
            throw .notANumber
        }
        let decimals = parts.count == 2 ? parts[1] : parts[0].prefix(0)
        guard decimals.count <= 6 else { throw .tooPrecise }
        var total: Int64 = 0
        for place in 0..<(parts[0].count + 6) {
            let decimal = place - parts[0].count
            let digit: UInt8
            if decimal < 0 {
                digit = parts[0].dropFirst(place).first ?? 0x30
            } else {
                digit = decimals.dropFirst(decimal).first ?? 0x30
            }
            let (tenfold, wraps) = total.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tenfold.addingReportingOverflow(Int64(digit &- 0x30))
            guard !wraps, !overflow else { throw .overflow }
            total = sum
        }
        return total
    }

    /// `5 USD`: an amount, one space, a currency.
    public static func amount(_ text: Substring) throws(AmountProblem) -> (MicroAmount, CurrencyCode) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 2 else { throw .form }
        guard let currency = CurrencyCode(words[1]) else { throw .currency }
        return (MicroAmount(micro: try Self.millionths(words[0])), currency)
    }
}
