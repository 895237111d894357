/// The keys of an entry of `server.listen`.
extension ConfigReference {
    static let listener = ConfigTable(
        id: "listener", place: "server.listen[]",
        keys: [
            ConfigKey("address", .address, required: true, .hot, "IP address and port."),
            ConfigKey(
                "tls", .object(Self.listenerTLS), .hot,
                "Serve HTTPS here: TLS 1.2 and 1.3. Without it: HTTP in the clear."),
        ],
        notBuilt: ["proxy_protocol": "the PROXY protocol"])

    static let listenerTLS = ConfigTable(
        id: "listener_tls", place: "server.listen[].tls",
        keys: [
            ConfigKey(
                "cert", .file, .hot,
                "PEM file: the certificate, then those of its issuers. Clients that ask for a name of none of the "
                    + "certificates get this one."),
            ConfigKey("key", .file, .hot, "PEM file with the private key of `cert`, not encrypted."),
            ConfigKey(
                "certificates", .list(.object(Self.certificate)), .hot,
                "Further certificates, chosen by the name that a client asks for (SNI): a certificate with exactly the "
                    + "name, then one with a wildcard. Without `cert` the first of them is the one for other names."),
            ConfigKey(
                "names", .list(.text), .hot,
                "Names that clients use. One that no certificate is for is an error."),
            ConfigKey(
                "client_ca", .file, .hot,
                "PEM file with the authorities whose certificates clients have to show. Without it: none is asked for."
            ),
            ConfigKey(
                "client_auth", .choice(["required", "optional"]), default: "required", .hot,
                "With `client_ca`: whether clients without a certificate are refused. One that does not verify always "
                    + "is."),
            ConfigKey(
                "reload", .boolean, default: "true", .hot,
                "Take changed files at once. `false`: with the next reload for another reason."),
        ])

    static let certificate = ConfigTable(
        id: "certificate", place: "server.listen[].tls.certificates[]",
        keys: [
            ConfigKey("cert", .file, required: true, .hot, "PEM file: the certificate, then those of its issuers."),
            ConfigKey("key", .file, required: true, .hot, "PEM file with its private key, not encrypted."),
        ])
}
