import GatewayCore

/// The page `docs/reference/config.md`, printed from the tables.
public enum ConfigManual {
    /// The whole page.
    public static var markdown: String {
        var out = """
            # Configuration reference

            Every key of this version. This page is printed from the tables that the configuration reader checks
            keys against; do not edit it. Unknown keys are errors, and so are keys of features that this version does
            not have.

            *hot*: an edit takes effect while running. *restart*: it is reported, and takes effect at the next start.

            ## gateway.yaml


            """
        out += ConfigReference.gatewayTables.map(self.section).joined()
        out += "## Route files\n\nOne route per file in `routes_dir`, named `*.yaml` or `*.yml`.\n\n"
        out += ConfigReference.routeTables.map(self.section).joined()
        out += self.forms + self.codes
        return out
    }

    private static func section(_ table: ConfigTable) -> String {
        var out = "### `\(table.place)`\n\n| Key | Type | Default | Change | Meaning |\n|---|---|---|---|---|\n"
        for key in table.keys {
            let fallback = key.isRequired ? "*required*" : key.defaultText.map { "`\($0)`" } ?? "–"
            out +=
                "| `\(key.name)` | \(self.type(key.value)) | \(fallback) | \(key.reload.rawValue) | \(key.meaning) |\n"
        }
        if !table.notBuilt.isEmpty {
            let names = table.notBuilt.keys.sorted().map { "`\($0)`" }.joined(separator: ", ")
            out += "\nNot built yet, and refused: \(names).\n"
        }
        return out + "\n"
    }

    private static func type(_ value: ConfigValue) -> String {
        switch value {
        case .text: "text"
        case .secret: "secret"
        case .name, .modelName: "name"
        case .boolean: "`true` or `false`"
        case .integer(let range): "integer, \(range.lowerBound) to \(range.upperBound)"
        case .count(let range): "count, \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range): "duration, \(Units.text(range.lowerBound)) to \(Units.text(range.upperBound))"
        case .size(let range): "size, \(Units.text(bytes: range.lowerBound)) to \(Units.text(bytes: range.upperBound))"
        case .date: "date"
        case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
        case .address: "address"
        case .addressBlock: "address block"
        case .url: "URL"
        case .headerName: "header name"
        case .file: "path"
        case .object(let table): "[`\(table.place)`](#\(self.anchor(table.place)))"
        case .map(let table): "names → [`\(table.place)`](#\(self.anchor(table.place)))"
        case .headers: "header names → text"
        case .list(let item): "list of \(self.type(item))"
        case .either(let values): values.map(self.type).joined(separator: "; or ")
        }
    }

    /// As GitHub makes it from a heading.
    private static func anchor(_ heading: String) -> String {
        String(heading.lowercased().filter { ($0.isASCII && ($0.isLetter || $0.isNumber)) || $0 == "_" || $0 == "-" })
    }

    private static let forms = """
        ## How values are written

        | Type | Form |
        |---|---|
        | duration | `200ms`, `30s`, `5m`, `2h`, `1h30m` |
        | size | `512`, `64KiB`, `20MiB`, `1GiB`; `kB`, `MB`, `GB` are powers of 1000 |
        | count | `600`, `900k`, `2M` |
        | date | `2027-01-31`: that day at 00:00 UTC; or `2027-01-31T12:00:00Z` |
        | address | `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` |
        | address block | `10.2.0.0/16`, `2001:db8::/32`, `192.0.2.7` |
        | URL | `https://host[:port][/path]`, without user, query and fragment |
        | path | seen from the folder of the file it stands in |

        Every value may hold references. They are replaced in the parsed value, never in the text of the file. A
        reference that is the whole value takes the type that is wanted.

        | Form | Meaning |
        |---|---|
        | `${VAR}` | the environment variable, which must be set |
        | `${VAR:-default}` | with a default for an unset or empty one |
        | `${VAR:?message}` | must be set and not empty, or the start fails with the message |
        | `${file:/path}` | the contents of a file without one newline at the end; watched like the configuration |
        | `$${` | a literal `${` |
        | `os.environ/NAME` | LiteLLM's form of `${NAME}`; draws a warning |


        """

    private static var codes: String {
        "## Codes\n\n`penstock check --explain CODE` prints the long text.\n\n| Code | Meaning |\n|---|---|\n"
            + ProblemCatalog.rows.map { "| \($0.code) | \($0.title) |\n" }.joined()
    }
}
