import ArgumentParser
import Diagnostics

/// A command whose options can also come from a run file.
protocol RunFileCommand: ParsableCommand {
    /// Checks that the options agree with each other, with a `ValidationError` if not. Unlike
    /// `validate()`, which hides a mistyped option behind what it finds, this runs after parsing.
    func checkTogether() throws
    mutating func run(_ run: ResolvedRun) throws
}

extension RunFileCommand {
    func checkTogether() throws {}
}

/// A command line with its run file's options added where the command line is silent.
struct RunExpansion {
    /// What ArgumentParser parses.
    private(set) var arguments: [String]
    private(set) var run: ResolvedRun
    private var path: String?
    private var namesFromFile: [String] = []

    init(_ arguments: [String]) throws {
        self.arguments = arguments
        run = ResolvedRun(command: arguments.first ?? "", entries: [])
        guard let command = Bertkit.command(named: arguments.first ?? ""),
            command is any RunFileCommand.Type,
            !arguments.contains("--help"), !arguments.contains("-h")
        else { return }

        let table = try OptionTable(command)
        var values = table.values(givenIn: arguments.dropFirst())
        if let path = Self.runFile(namedIn: arguments.dropFirst()) {
            self.path = path
            var added: [String] = []
            let file = try RunFile(path: path, table: table)
            for row in table.rows where values[row.name] == nil {
                guard let texts = file.values[row.name] else { continue }
                values[row.name] = texts
                namesFromFile.append(row.name)
                added += row.arguments(texts)
            }
            self.arguments.insert(contentsOf: added, at: 1)
        }
        run = ResolvedRun(
            command: run.command,
            entries: Self.entries(of: table, values: values),
            order: table.rows.map(\.name)
        )
    }

    /// The parser's complaint as the run file's fault, where it concerns an option that only the
    /// run file gave.
    func failure(behind message: String) -> Failure? {
        guard let path else { return nil }
        let isFromFile = namesFromFile.contains { name in
            ["'--\(name)'", "'--\(name) ", "'--\(name)="].contains { message.contains($0) }
        }
        return isFromFile ? Failure(.badData, path, message) : nil
    }

    private static func entries(
        of table: OptionTable,
        values: [String: [String]]
    ) -> [ResolvedRun.Entry] {
        table.rows.compactMap { row in
            let texts = values[row.name]
            switch row.kind {
            case .value:
                guard let text = texts?.last ?? row.defaultValue else { return nil }
                return .init(name: row.name, values: [text], form: .text)
            case .listValue:
                guard let text = texts?.last ?? row.defaultValue else { return nil }
                let items = text.split(separator: ",", omittingEmptySubsequences: false)
                // One item is itself: an option may take one value or several.
                let form: ResolvedRun.Entry.Form = items.count == 1 ? .text : .list
                return .init(name: row.name, values: items.map(String.init), form: form)
            case .repeatedValue:
                // One value is itself, as above.
                guard let texts else { return nil }
                return .init(name: row.name, values: texts, form: texts.count == 1 ? .text : .list)
            case .flag: return .init(name: row.name, values: texts ?? ["false"], form: .truth)
            case .switchFlag:
                return texts.map { .init(name: row.name, values: $0, form: .truth) }
            }
        }
    }

    private static func runFile(namedIn arguments: ArraySlice<String>) -> String? {
        var path: String?
        var rest = arguments
        while let argument = rest.popFirst(), argument != "--" {
            if argument == "--config" {
                path = rest.popFirst()
            } else if argument.hasPrefix("--config=") {
                path = String(argument.dropFirst("--config=".count))
            }
        }
        return path
    }
}
