import Foundation
import Testing

@testable import GatewayTelemetry

@Suite struct HealthTests {
    private func text(_ state: HealthState) -> String { String(decoding: Health.ready(state).body, as: UTF8.self) }

    @Test func liveSaysOnlyThat() {
        #expect(Health.live() == .init(status: 200, body: Array("{\"status\":\"live\"}\n".utf8)))
    }

    @Test func readyNamesWhatIsServed() {
        let state = HealthState(generation: 7, revision: "r-1a2b")
        #expect(Health.ready(state).status == 200)
        #expect(
            self.text(state)
                == #"{"status":"ready","generation":7,"revision":"r-1a2b","config":"ok","draining":false}"# + "\n")
    }

    @Test func notReadyBeforeTheFirstConfiguration() {
        let state = HealthState(generation: nil, revision: "")
        #expect(Health.ready(state).status == 503)
        #expect(self.text(state).hasPrefix(#"{"status":"starting","generation":0,"#))
    }

    @Test func notReadyWhileDraining() {
        let state = HealthState(generation: 7, revision: "r", isDraining: true)
        #expect(Health.ready(state).status == 503)
        #expect(self.text(state).hasPrefix(#"{"status":"draining""#) && self.text(state).contains(#""draining":true"#))
    }

    /// The configuration before goes on being served: still ready, and the problem shows, escaped, by its first line.
    @Test func aRefusedReloadIsStaleButReady() throws {
        let state = HealthState(
            generation: 7, revision: "r", configProblem: "gateway.yaml:3:1: unknown key \"modle\"\n  | modle: x")
        let answer = Health.ready(state)
        #expect(answer.status == 200)
        let fields = try #require(JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
        #expect(fields["config"] as? String == "stale")
        #expect(fields["config_problem"] as? String == "gateway.yaml:3:1: unknown key \"modle\"")
    }

    @Test func anEmptyProblemIsStaleAllTheSame() {
        #expect(self.text(.init(generation: 1, revision: "r", configProblem: "")).contains(#""config":"stale""#))
    }
}
