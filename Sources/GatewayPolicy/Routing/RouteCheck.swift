import GatewayContract
import GatewayCore

/// What can be wrong inside one configured route, whatever the others are.
enum RouteCheck {
    static func problems(of route: RouteSpec) -> [CompileProblem] {
        var check = Check(route: route)
        check.all()
        return check.problems
    }

    private struct Check {
        let route: RouteSpec
        var problems: [CompileProblem] = []

        init(route: RouteSpec) {
            self.route = route
        }

        mutating func all() {
            guard !self.route.versions.isEmpty else {
                return self.report("E4002", "route `\(self.route.name)` has no version", self.route.origin)
            }
            self.names()
            self.hosts()
            self.selection()
            for version in self.route.versions {
                self.path(version)
                self.dates(version)
                self.successor(version)
                self.docs(version)
            }
            self.sharedPaths()
        }

        private mutating func names() {
            var met: [VersionName: Origin] = [:]
            for version in self.route.versions {
                if !Self.isHeaderSafe(version.name.text) {
                    self.report("E4012", "version name \(Self.shown(version.name.text)) is not usable", version.origin)
                }
                if let other = met.updateValue(version.origin, forKey: version.name) {
                    self.report(
                        "E4003", "version `\(version.name)` of route `\(self.route.name)` is defined twice",
                        version.origin, other: other)
                }
            }
        }

        private mutating func hosts() {
            for host in self.route.hosts where host.isEmpty || !host.utf8.allSatisfy(Self.isHostByte) {
                self.report(
                    "E4013", "\(Self.shown(host)) in route `\(self.route.name)` is no host name", self.route.origin,
                    help: "a name or an address, without scheme and port")
            }
        }

        private mutating func selection() {
            let selection = self.route.selection
            guard let name = selection.defaultVersion, !self.route.versions.contains(where: { $0.name == name }) else {
                return
            }
            self.problems.append(
                CompileProblem(
                    code: "E4004", message: "default version `\(name)` of route `\(self.route.name)` is not defined",
                    origin: self.route.origin,
                    suggestion: ClosestName.find(name.text, among: self.route.versions.lazy.map(\.name.text))))
        }

        private mutating func path(_ version: RouteVersionSpec) {
            guard let flaw = PathPattern.flaw(of: version.path, for: version.endpoint) else { return }
            self.report("E4005", "path \(Self.shown(version.path)) \(flaw)", version.pathOrigin)
        }

        private mutating func dates(_ version: RouteVersionSpec) {
            if let sunset = version.sunset, let deprecated = version.deprecated, sunset < deprecated {
                self.report(
                    "E4007",
                    "version `\(version.name)` has sunset \(Self.day(sunset)), earlier than its deprecation "
                        + Self.day(deprecated),
                    version.origin, help: "RFC 8594/9745: Sunset must not be earlier than Deprecation")
            }
            for other in self.route.versions {
                guard self.route.selection.dateHeader != nil, version.fromDate != nil, other.name < version.name,
                    other.fromDate == version.fromDate, self.areAlternatives(version, other)
                else { continue }
                self.report(
                    "E4008", "versions `\(other.name)` and `\(version.name)` have the same `from_date`", version.origin,
                    other: other.origin)
            }
        }

        /// Exists, comes to an end, and can be redirected to.
        private mutating func successor(_ version: RouteVersionSpec) {
            guard let reference = version.successor else {
                if version.afterSunset == .redirect {
                    self.report(
                        "E4010", "version `\(version.name)` redirects after its sunset but has no `successor`",
                        version.origin)
                }
                return
            }
            guard let successor = self.route.versions.first(where: { $0.name == reference.name }) else {
                self.problems.append(
                    CompileProblem(
                        code: "E4006",
                        message: "version `\(version.name)` has successor `\(reference.name)`, which is not defined",
                        origin: reference.origin,
                        suggestion: ClosestName.find(
                            reference.name.text, among: self.route.versions.lazy.map(\.name.text))))
                return
            }
            if self.comesBack(to: version) {
                self.report("E4009", "the successors of version `\(version.name)` lead back to it", reference.origin)
            } else if version.afterSunset == .redirect {
                self.redirect(version, to: successor)
            }
        }

        private mutating func redirect(_ version: RouteVersionSpec, to successor: RouteVersionSpec) {
            let isSamePath = version.path == successor.path || !self.route.selection.path
            let isOtherShape = version.endpoint != successor.endpoint
            guard isSamePath || isOtherShape else { return }
            self.report(
                "E4010",
                "version `\(version.name)` cannot redirect to `\(successor.name)`: "
                    + (isSamePath ? "its path would lead to the same version again" : "that is another endpoint"),
                version.origin, other: successor.origin)
        }

        private func comesBack(to version: RouteVersionSpec) -> Bool {
            var next = version.successor?.name
            for _ in self.route.versions.indices {
                if next == version.name { return true }
                next = self.route.versions.first { $0.name == next }?.successor?.name
            }
            return false
        }

        private mutating func docs(_ version: RouteVersionSpec) {
            guard let docs = version.docs else { return }
            let isURL = docs.hasPrefix("https://") || docs.hasPrefix("http://") || docs.hasPrefix("/")
            guard !isURL || !docs.utf8.allSatisfy(Self.isURIByte) else { return }
            self.report(
                "E4011", "`docs` of version `\(version.name)` is no URL", version.origin,
                help: "an http or https URL, or a path that begins with `/`, in ASCII")
        }

        /// Versions that share a path need something in the request that tells them apart.
        private mutating func sharedPaths() {
            let selection = self.route.selection
            for (place, version) in self.route.versions.enumerated() {
                for other in self.route.versions[..<place] where self.areAlternatives(version, other) {
                    if version.endpoint.shape == .jsonModelInPath, other.path != version.path {
                        self.report(
                            "E4014", "versions `\(other.name)` and `\(version.name)` need `select.path`",
                            version.origin,
                            other: other.origin, help: "what stands in a Gemini path decides what is called")
                    }
                    guard selection.header == nil, selection.query == nil, selection.dateHeader == nil else { continue }
                    self.report(
                        "E4014",
                        "nothing tells versions `\(other.name)` and `\(version.name)` of route "
                            + "`\(self.route.name)` apart",
                        version.pathOrigin, other: other.pathOrigin,
                        help: "give them different paths, or `select` by `header`, `query` or `date_header`")
                }
            }
        }

        /// Whether one path leads to both.
        private func areAlternatives(_ one: RouteVersionSpec, _ other: RouteVersionSpec) -> Bool {
            guard BuiltInRoutes.method(of: one.endpoint) == BuiltInRoutes.method(of: other.endpoint) else {
                return false
            }
            return !self.route.selection.path || one.path == other.path
        }

        private mutating func report(
            _ code: String, _ message: String, _ origin: Origin, other: Origin? = nil, help: String? = nil
        ) {
            self.problems.append(
                CompileProblem(code: code, message: message, origin: origin, other: other, help: help))
        }

        private static func day(_ time: WallTime) -> String {
            String(CivilDate(unixSeconds: time.unixSeconds).rfc3339.prefix(10))
        }

        /// In backquotes, with everything that could confuse a terminal escaped, and not too long.
        private static func shown(_ text: String) -> String {
            let safe = text.unicodeScalars.prefix(128).map {
                (0x20...0x7e).contains($0.value) ? String($0) : $0.escaped(asASCII: true)
            }
            return "`\(safe.joined())`"
        }

        private static func isHeaderSafe(_ text: String) -> Bool {
            !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        }

        private static func isHostByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
                UInt8(ascii: "]"):
                true
            default: false
            }
        }

        /// Characters of RFC 3986, and the percent sign.
        private static func isURIByte(_ byte: UInt8) -> Bool {
            (0x21...0x7e).contains(byte) && !"\"<>\\^`{|}".utf8.contains(byte)
        }
    }
}
