import GatewayCore

/// The generated pages under `docs/reference/`. A test compares them with the files.
public enum ReferencePages {
    /// `docs/reference/metrics.md`, from the table that the exposition is written from.
    public static func metrics() -> String {
        var page = """
            # Metrics

            Generated from the source; `PENSTOCK_WRITE_DOCS=1 swift test --filter GatewayTelemetryTests` writes it anew.

            `GET /metrics` on the admin listener, in the Prometheus text format. Names and labels are a stable
            contract. `org` and `team` are those of the key, and empty where it names none; there is no label for
            keys. A model, a route or a provider shows under its configured name, never under what a client sent. A
            metric holds at most \(MetricsSnapshot.seriesMaxDefault) label sets per process; what comes after goes to
            the one whose labels are all `other` and counts in `penstock_metric_series_overflow_total`.

            | Metric | Type | Labels | Meaning |
            |---|---|---|---|

            """
        for metric in Metric.allCases {
            let row = metric.row
            let labels = row.labels.map { "`\($0)`" }.joined(separator: ", ")
            page += "| `\(metric.rawValue)` | \(row.kind.rawValue) | \(labels.isEmpty ? "–" : labels) "
            page += "| \(Self.cell(row.help)) |\n"
        }
        page += """

            ## Label values

            - `outcome`: `completed`, `refused` (before anything was sent to a provider), `failed`, `truncated`,
              `client_left`.
            - `code`: the HTTP status that the client saw; 499 when it left first.
            - `type`: `\(TokenType.allCases.map(\.rawValue).joined(separator: "`, `"))`.
            - `result` and `reason`: `ok`, `rate_limited` (429), `client_error`, `server_error`, `abandoned` (nobody
              waited for the answer any more), or a code of [errors.md](errors.md).
            - `kind`: `\(LimitRejectionKind.allCases.map(\.rawValue).joined(separator: "`, `"))`. `phase`: `total`.

            """
        return page
    }

    /// `docs/reference/errors.md`, from the catalogue.
    public static func errors() -> String {
        var page = """
            # Errors

            Generated from the source; `PENSTOCK_WRITE_DOCS=1 swift test --filter GatewayTelemetryTests` writes it anew.

            Clients get an error in the shape of their own dialect, with `x-request-id`. `code` and `type` are what
            clients of the OpenAI dialects see in `error.code` and `error.type`; types of the Anthropic and Gemini
            dialects follow from the status. The code is also what logs and metrics show.

            | Code | Status | Type | Message | What mends it | Whose | Same request again | Log level |
            |---|---|---|---|---|---|---|---|

            """
        let rows = ErrorCode.allCases.map(\.row)
        let order = rows.indices.sorted {
            (rows[$0].status, rows[$0].label, $0) < (rows[$1].status, rows[$1].label, $1)
        }
        for row in order.map({ rows[$0] }) {
            page +=
                "| `\(row.label)` | \(row.status) | `\(row.type)` | \(Self.cell(row.message)) | \(Self.cell(row.mend)) "
            page += "| \(row.blame.rawValue) | \(Self.words(row.retry)) | \(row.level.rawValue) |\n"
        }
        return page
    }

    private static func words(_ retry: RetrySafety) -> String {
        switch retry {
        case .never: "no use"
        case .safe: "safe"
        case .after(let span): "after \(span.milliseconds / 1000) s"
        }
    }

    /// A bar would end the cell.
    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
