import GatewayCore
import GatewayTesting
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

struct TimeZoneTests {
    private func rules(_ file: TimeZoneFileBytes) throws -> TimeZoneRules {
        try TimeZoneRules(name: "test", tzif: file.bytes)
    }

    private func day(_ year: Int, _ month: Int, _ day: Int) -> CalendarDay {
        CalendarDay(year: year, month: month, day: day)
    }

    /// Unix seconds as the IANA database of 2025 gives them.
    static let starts: [(TimeZoneFileBytes, String, (Int, Int, Int), Int64)] = [
        (.newYork, "America/New_York", (2026, 1, 31), 1_769_835_600),
        (.newYork, "America/New_York", (2026, 3, 8), 1_772_946_000),
        (.newYork, "America/New_York", (2026, 3, 9), 1_773_028_800),
        (.newYork, "America/New_York", (2026, 11, 1), 1_793_505_600),
        (.newYork, "America/New_York", (2026, 11, 2), 1_793_595_600),
        (.newYork, "America/New_York", (2060, 3, 14), 2_846_466_000),
        (.newYork, "America/New_York", (2060, 3, 15), 2_846_548_800),
        (.berlin, "Europe/Berlin", (2026, 3, 28), 1_774_652_400),
        (.berlin, "Europe/Berlin", (2026, 3, 29), 1_774_738_800),
        (.berlin, "Europe/Berlin", (2026, 3, 30), 1_774_821_600),
        (.berlin, "Europe/Berlin", (2026, 10, 25), 1_792_879_200),
        (.berlin, "Europe/Berlin", (2026, 10, 26), 1_792_969_200),
        (.shanghai, "Asia/Shanghai", (2026, 1, 1), 1_767_196_800),
        (.shanghai, "Asia/Shanghai", (1991, 4, 14), 671_558_400),
        (.shanghai, "Asia/Shanghai", (1991, 4, 15), 671_641_200),
        (.shanghai, "Asia/Shanghai", (1991, 9, 15), 684_860_400),
        (.shanghai, "Asia/Shanghai", (1991, 9, 16), 684_950_400),
        (.apia, "Pacific/Apia", (2011, 12, 29), 1_325_152_800),
        (.apia, "Pacific/Apia", (2011, 12, 30), 1_325_239_200),
        (.apia, "Pacific/Apia", (2011, 12, 31), 1_325_239_200),
        (.apia, "Pacific/Apia", (2012, 1, 1), 1_325_325_600),
        (.apia, "Pacific/Apia", (2026, 6, 1), 1_780_225_200),
    ]

    /// Guarantee: local days begin where the database says, also those of 23 and 25 hours and one that was left out.
    @Test func localDaysBeginWhereTheDatabaseSays() throws {
        for (file, name, (year, month, day), seconds) in Self.starts {
            let rules = try self.rules(file)
            #expect(rules.start(of: self.day(year, month, day)) == seconds, "\(name) \(year)-\(month)-\(day)")
            // The left-out day has no time of its own.
            if name != "Pacific/Apia" || day != 30 {
                #expect(rules.day(at: seconds) == self.day(year, month, day), "\(name) \(year)-\(month)-\(day)")
            }
            #expect(rules.day(at: seconds - 1) < self.day(year, month, day))
        }
    }

    /// Guarantee: the files of the system's own database, where there is one, are read and say the same.
    @Test func theSystemsFilesSayTheSame() throws {
        for (_, name, (year, month, day), seconds) in Self.starts {
            guard let bytes = Self.read("/usr/share/zoneinfo/\(name)") else { continue }
            let rules = try TimeZoneRules(name: name, tzif: bytes)
            #expect(rules.start(of: self.day(year, month, day)) == seconds, "\(name) \(year)-\(month)-\(day)")
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 70_000)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        return bytes
    }

    /// Guarantee: every instant lies in one day, days follow each other, and none begins before the one before it.
    @Test(arguments: [
        TimeZoneFileBytes.newYork, .berlin, .shanghai, .apia,
        // Midnight itself is skipped, or comes twice.
        .init(offsets: [7200], footer: "EET-2EEST,M3.5.0/0,M10.5.0/0"),
        .init(offsets: [-18000], footer: "CST5CDT,M3.2.0/0,M11.1.0/1"),
        .init(offsets: [-14400], footer: "<-04>4<-03>,M9.1.6/24,M4.1.6/24"),
        .init(offsets: [-7200], footer: "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"),
        .init(offsets: [0], footer: "AAA12BBB-14,J60/-167,365/167"),
    ])
    func everyInstantLiesInItsDay(_ file: TimeZoneFileBytes) throws {
        let rules = try self.rules(file)
        var random = SeededRandom(seed: 0x5eed_0103)
        for _ in 0..<3000 {
            let seconds = Int64(random.int(600_000_000...5_000_000_000))
            let day = rules.day(at: seconds)
            #expect(rules.start(of: day) <= seconds)
            #expect(seconds < rules.start(of: day.adding(days: 1)))
            #expect(rules.start(of: day.adding(days: -1)) <= rules.start(of: day))
        }
    }

    @Test func summerTimeRules() throws {
        func offset(_ footer: String, _ year: Int, _ month: Int, _ day: Int) throws -> Int64 {
            let seconds = try #require(CivilDate.unixSeconds(year: year, month: month, day: day))
            return try self.rules(.init(offsets: [0], footer: footer)).offset(at: seconds)
        }
        #expect(try offset("CET-1CEST,M3.5.0,M10.5.0/3", 2400, 7, 1) == 7200)
        #expect(try offset("CET-1CEST,M3.5.0,M10.5.0/3", 2400, 1, 1) == 3600)
        // The south: summer is over the turn of the year.
        #expect(try offset("NZST-12NZDT,M9.5.0,M4.1.0/3", 2030, 1, 1) == 46800)
        #expect(try offset("NZST-12NZDT,M9.5.0,M4.1.0/3", 2030, 7, 1) == 43200)
        // Summer time all year, as RFC 9636 section 3.3.1 writes it.
        for month in 1...12 { #expect(try offset("XXX3EDT4,0/0,J365/23", 2030, month, 1) == -14400) }
        // February 29 is day 59 counted from 0, and has no `J` number.
        #expect(try offset("AAA0BBB,59/0,J365/23", 2028, 2, 29) == 3600)
        #expect(try offset("AAA0BBB,J60/0,J365/23", 2028, 2, 29) == 0)
        #expect(try offset("AAA0BBB,J60/0,J365/23", 2028, 3, 1) == 3600)
        #expect(try offset("<+0530>-5:30", 2028, 3, 1) == 19800)
        #expect(try offset("", 2028, 3, 1) == 0, "without a rule the last offset stays")
    }

    /// Guarantee: no file, however broken, does anything but give rules or an error value.
    @Test func brokenFilesAreErrors() throws {
        func problem(_ bytes: [UInt8]) -> TimeZoneFileProblem? {
            do throws(TimeZoneFileProblem) {
                _ = try TimeZoneRules(name: "x", tzif: bytes)
                return nil
            } catch { return error }
        }
        var file = TimeZoneFileBytes.apia
        let good = file.bytes
        #expect(problem(good) == nil)
        #expect(problem([]) == .notTZif)
        #expect(problem(Array("TZif2".utf8)) == .truncated)
        #expect(problem(Array(repeating: 0, count: 65_537)) == .tooLarge)
        #expect(problem(good + [0]) == .footer)
        file.version = 0
        #expect(problem(file.bytes) == .version)
        file = .apia
        file.leapCount = 1
        #expect(problem(file.bytes) == .leapSeconds)
        file = .apia
        file.transitions.swapAt(0, 1)
        #expect(problem(file.bytes) == .malformed)
        file = .apia
        file.transitions[0].type = 3
        #expect(problem(file.bytes) == .malformed)
        for offset in [Int32(-90_000), 93_600, .min, .max] {
            file = .apia
            file.offsets[0] = offset
            #expect(problem(file.bytes) == .malformed)
        }
        for footer in [
            "CET", "CE-1", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,1",
            "CET-1CEST,M3.5.7,1", "CET-1CEST,J0,1", "CET-1CEST,366,1", "CET-1CEST,1,2,3", "CET-1:60", "<+1-1", "CET 1",
            "CET-1CEST,1/168,2", "CET-1234",
        ] {
            file = .apia
            file.footer = footer
            #expect(problem(file.bytes) == .footer, "\(footer)")
        }
        for length in 0..<good.count { #expect(problem(Array(good.prefix(length))) != nil, "\(length) bytes") }
        var random = SeededRandom(seed: 0x5eed_0104)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...random.int(0...3) { bytes[random.int(0...bytes.count - 1)] = UInt8(random.int(0...255)) }
            if let rules = try? TimeZoneRules(name: "x", tzif: bytes) {
                let seconds = Int64(bitPattern: random.next())
                _ = rules.start(of: rules.day(at: seconds))
            }
        }
    }

    @Test func calendarDays() {
        #expect(self.day(1970, 1, 1).number == 0)
        #expect(self.day(2026, 2, 31) == self.day(2026, 2, 28))
        #expect(self.day(2028, 2, 30) == self.day(2028, 2, 29))
        #expect(self.day(2026, 11, 21).weekday == 6)
        #expect(self.day(1969, 12, 31).number == -1)
        #expect(self.day(1969, 12, 31).weekday == 3)
        #expect(CalendarDay(localSeconds: -1) == self.day(1969, 12, 31))
        #expect(CalendarDay(number: .max).parts == (9999, 12, 31))
        #expect(CalendarDay(number: .min).parts == (1, 1, 1))
        #expect(
            TimeZoneRules.utc.start(of: CalendarDay(number: .min)) <= TimeZoneRules.utc.day(at: .min).number * 86400)
    }
}
