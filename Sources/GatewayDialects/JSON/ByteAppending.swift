import GatewayWire

/// Text building without Foundation, for bodies made here. Off the hot path.
extension [UInt8] {
    mutating func append(text: StaticString) {
        self.append(contentsOf: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(string: String) {
        self.append(contentsOf: string.utf8)
    }

    mutating func append(decimal number: some BinaryInteger) {
        self.append(contentsOf: String(number).utf8)
    }

    mutating func append(quoted text: String) {
        JSONText.appendQuoted(text, to: &self)
    }

    mutating func append(quotedOrNull text: String?) {
        if let text { JSONText.appendQuoted(text, to: &self) } else { self.append(text: "null") }
    }
}
