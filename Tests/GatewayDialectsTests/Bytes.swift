import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

/// Shorthands of these tests.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func json(_ bytes: [UInt8]) throws -> JSONValue { try JSONValue(parsing: bytes) }

extension StreamWatch {
    mutating func event(_ data: String, name: String = "") -> EventVerdict {
        Array(name.utf8).withUnsafeBytes { name in
            Array(data.utf8).withUnsafeBytes { data in self.event(name: name, data: data) }
        }
    }
}

func inspect(_ body: String, _ endpoint: Endpoint, path: String? = nil) throws -> RequestInspection {
    try Array(body.utf8).withUnsafeBytes { body in
        try RequestInspector.inspect(body, endpoint: endpoint, modelInPath: path)
    }
}

/// The error of a body that must be refused; a body that passes is a test failure.
func refusal(_ body: String, _ endpoint: Endpoint, path: String? = nil) -> GatewayError? {
    do {
        _ = try inspect(body, endpoint, path: path)
        Issue.record("not refused: \(body)")
        return nil
    } catch {
        return error as? GatewayError
    }
}
