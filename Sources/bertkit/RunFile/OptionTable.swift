import ArgumentParser
import Foundation

/// A command's options as ArgumentParser knows them, so that a run file can spell them.
struct OptionTable {
    struct Row {
        enum Kind {
            case value
            case repeatedValue
            /// A value whose text is a comma-separated list, shown as `<label,…>`.
            case listValue
            case flag
            /// A flag with a `--no-` form.
            case switchFlag
        }
        var name: String
        var kind: Kind
        var defaultValue: String?

        /// The option as a command line has it, with these values; none leaves it out.
        func arguments(_ texts: [String]) -> [String] {
            switch kind {
            case .value, .listValue, .repeatedValue: texts.map { "--\(name)=\($0)" }
            case .flag: texts == ["true"] ? ["--\(name)"] : []
            case .switchFlag:
                texts.map { $0 == "true" ? "--\(name)" : "--no-\(name)" }
            }
        }
    }

    /// In the order of the help screen.
    let rows: [Row]

    /// Options that say how to run rather than what: they have no place in a run file.
    static let commandLineOnly: Set<String> = [
        "config", "print-config", "quiet", "force", "log-dir", "dry-run", "help", "version",
    ]

    init(_ command: any ParsableCommand.Type) throws {
        let dump = try JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8))
        var rows: [Row] = []
        for argument in dump.command.arguments ?? [] {
            guard let name = argument.names?.first(where: { $0.kind == "long" })?.name,
                !Self.commandLineOnly.contains(name)
            else { continue }
            let isNegation = rows.last.map { name == "no-\($0.name)" } ?? false
            if isNegation {
                rows[rows.count - 1].kind = .switchFlag
                continue
            }
            let kind: Row.Kind =
                switch argument.kind {
                case "flag": .flag
                case _ where argument.isRepeating: .repeatedValue
                case _ where argument.valueName?.contains(",") ?? false: .listValue
                default: .value
                }
            rows.append(Row(name: name, kind: kind, defaultValue: argument.defaultValue))
        }
        self.rows = rows
    }

    subscript(name: String) -> Row? { rows.first { $0.name == name } }

    /// Which options the arguments set, with their values; a flag's are `true` and `false`.
    ///
    /// Only an accepted command line needs to be understood right; ArgumentParser reports the rest.
    func values(givenIn arguments: ArraySlice<String>) -> [String: [String]] {
        var given: [String: [String]] = [:]
        var rest = arguments
        while let argument = rest.popFirst(), argument != "--" {
            guard argument.hasPrefix("--") else { continue }
            let parts = argument.dropFirst(2).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let name = String(parts[0])
            if name.hasPrefix("no-"), let row = self[String(name.dropFirst(3))],
                row.kind == .switchFlag
            {
                given[row.name] = ["false"]
                continue
            }
            guard let row = self[name] else { continue }
            switch row.kind {
            case .flag, .switchFlag: given[name] = ["true"]
            case .value, .listValue, .repeatedValue:
                guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                    continue
                }
                given[name] =
                    row.kind == .repeatedValue ? given[name, default: []] + [value] : [value]
            }
        }
        return given
    }

    /// The part of ArgumentParser's `--experimental-dump-help` that is read here.
    private struct Dump: Decodable {
        struct Command: Decodable { var arguments: [Argument]? }
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var kind: String
            var isRepeating: Bool
            var names: [Name]?
            var valueName: String?
            var defaultValue: String?
        }
        var command: Command
    }
}
