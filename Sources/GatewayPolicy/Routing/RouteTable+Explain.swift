import GatewayContract
import GatewayCore

extension RouteTable {
    /// Why a request goes where it goes, line by line: for `penstock routes explain`.
    /// - Parameter path: with its query, if any.
    public func explain(
        method: HTTPMethod, host: String, path: String, today: WallTime, headerNamed: (String) -> String?
    ) -> [String] {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let bytes = Array((parts.first ?? "").utf8)
        let query = Array((parts.count > 1 ? parts[1] : "").utf8)
        let verdict = Array(host.utf8).withUnsafeBytes { host in
            bytes.withUnsafeBytes { path in
                query.withUnsafeBytes { query in
                    self.find(
                        method: method, host: host, path: path, query: query, today: today, headerNamed: headerNamed)
                }
            }
        }
        return self.candidateLines(for: bytes) + self.lines(for: verdict, path: bytes, today: today)
    }

    private func candidateLines(for path: [UInt8]) -> [String] {
        path.withUnsafeBytes { path in
            var ranges = self.exact.find(path).map { [self.exactCandidates[$0]] } ?? []
            for pattern in self.patterns {
                if case .model = pattern.pattern.match(path) { ranges.append(pattern.candidates) }
            }
            return ranges.joined().map { place in
                let candidate = self.candidates[place]
                let route = self.routes[Int(candidate.route)]
                let host =
                    candidate.host < 0
                    ? "any host" : "host \(String(decoding: self.hosts[Int(candidate.host)], as: UTF8.self))"
                return "candidate: \(candidate.method.text), \(host), route `\(route.spec.name)`"
                    + (route.isBuiltIn ? " (built in)" : ", priority \(route.spec.priority), \(route.spec.origin)")
            }
        }
    }

    private func lines(for verdict: RouteVerdict, path: [UInt8], today: WallTime) -> [String] {
        switch verdict {
        case .match(let match):
            return self.lines(for: match, path, today)
        case .sunset(let match):
            return self.lines(for: match, path, today) + ["answer: 410, its sunset has passed"]
        case .redirect(let match, let target):
            return self.lines(for: match, path, today) + ["answer: 308 to \(target)"]
        case .notFound:
            return ["answer: 404, nothing has this path (compared byte for byte)"]
        case .endpointNotAvailable:
            return ["answer: 404, known but not available through the gateway"]
        case .methodNotAllowed(let allow):
            return ["answer: 405, allowed here: \(allow)"]
        case .versionUnknown:
            return ["answer: 400, the request names no version that this route has"]
        }
    }

    private func lines(for match: RouteMatch, _ path: [UInt8], _ today: WallTime) -> [String] {
        let route = self.routes[match.route]
        let version = route.versions[match.version]
        var lines = [
            "route: `\(route.spec.name)`, version `\(version.spec.name)`, "
                + version.lifecycle.phase(at: today).rawValue,
            "endpoint: \(match.endpoint.rawValue) (\(match.endpoint.dialect))",
        ]
        if let place = match.modelInPath {
            lines.append("model in the path: `\(String(decoding: path[place], as: UTF8.self))`")
        }
        return lines
    }
}
