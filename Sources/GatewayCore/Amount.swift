/// What is wrong with an amount of money, or with the text of one.
public enum AmountProblem: Error, Sendable, Hashable {
    /// Beyond what 64 bits hold.
    case overflow
    /// A count or a result below zero.
    case negative
    /// No decimal number of digits with at most one point inside.
    case notANumber
    /// More than six digits after the point: less than a micro-unit.
    case tooPrecise
    /// No code of three capital letters (ISO 4217).
    case currency
    /// Neither `AMOUNT CURRENCY` nor `AMOUNT CURRENCY/WINDOW`.
    case form
}

/// An amount in pico-units: 10⁻¹² of the currency's unit, 0 to 9.2 million units. What one exchange costs is exact in
/// it: tokens × `micro_per_million` are pico-units.
public struct PicoAmount: Sendable, Hashable, Comparable {
    /// 0 or more.
    public let pico: Int64

    /// A negative number is brought to 0.
    @inlinable public init(pico: Int64) { self.pico = max(pico, 0) }

    /// Nothing: what a free model costs.
    @inlinable public static var zero: Self { .init(pico: 0) }

    /// The exact price of `count` units at `rate` micro-units per 1,000,000 of them.
    /// - Throws: `negative` when either is below 0, `overflow` above 9.2 million units of currency.
    @inlinable public init(_ count: Int64, at rate: Int64) throws(AmountProblem) {
        guard count >= 0, rate >= 0 else { throw .negative }
        let (product, overflow) = count.multipliedReportingOverflow(by: rate)
        guard !overflow else { throw .overflow }
        self.pico = product
    }

    /// The exact sum.
    @inlinable public func adding(_ other: Self) throws(AmountProblem) -> Self {
        let (sum, overflow) = self.pico.addingReportingOverflow(other.pico)
        guard !overflow else { throw .overflow }
        return .init(pico: sum)
    }

    /// The difference, or zero when `other` is larger.
    @inlinable public func less(_ other: Self) -> Self { .init(pico: self.pico - other.pico) }

    /// With a mark-up in hundredths of a percent, rounded half to even: once per record, after summing its parts.
    public func markedUp(basisPoints: Int64) throws(AmountProblem) -> Self {
        let (factor, wraps) = basisPoints.addingReportingOverflow(10_000)
        guard !wraps else { throw .overflow }
        guard factor >= 0 else { throw .negative }
        let product = self.pico.multipliedFullWidth(by: factor)
        guard product.high < 5000 else { throw .overflow }
        let (quotient, rest) = Int64(10_000).dividingFullWidth(product)
        let isUp = rest > 5000 || (rest == 5000 && quotient % 2 != 0)
        let (rounded, overflow) = quotient.addingReportingOverflow(isUp ? 1 : 0)
        guard !overflow else { throw .overflow }
        return .init(pico: rounded)
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.pico < right.pico }
}

/// An amount in micro-units: 10⁻⁶ of the currency's unit. Limits, ledger and invoices are in it.
public struct MicroAmount: Sendable, Hashable, Comparable {
    /// Micro-units, of either sign: a ledger has both.
    public let micro: Int64

    /// Any number of micro-units.
    @inlinable public init(micro: Int64) { self.micro = micro }

    /// The exact sum.
    @inlinable public func adding(_ other: Self) throws(AmountProblem) -> Self {
        let (sum, overflow) = self.micro.addingReportingOverflow(other.micro)
        guard !overflow else { throw .overflow }
        return .init(micro: sum)
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.micro < right.micro }
}

/// A sum of many pico amounts, exact up to 9.2 × 10¹² units of currency: whole micro-units, and the pico-units that do
/// not fill one. Budget windows and ledger accounts carry their money in it.
///
/// Never negative. Sixteen bytes, no allocation; every sum is checked.
public struct ExactAmount: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Pico-units in a micro-unit.
    @inlinable public static var picoPerMicro: Int64 { 1_000_000 }

    /// Whole micro-units, 0 or more.
    public let micro: Int64
    /// The rest: 0 to 999,999 pico-units.
    public let pico: Int64

    /// Nothing.
    @inlinable public static var zero: Self { .init(unchecked: 0, 0) }

    /// For numbers that were taken out of such an amount before: nothing is checked.
    @inlinable public init(unchecked micro: Int64, _ pico: Int64) {
        self.micro = micro
        self.pico = pico
    }

    /// - Returns: `nil` unless `micro` is 0 or more and `pico` in 0..<1,000,000.
    @inlinable public init?(micro: Int64, pico: Int64) {
        guard micro >= 0, pico >= 0, pico < Self.picoPerMicro else { return nil }
        self.init(unchecked: micro, pico)
    }

    /// The same amount, carried.
    @inlinable public init(_ amount: PicoAmount) {
        self.init(unchecked: amount.pico / Self.picoPerMicro, amount.pico % Self.picoPerMicro)
    }

    /// The same amount; a negative one is brought to 0.
    @inlinable public init(_ amount: MicroAmount) {
        self.init(unchecked: Swift.max(amount.micro, 0), 0)
    }

    /// - Returns: the exact sum; `nil` beyond 64 bits of micro-units.
    @inlinable public func adding(_ other: Self) -> Self? {
        let pico = self.pico &+ other.pico
        let carry: Int64 = pico >= Self.picoPerMicro ? 1 : 0
        let (sum, overflow) = self.micro.addingReportingOverflow(other.micro)
        let (micro, carryOverflow) = sum.addingReportingOverflow(carry)
        guard !overflow, !carryOverflow else { return nil }
        return Self(unchecked: micro, pico &- carry &* Self.picoPerMicro)
    }

    /// - Returns: the exact difference; `nil` when `other` is larger.
    @inlinable public func subtracting(_ other: Self) -> Self? {
        let pico = self.pico &- other.pico
        let borrow: Int64 = pico < 0 ? 1 : 0
        let micro = self.micro &- other.micro &- borrow
        guard micro >= 0 else { return nil }
        return Self(unchecked: micro, pico &+ borrow &* Self.picoPerMicro)
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.micro == right.micro ? left.pico < right.pico : left.micro < right.micro
    }

    /// `12.345678000001`: units of currency with twelve digits after the point, or six when there is no rest.
    public var description: String {
        let whole = "\(self.micro / 1_000_000).\(Self.six(self.micro % 1_000_000))"
        return self.pico == 0 ? whole : whole + Self.six(self.pico)
    }

    private static func six(_ number: Int64) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: 6 - text.utf8.count) + text
    }
}
