import GatewayCore
import Testing

struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1::", "1::"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func texts(_ text: String, _ shown: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == shown)
        #expect(IPAddress(shown) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1..3.4", "+1.2.3.4", "1.2.3.-4", ":", ":::",
        "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1%eth0", "[::1]",
        "1.2.3.4::", "::1.2.3.4:5", "1:", ":1", "::+1", "1:2:3:4:5:6:7:1.2.3.4", "１.2.3.4",
    ])
    func noAddresses(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    /// Guarantee: bytes and groups are those that the text says, in network order, for both kinds of address.
    @Test func parts() throws {
        let four = try #require(IPAddress("192.0.2.254"))
        #expect((12..<16).map(four.octet) == [192, 0, 2, 254])
        #expect((0..<16).map(four.octet).prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255])
        let six = try #require(IPAddress("2001:db8:0:0:1:0:ab:cdef"))
        #expect((0..<8).map(six.group) == [0x2001, 0xdb8, 0, 0, 1, 0, 0xab, 0xcdef])
        #expect((0..<4).map(six.octet) == [0x20, 0x01, 0x0d, 0xb8])
        #expect(IPAddress(bytes: (0..<16).map(six.octet)) == six)
        #expect(six.elidedGroups == 2..<4)
        #expect(IPAddress("1:0:2:0:3:0:4:0")?.elidedGroups.isEmpty == true)
        #expect(IPAddress("1:0:0:2:0:0:0:3")?.elidedGroups == 4..<7)
    }

    @Test func bytes() {
        #expect(IPAddress(bytes: [192, 0, 2, 1]) == IPAddress("192.0.2.1"))
        #expect(IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) == IPAddress("::1"))
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
        #expect(IPAddress(ipv4: 0xc000_0201).description == "192.0.2.1")
    }

    @Test(arguments: [
        ("10.2.0.0/16", "10.2.255.255", true), ("10.2.0.0/16", "10.3.0.0", false), ("10.2.3.4/16", "10.2.9.9", true),
        ("10.2.3.4", "10.2.3.4", true), ("10.2.3.4", "10.2.3.5", false), ("0.0.0.0/0", "9.9.9.9", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "9.9.9.9", false), ("::/0", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db8:ffff::", true), ("2001:db8::/32", "2001:db9::", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
        ("2001:db8::/64", "2001:db8::ffff:0:0:1", true), ("2001:db8::1/128", "2001:db8::1", true),
        ("2001:db8::1/128", "2001:db8::2", false), ("10.0.0.0/31", "10.0.0.1", true),
        ("10.0.0.0/31", "10.0.0.2", false),
        ("10.0.0.0/8", "::ffff:10.9.9.9", true),
    ])
    func blocks(_ block: String, _ address: String, _ isInside: Bool) throws {
        let inside = try #require(IPAddress(address))
        let range = try #require(IPBlock(block))
        #expect(range.contains(inside) == isInside)
    }

    @Test(arguments: [
        "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "/8", "", "10.0.0.0/x",
        "10.0.0.0/99999999999999999999",
    ])
    func noBlocks(_ text: String) {
        #expect(IPBlock(text) == nil)
    }
}
