/// What a scan found: one element per looked-for name, in the order of `JSONNames.names`; `nil`: not in the object.
///
/// A value without an allocation for up to eight members; further ones go to an array. Offsets are kept in 32 bits: a
/// text of 4 GiB or more is refused before it gets here.
///
/// `startIndex` is 0 and `endIndex` the number of looked-for names, found or not.
public struct JSONMembers: Sendable, RandomAccessCollection {
    /// Start and end of the name, start and end of the value.
    private typealias Place = SIMD4<UInt32>
    private static let inlineMax = 8

    @usableFromInline let nameCount: Int
    /// One bit per name that was found.
    @usableFromInline var found: UInt64 = 0
    /// In byte n the index of the name at the n-th place, and in `kinds` its kind.
    private var owners: UInt64 = 0
    private var kinds: UInt64 = 0
    private var placeCount = 0
    // Stored one by one: a vector or tuple that is indexed by a variable is copied as a whole.
    private var place0 = Place(), place1 = Place(), place2 = Place(), place3 = Place()
    private var place4 = Place(), place5 = Place(), place6 = Place(), place7 = Place()
    /// From the ninth on, with the index of the name.
    private var more: [(index: Int, member: JSONMember)] = []

    @inline(__always)
    init(nameCount: Int) {
        self.nameCount = nameCount
    }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { self.nameCount }

    /// Costs a few instructions for a name that was not found.
    @inlinable
    public subscript(index: Int) -> JSONMember? {
        index & 63 == index && self.found &>> UInt64(index) & 1 != 0 ? self.member(index) : nil
    }

    @usableFromInline
    func member(_ index: Int) -> JSONMember? {
        let number = self.number(of: index)
        guard number < Self.inlineMax, number < self.placeCount else {
            return self.more.first { $0.index == index }?.member
        }
        guard let kind = JSONKind(rawValue: UInt8(self.kinds &>> UInt64(8 &* number) & 0xff)) else { return nil }
        let place = self.place(number)
        return JSONMember(
            kind: kind, key: Range(uncheckedBounds: (Int(place[0]), Int(place[1]))),
            value: Range(uncheckedBounds: (Int(place[2]), Int(place[3]))))
    }

    /// The number of the lowest byte of `owners` that is the index; eight without one. Bytes above the places in use
    /// are zero and may match as well, but only above the right one.
    @inline(__always)
    private func number(of index: Int) -> Int {
        let difference = self.owners ^ (UInt64(index) &* 0x0101_0101_0101_0101)
        let zeros = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
        return zeros.trailingZeroBitCount &>> 3
    }

    @inline(__always)
    private func place(_ number: Int) -> Place {
        switch number {
        case 0: self.place0
        case 1: self.place1
        case 2: self.place2
        case 3: self.place3
        case 4: self.place4
        case 5: self.place5
        case 6: self.place6
        default: self.place7
        }
    }

    /// - Returns: false if there is one already.
    @inline(__always)
    mutating func insert(_ index: Int, _ member: JSONMember) -> Bool {
        let bit: UInt64 = 1 &<< UInt64(index & 63)
        guard self.found & bit == 0 else { return false }
        self.found |= bit
        self.append(index, member)
        return true
    }

    private mutating func append(_ index: Int, _ member: JSONMember) {
        let number = self.placeCount
        self.placeCount &+= 1
        guard number < Self.inlineMax else { return self.more.append((index, member)) }
        self.owners |= UInt64(index) &<< UInt64(8 &* number)
        self.kinds |= UInt64(member.kind.rawValue) &<< UInt64(8 &* number)
        let place = Place(
            UInt32(truncatingIfNeeded: member.key.lowerBound), UInt32(truncatingIfNeeded: member.key.upperBound),
            UInt32(truncatingIfNeeded: member.value.lowerBound), UInt32(truncatingIfNeeded: member.value.upperBound))
        switch number {
        case 0: self.place0 = place
        case 1: self.place1 = place
        case 2: self.place2 = place
        case 3: self.place3 = place
        case 4: self.place4 = place
        case 5: self.place5 = place
        case 6: self.place6 = place
        default: self.place7 = place
        }
    }
}
