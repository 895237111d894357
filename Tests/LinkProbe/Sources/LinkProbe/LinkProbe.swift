import ArgumentParser

/// Calls into every dependency once and prints what it answered. A dependency that linked but does not work fails here.
@main
struct LinkProbe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link-probe", abstract: "Calls into every dependency of the design once.")

    func run() async throws {
        let answers: [(String, String)] = [
            ("hiredis", try CLibraries.hiredis()),
            ("libpq", CLibraries.postgres()),
            ("zlib", try CLibraries.zlib()),
            ("libcrypto", try CLibraries.crypto()),
            ("sqlite", CLibraries.sqlite()),
            ("swift-nio", try await Networking.nio()),
            ("swift-nio-ssl", try Networking.tls()),
            ("swift-nio-http2", try Networking.http2()),
            ("async-http-client", try await Networking.httpClient()),
            ("hummingbird", Networking.hummingbird()),
            ("GRDB", try Storage.grdb()),
            ("Yams", try Storage.yams()),
            ("swift-mustache", try Storage.mustache()),
            ("swift-crypto", Identity.crypto()),
            ("jwt-kit", try await Identity.jwt()),
            ("swift-certificates", try Identity.certificates()),
            ("swift-service-lifecycle", try await Operations.lifecycle()),
            ("swift-log", Operations.log()),
            ("swift-metrics", Operations.metrics()),
            ("swift-distributed-tracing", Operations.tracing()),
            ("swift-argument-parser", Self.configuration.commandName ?? ""),
        ]
        for (name, answer) in answers { print("\(name): \(answer)") }
    }
}

/// A dependency that answered something else than it has to.
struct WrongAnswer: Error {
    let what: String
}
