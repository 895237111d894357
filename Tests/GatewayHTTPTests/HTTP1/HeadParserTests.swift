import GatewayWire
import Testing

@testable import GatewayHTTP

@Suite struct HeadParserTests {
    private static let head = Array("GET /abc?d HTTP/1.1\r\nHost: a\r\nX-One: 0123456789\r\n\r\n".utf8)
    private static let limits = HeadLimits(bytesMax: 8192, fieldsMax: 50)

    /// Guarantee: linear work. Lines that were whole are never looked at again: spoiling them afterwards changes
    /// nothing.
    @Test func wholeLinesAreReadOnce() throws {
        let lineEnds = Self.head.indices.filter { Self.head[$0] == 10 }.map { $0 + 1 }.dropLast()
        for end in lineEnds {
            var parser = HeadParser(.request)
            let first = try Self.advance(&parser, Array(Self.head[..<end]))
            #expect(first == HeadGrammar.incomplete)
            let spoilt = Array(repeating: UInt8(0), count: end) + Self.head[end...]
            #expect(try Self.advance(&parser, spoilt) == Self.head.count)
            #expect(parser.takeFields().fields.count == 2)
        }
    }

    /// Guarantee: linear work. An unfinished line is looked at again only when its line feed is there.
    @Test func unfinishedLinesAreSearchedOnce() throws {
        var parser = HeadParser(.request)
        let value = Array("Host: a\r\nX-Drip: ".utf8)
        var bytes = Array("GET / HTTP/1.1\r\n".utf8) + value
        #expect(try Self.advance(&parser, bytes) == HeadGrammar.incomplete)
        for _ in 0..<100 {
            bytes.append(0x79)
            #expect(try Self.advance(&parser, bytes) == HeadGrammar.incomplete)
            // The byte before is spoilt by now; the parser does not notice.
            bytes[bytes.count - 1] = 0
        }
        bytes += [13, 10]
        // With the line feed the line is read from its start, and what is spoilt is found.
        #expect(throws: Breach.self) { try Self.advance(&parser, bytes) }
    }

    /// Guarantee: trailers have no start line, and the fields of framing do not stand in them.
    @Test func trailersAreFieldsOnly() throws {
        var parser = HeadParser(.trailers)
        #expect(try Self.advance(&parser, Array("\r\n".utf8)) == 2)
        parser = HeadParser(.trailers)
        #expect(try Self.advance(&parser, Array("X-Sum: 1\r\nExpires: 0\r\n\r\nGET".utf8)) == 24)
        for name in ["Content-Length", "Transfer-Encoding", "Host"] {
            parser = HeadParser(.trailers)
            #expect(throws: Breach.self) { try Self.advance(&parser, Array("\(name): 1\r\n\r\n".utf8)) }
        }
    }

    private static func advance(_ parser: inout HeadParser, _ bytes: [UInt8]) throws(Breach) -> Int {
        let count = bytes.count
        return try HeadGrammarTests.withBase(bytes) { base throws(Breach) in
            try parser.advance(UnsafeRawBufferPointer(start: base, count: count), Self.limits)
        }
    }
}
