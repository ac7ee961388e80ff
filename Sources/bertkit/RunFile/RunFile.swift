import Diagnostics
import Foundation
import Glibc
import Yams

/// A YAML file of options: one flat mapping from long option names (`batch-size` or `batch_size`)
/// to scalars, or to lists where an option takes several values.
///
/// Scalars keep the text they are written with, so that `5e-5` stays `5e-5` and a label `no` stays
/// a label; only flags are read as truth values. Paths are relative to the working directory.
struct RunFile {
    /// Values by option name, for the keys that are present and not null.
    let values: [String: [String]]

    static let sizeLimit = 1 << 20

    init(path: String, table: OptionTable) throws(Failure) {
        let text = try Self.read(path)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Failure(.badData, path, "not YAML: \(Self.explain(error))")
        }
        guard let root, !Self.isNull(root) else {
            values = [:]
            return
        }
        guard case .mapping(let mapping) = root else {
            throw Failure(.badData, path, "expected a mapping of option names to values")
        }
        values = try Self.options(mapping, path: path, table: table)
    }

    /// Values by option name, for the keys that are present and not null.
    static func options(
        _ mapping: Node.Mapping,
        path: String,
        table: OptionTable
    ) throws(Failure) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for (key, value) in mapping {
            let place = place(of: key)
            guard case .scalar(let scalar) = key else {
                throw Failure(.badData, path, "\(place)a key must be an option's name")
            }
            let name = scalar.string.replacing("_", with: "-")
            guard let row = table[name] else {
                throw unknownKey(scalar.string, place: place, path: path, table: table)
            }
            guard values[name] == nil else {
                throw Failure(.badData, path, "\(place)'\(name)' is given twice")
            }
            if isNull(value) { continue }
            do {
                values[name] = try texts(of: value, for: row)
            } catch {
                throw Failure(
                    .badData,
                    path,
                    "\(place)'\(name)' \(error.expectation)"
                )
            }
        }
        return values
    }

    /// An empty value, `~` or `null`, unless it is quoted.
    private static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else {
            return false
        }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private struct Mismatch: Error { var expectation: String }

    private static func texts(
        of value: Node,
        for row: OptionTable.Row
    ) throws(Mismatch) -> [String] {
        switch (value, row.kind) {
        case (.scalar, .flag), (.scalar, .switchFlag):
            guard let truth = value.bool else {
                throw Mismatch(
                    expectation: "must be true or false, not '\(printable(value.string ?? ""))'"
                )
            }
            return [truth ? "true" : "false"]
        case (.scalar(let scalar), _): return [scalar.string]
        case (.sequence(let sequence), .repeatedValue), (.sequence(let sequence), .listValue):
            var items: [String] = []
            for node in sequence {
                guard case .scalar(let scalar) = node else {
                    throw Mismatch(expectation: "must be a plain list of values")
                }
                items.append(scalar.string)
            }
            if row.kind == .repeatedValue { return items }
            if let item = items.first(where: { $0.contains(",") }) {
                throw Mismatch(
                    expectation: "cannot hold '\(printable(item))': commas separate its values"
                )
            }
            return [items.joined(separator: ",")]
        case (.sequence, _): throw Mismatch(expectation: "takes one value, not a list")
        case (.mapping, _):
            throw Mismatch(
                expectation: "holds a nested mapping; a run file is flat, one option per line"
            )
        case (.alias, _): throw Mismatch(expectation: "must be written out, not an alias")
        }
    }

    private static func unknownKey(
        _ key: String,
        place: String,
        path: String,
        table: OptionTable
    ) -> Failure {
        let name = key.replacing("_", with: "-")
        let names = table.rows.map(\.name)
        var reason = "\(place)unknown key '\(printable(key))'"
        if OptionTable.commandLineOnly.contains(name) {
            reason = "\(place)'\(printable(key))' belongs on the command line"
        } else if let nearest = nearestName(to: name, in: names) {
            reason += ", did you mean '\(nearest)'?"
        }
        return Failure(
            .badData,
            path,
            reason,
            remedy: "Known keys: \(names.joined(separator: ", "))"
        )
    }

    static func place(of node: Node) -> String {
        node.mark.map { "line \($0.line): " } ?? ""
    }

    static func explain(_ error: any Error) -> String {
        guard let error = error as? YamlError else { return "it cannot be read" }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line), column \(mark.column): \(problem)"
        case .reader(let problem, _, _, _): return problem
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\(printable($0))'" }.joined(separator: ", ")
            return "line \(context.mark.line): \(names) is given twice"
        default: return "it cannot be read"
        }
    }

    static func read(_ path: String) throws(Failure) -> String {
        guard let file = fopen(path, "rb") else {
            throw Failure.unopened(path, errno: errno)
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        if ferror(file) != 0 {
            let problem = String(cString: strerror(errno))
            throw Failure(.missingInput, path, "the run file cannot be read: \(problem)")
        }
        guard count <= sizeLimit else {
            throw Failure(.badData, path, "a run file of more than 1 MB; expected a few lines")
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw Failure(.badData, path, "the run file is not UTF-8 text")
        }
        return text
    }
}
