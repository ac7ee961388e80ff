import ArgumentParser
import Checkpoints
import Diagnostics
import Foundation
import Training

/// What a run's folder says of it: enough to start its command again.
struct RunRecord: Codable {
    var command: String
    /// By name, as a run file has them.
    var options: [String: [String]]
    /// Whether the output may be replaced.
    var force: Bool
    /// What relative paths are relative to.
    var directory: String

    init(_ run: ResolvedRun, force: Bool) {
        command = run.command
        options = Dictionary(run.entries.map { ($0.name, $0.values) }) { first, _ in first }
        self.force = force
        directory = FileManager.default.currentDirectoryPath
    }

    /// - Throws: `Failure` where the folder says nothing, or nothing that can be understood.
    init(in folder: URL) throws(Failure) {
        let file = RunFolder.record(in: folder)
        let bytes = try readFile(file)
        guard let found = try? JSONDecoder().decode(RunRecord.self, from: Data(bytes)) else {
            throw Failure(.badData, file.relativePath, "it does not say which run this is")
        }
        self = found
    }

    func write(in folder: URL) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else {
            preconditionFailure("options that JSON cannot spell")
        }
        try AtomicOutput.file(RunFolder.record(in: folder), force: true, content: data)
    }

    var output: String? { options["output"]?.first }

    /// All options of the command.
    func table(_ source: String) throws -> OptionTable {
        guard let type = Bertkit.command(named: command), type is any RunFileCommand.Type else {
            throw Failure(.badData, source, "there is no run of a command '\(printable(command))'")
        }
        return try OptionTable(type)
    }

    /// The command line.
    func arguments(_ table: OptionTable) -> [String] {
        [command]
            + table.rows.flatMap { row in
                guard let values = options[row.name] else { return [String]() }
                let isList = if case .listValue = row.kind { true } else { false }
                return row.arguments(isList ? [values.joined(separator: ",")] : values)
            } + (force ? ["--force"] : [])
    }
}
