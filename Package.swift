// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is built in Swift 6 mode, with warnings as errors. Imports: docs/decisions/0002.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func source(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "penstock",
    products: [.executable(name: "penstock", targets: ["penstock"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    ],
    targets: [
        // C libraries of the system (docs/decisions/0003).
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),

        // The seam between the planes.
        source("GatewayCore", []),
        source("GatewayContract", ["GatewayCore"]),

        // Pure: no socket, no clock, no file.
        source("GatewayWire", ["GatewayCore", "CZlib"]),
        source("GatewayPolicy", ["GatewayCore", "GatewayContract", "CLibCrypto", "CZlib"]),
        source("GatewayDialects", ["GatewayCore", "GatewayContract", "GatewayWire"]),

        // Files to desired state.
        source("GatewayConfig", ["GatewayCore", "GatewayContract", yams]),

        // Sockets.
        source("GatewayHTTP", ["GatewayCore", "GatewayWire", nioCore, nioPosix, nioTLS, nioSSL]),
        source(
            "GatewayUpstream",
            ["GatewayCore", "GatewayContract", "GatewayWire", "GatewayHTTP", nioCore, nioPosix, nioTLS, nioSSL]),
        source("GatewayRedis", ["GatewayCore", "CHiredis", "CLibCrypto", nioCore, nioPosix, nioTLS, nioSSL]),
        source("GatewayTelemetry", ["GatewayCore", "GatewayContract"]),
        source(
            "GatewayPipeline",
            [
                "GatewayCore", "GatewayContract", "GatewayWire", "GatewayPolicy", "GatewayDialects", "GatewayHTTP",
                "GatewayUpstream", "GatewayTelemetry", nioCore,
            ],
            exclude: ["README.md"]),

        source("GatewayTesting", ["GatewayCore", "GatewayContract", "GatewayWire"]),

        .executableTarget(
            name: "penstock",
            dependencies: [
                "GatewayCore", "GatewayContract", "GatewayWire", "GatewayPolicy", "GatewayDialects", "GatewayConfig",
                "GatewayHTTP", "GatewayUpstream", "GatewayTelemetry", "GatewayPipeline", nioCore, nioPosix, nioSSL,
                argumentParser,
            ],
            swiftSettings: strict),

        tests("GatewayCoreTests", ["GatewayCore", "GatewayTesting"]),
        tests("GatewayContractTests", ["GatewayContract", "GatewayCore"]),
        tests("GatewayWireTests", ["GatewayWire", "GatewayCore", "GatewayTesting"]),
        tests("GatewayPolicyTests", ["GatewayPolicy", "GatewayContract", "GatewayCore", "GatewayTesting"]),
        tests(
            "GatewayDialectsTests",
            ["GatewayDialects", "GatewayWire", "GatewayContract", "GatewayCore", "GatewayTesting"],
            exclude: ["Golden"]),
        tests("GatewayConfigTests", ["GatewayConfig", "GatewayContract", "GatewayCore"], exclude: ["Cases"]),
        tests(
            "GatewayHTTPTests",
            [
                "GatewayHTTP", "GatewayWire", "GatewayCore", "GatewayTesting", nioCore, nioPosix, nioEmbedded, nioHTTP1,
                nioSSL,
            ]),
        tests(
            "GatewayUpstreamTests",
            [
                "GatewayUpstream", "GatewayHTTP", "GatewayWire", "GatewayContract", "GatewayCore", "GatewayTesting",
                nioCore, nioPosix, nioEmbedded, nioSSL,
            ]),
        tests(
            "GatewayRedisTests",
            ["GatewayRedis", "GatewayCore", "GatewayTesting", nioCore, nioPosix, nioEmbedded]),
        tests("GatewayTelemetryTests", ["GatewayTelemetry", "GatewayContract", "GatewayCore"]),
        tests(
            "GatewayPipelineTests",
            [
                "GatewayPipeline", "GatewayUpstream", "GatewayHTTP", "GatewayPolicy", "GatewayDialects", "GatewayWire",
                "GatewayTelemetry", "GatewayContract", "GatewayCore", "GatewayTesting", nioCore, nioEmbedded,
            ]),
        tests(
            "SimulationTests",
            [
                "GatewayPipeline", "GatewayUpstream", "GatewayHTTP", "GatewayPolicy", "GatewayDialects", "GatewayWire",
                "GatewayTelemetry", "GatewayContract", "GatewayCore", "GatewayTesting", nioCore, nioEmbedded,
            ]),
        tests("TidyTests", []),
    ],
    swiftLanguageModes: [.v6]
)
