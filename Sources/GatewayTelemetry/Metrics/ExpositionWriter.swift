/// Writes lines of the text format. Series of a metric come sorted by the bytes of their labels.
struct ExpositionWriter {
    private let names: LabelNames
    private(set) var out: [UInt8] = []

    init(names: LabelNames) {
        self.names = names
        self.out.reserveCapacity(64 << 10)
    }

    mutating func head(_ metric: Metric) {
        self.out.append(contentsOf: "# HELP \(metric.rawValue) ".utf8)
        for byte in metric.row.help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): self.out.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): self.out.append(contentsOf: "\\n".utf8)
            default: self.out.append(byte)
            }
        }
        self.out.append(contentsOf: "\n# TYPE \(metric.rawValue) \(metric.row.kind.rawValue)\n".utf8)
    }

    /// A metric without labels; left out when the system does not tell its value.
    mutating func single(_ metric: Metric, _ value: Int64?) {
        guard let value else { return }
        self.head(metric)
        self.line(metric.rawValue, labels: [], value)
    }

    /// A metric without labels whose value is a time, printed in seconds.
    mutating func single(_ metric: Metric, nanoseconds: Int64?) {
        guard let nanoseconds else { return }
        self.head(metric)
        self.out.append(contentsOf: metric.rawValue.utf8)
        self.out.append(UInt8(ascii: " "))
        self.seconds(nanoseconds: UInt64(max(0, nanoseconds)))
        self.out.append(UInt8(ascii: "\n"))
    }

    mutating func line(_ name: String, labels: [(String, String)], _ value: Int64) {
        var text: [UInt8] = []
        for (label, labelValue) in labels { Self.append(label, labelValue, to: &text) }
        self.line(name, suffix: "", labels: text, extra: nil)
        self.out.append(contentsOf: String(value).utf8)
        self.out.append(UInt8(ascii: "\n"))
    }

    mutating func numbers(_ metric: Metric, _ table: NumberTable, atLeast least: Int64 = .min) {
        self.head(metric)
        for (labels, place) in self.sorted(table.index.keys, metric.row.labels) {
            self.line(metric.rawValue, suffix: "", labels: labels, extra: nil)
            self.out.append(contentsOf: String(max(least, table.values[place])).utf8)
            self.out.append(UInt8(ascii: "\n"))
        }
    }

    /// The types of one series stand in one row; input and output always show, the others once they count something.
    mutating func tokens(_ metric: Metric, _ table: NumberTable) {
        self.head(metric)
        for (labels, place) in self.sorted(table.index.keys, metric.row.labels.dropLast()) {
            for (slot, type) in TokenType.allCases.enumerated() {
                let count = table.values[place * table.width + slot]
                guard count != 0 || type == .input || type == .output else { continue }
                var typed = labels
                Self.append("type", type.rawValue, to: &typed)
                self.line(metric.rawValue, suffix: "", labels: typed, extra: nil)
                self.out.append(contentsOf: String(count).utf8)
                self.out.append(UInt8(ascii: "\n"))
            }
        }
    }

    mutating func states(_ metric: Metric, _ states: [UInt32: Int64]) {
        self.head(metric)
        let rows = states.map { (self.names.text($0.key), $0.value) }.sorted { $0.0 < $1.0 }
        for (deployment, state) in rows { self.line(metric.rawValue, labels: [("deployment", deployment)], state) }
    }

    mutating func histograms(_ metric: Metric, _ table: HistogramTable) {
        self.head(metric)
        let bounds = table.bounds.nanoseconds
        for (labels, place) in self.sorted(table.index.keys, metric.row.labels) {
            var count: UInt64 = 0
            for bucket in 0...bounds.count {
                count &+= table.count(place, bucket: bucket)
                self.line(
                    metric.rawValue, suffix: "_bucket", labels: labels,
                    extra: bucket < bounds.count ? bounds[bucket] : .max)
                self.out.append(contentsOf: String(count).utf8)
                self.out.append(UInt8(ascii: "\n"))
            }
            self.line(metric.rawValue, suffix: "_sum", labels: labels, extra: nil)
            let sum = table.sum(place)
            self.seconds(nanoseconds: sum.nanoseconds, billionSeconds: sum.billionSeconds)
            self.out.append(UInt8(ascii: "\n"))
            self.line(metric.rawValue, suffix: "_count", labels: labels, extra: nil)
            self.out.append(contentsOf: String(count).utf8)
            self.out.append(UInt8(ascii: "\n"))
        }
    }

    /// Everything up to the value. `extra` is the upper bound of a bucket in nanoseconds; the greatest one is `+Inf`.
    private mutating func line(_ name: String, suffix: String, labels: [UInt8], extra bound: Int64?) {
        self.out.append(contentsOf: name.utf8)
        self.out.append(contentsOf: suffix.utf8)
        if !labels.isEmpty || bound != nil {
            self.out.append(UInt8(ascii: "{"))
            self.out.append(contentsOf: labels)
            if let bound {
                if !labels.isEmpty { self.out.append(UInt8(ascii: ",")) }
                self.out.append(contentsOf: "le=\"".utf8)
                if bound == .max {
                    self.out.append(contentsOf: "+Inf".utf8)
                } else {
                    self.seconds(nanoseconds: UInt64(bound))
                }
                self.out.append(UInt8(ascii: "\""))
            }
            self.out.append(UInt8(ascii: "}"))
        }
        self.out.append(UInt8(ascii: " "))
    }

    /// Exact, without trailing zeros: 2500000 ns is `0.0025`.
    private mutating func seconds(nanoseconds: UInt64, billionSeconds: UInt64 = 0) {
        let whole = billionSeconds &* 1_000_000_000 &+ nanoseconds / 1_000_000_000
        self.out.append(contentsOf: String(whole).utf8)
        var rest = nanoseconds % 1_000_000_000
        guard rest > 0 else { return }
        self.out.append(UInt8(ascii: "."))
        var unit: UInt64 = 100_000_000
        while rest > 0 {
            self.out.append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
            unit /= 10
        }
    }

    private func sorted(_ keys: [SeriesKey], _ labels: some Collection<String>) -> [(labels: [UInt8], place: Int)] {
        let rows = keys.enumerated().map { (place, key) -> (labels: [UInt8], place: Int) in
            var text: [UInt8] = []
            for (slot, label) in labels.enumerated() {
                Self.append(label, self.names.text(key.labels[slot]), to: &text)
            }
            return (text, place)
        }
        return rows.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
    }

    private static func append(_ label: String, _ value: String, to text: inout [UInt8]) {
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text.append(contentsOf: label.utf8)
        text.append(contentsOf: "=\"".utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\""): text.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
