import GRDB
import Mustache
import Yams

/// One call into each library of data and text.
enum Storage {
    static func grdb() throws -> String {
        let queue = try DatabaseQueue()
        let answer = try queue.write { database in
            try database.execute(
                sql: "CREATE TABLE probe (value INTEGER NOT NULL) STRICT; INSERT INTO probe VALUES (42)")
            return try Int.fetchOne(database, sql: "SELECT value FROM probe")
        }
        guard answer == 42 else { throw WrongAnswer(what: "SELECT") }
        return "stored and read"
    }

    static func yams() throws -> String {
        guard let node = try Yams.compose(yaml: "version: 1\nlisten: here\n"), node["listen"]?.mark?.line == 2 else {
            throw WrongAnswer(what: "compose")
        }
        return "read a mark"
    }

    static func mustache() throws -> String {
        let template = try MustacheTemplate(string: "Hello {{name}}")
        return template.render(["name": "world"])
    }
}
