import GatewayCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The system's name resolution. It blocks for seconds when a name server is slow: never called on a loop.
enum AddressLookup {
    /// Addresses in the order of preference that the system gives (RFC 6724), each once.
    static func addresses(of name: String) -> Result<[IPAddress], ResolveFault> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &list)
        guard status == 0 else { return .failure(.init(detail: String(cString: gai_strerror(status)))) }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let info = next {
            if let address = Self.address(info.pointee), !addresses.contains(address) { addresses.append(address) }
            next = info.pointee.ai_next
        }
        return .success(addresses)
    }

    private static func address(_ info: addrinfo) -> IPAddress? {
        guard let place = info.ai_addr else { return nil }
        switch info.ai_family {
        case AF_INET:
            let socket = UnsafeRawPointer(place).loadUnaligned(as: sockaddr_in.self)
            return withUnsafeBytes(of: socket.sin_addr) { IPAddress(bytes: $0) }
        case AF_INET6:
            let socket = UnsafeRawPointer(place).loadUnaligned(as: sockaddr_in6.self)
            return withUnsafeBytes(of: socket.sin6_addr) { IPAddress(bytes: $0) }
        default:
            return nil
        }
    }
}
