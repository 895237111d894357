/// What the header of one part of `multipart/form-data` says.
struct MultipartPart {
    /// As it is written, without quotes.
    let name: [UInt8]
    let isFile: Bool
    /// Whether the content means its own bytes: neither a transfer encoding nor a charset other than UTF-8 stands in
    /// the header.
    let isPlainText: Bool

    /// - Parameter header: the lines of the header, each with its CRLF, without the empty line.
    /// - Returns: `nil` unless every line is a field, `Content-Disposition` stands there once, is `form-data`, and has
    ///   one plain `name`.
    init?(header: UnsafeRawBufferPointer) {
        var disposition: MIMEParameters?
        var isPlainText = true
        var at = 0
        while at < header.count {
            guard let (name, value) = Self.line(header, &at) else { return nil }
            switch String(decoding: name.map(MIMEParameters.lowered), as: UTF8.self) {
            case "content-disposition":
                guard disposition == nil, let parsed = MIMEParameters(value) else { return nil }
                disposition = parsed
            case "content-transfer-encoding":
                if !["7bit", "8bit", "binary"].contains(Self.lowercased(value)) { isPlainText = false }
            case "content-type":
                let charset = MIMEParameters(value).map { $0["charset"]?.value ?? Array("utf-8".utf8) }
                let name = charset.map { String(decoding: $0, as: UTF8.self).lowercased() }
                if name != "utf-8" && name != "us-ascii" { isPlainText = false }
            default: break
            }
        }
        guard let disposition, disposition.isType("form-data"), let name = disposition["name"], !name.hasBackslash,
            disposition["name*"] == nil
        else { return nil }
        self.name = name.value
        self.isFile = disposition["filename"] != nil || disposition["filename*"] != nil
        self.isPlainText = isPlainText
    }

    /// One line `name: value` with its CRLF; folded lines and control bytes are refused.
    private static func line(
        _ header: UnsafeRawBufferPointer, _ at: inout Int
    ) -> (name: Slice<UnsafeRawBufferPointer>, value: UnsafeRawBufferPointer)? {
        let start = at
        while at < header.count, MIMEParameters.isTokenByte(header[at]) { at += 1 }
        guard at > start, at < header.count, header[at] == UInt8(ascii: ":") else { return nil }
        let name = header[start..<at]
        at += 1
        let valueStart = at
        while at < header.count, header[at] >= 0x20 && header[at] != 0x7f || header[at] == 0x09 { at += 1 }
        let value = UnsafeRawBufferPointer(rebasing: header[valueStart..<at])
        guard at + 1 < header.count, header[at] == 0x0d, header[at + 1] == 0x0a else { return nil }
        at += 2
        return (name, value)
    }

    private static func lowercased(_ value: UnsafeRawBufferPointer) -> String {
        let text = value.drop { $0 == 0x20 || $0 == 0x09 }.filter { $0 != 0x20 && $0 != 0x09 }
        return String(decoding: text, as: UTF8.self).lowercased()
    }

    /// Whether the name, or a component of it in bracket or dot notation (`image[0][file_id]`), names an object stored
    /// at the provider.
    var namesStoredObject: Bool {
        self.name.split(whereSeparator: { $0 == 0x5b || $0 == 0x5d || $0 == 0x2e })
            .contains { Self.storedObjectNames.contains(String(decoding: $0, as: UTF8.self)) }
    }

    private static let storedObjectNames: Set<String> = [
        "file_id", "file_ids", "input_file_id", "previous_response_id", "conversation", "conversation_id", "container",
        "container_id", "vector_store_id", "vector_store_ids", "upload_id", "batch_id",
    ]
}
