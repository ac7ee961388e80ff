import ArgumentParser
import Diagnostics
import Foundation
import Training

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on with a training run that was interrupted.",
        discussion: """
            While 'pretrain', 'finetune' and 'distill' train, they save their state in a folder \
            beside the output, OUTPUT.training: now and then (--save-every), and when SIGINT or \
            SIGTERM ends them. This command does the rest of such a run. It gives the same \
            weights, bit for bit, as if nothing had happened, and removes the folder.

            Data, teacher and options must be what they were; on another processor or with \
            another matrix library the last bits may differ, and that is said.

            Examples:
              bertkit resume student.training
              bertkit resume student --log-dir followed
            """
    )

    @Argument(
        help: ArgumentHelp("The folder OUTPUT.training, or OUTPUT itself.", valueName: "run"),
        completion: .directory
    )
    var path: String

    @Option(
        help: ArgumentHelp(
            "A new folder to follow the run in: metrics.jsonl and a TensorBoard event file grow there, with "
                + "what there was before.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var logDir: String?

    @Flag(help: "No progress and no remarks on standard error.")
    var quiet = false

    func run() throws {
        let folder = try folder()
        let record = try RunRecord(in: folder)
        let file = RunFolder.record(in: folder).relativePath
        let table = try record.table(file)
        guard let output = record.output else {
            throw Failure(.badData, file, "it does not say where the run writes")
        }
        // Relative paths are as they were where the run was started.
        _ = FileManager.default.changeCurrentDirectoryPath(record.directory)
        let expected = RunFolder.url(beside: URL(filePath: output))
        guard expected.resolvingSymlinksInPath().path == folder.resolvingSymlinksInPath().path
        else {
            throw Failure(
                .usage,
                path,
                "it was moved: its run writes to \(printable(output)) and is saved in "
                    + printable(expected.path),
                remedy: "Move it back"
            )
        }
        if !record.force, try isFinished(URL(filePath: output), record, table) {
            try RunFolder(opening: folder).clear()
            Remarks(isQuiet: quiet).say("the run had ended: \(printable(output))/ is written")
            return
        }
        try Resumption.$isWanted.withValue(true) {
            try Tool.perform(
                record.arguments(table) + (logDir.map { ["--log-dir=\($0)"] } ?? [])
                    + (quiet ? ["--quiet"] : [])
            )
        }
    }

    private func folder() throws(Failure) -> URL {
        let given = URL(filePath: path)
        let beside = RunFolder.url(beside: given)
        for url in [given, beside] {
            let record = RunFolder.record(in: url).path
            // Absolute, since the working folder may change.
            if FileManager.default.fileExists(atPath: record) {
                return URL(filePath: url.standardizedFileURL.path)
            }
        }
        throw Failure(
            .missingInput,
            path,
            "there is no interrupted run: neither it nor \(printable(beside.lastPathComponent)) holds a "
                + "run.json"
        )
    }

    /// Whether the output is this run's: killed between the last two of its acts, it has both the model
    /// and its states.
    private func isFinished(
        _ output: URL,
        _ record: RunRecord,
        _ table: OptionTable
    ) throws -> Bool {
        let file = output.appending(path: "run.yaml")
        guard FileManager.default.fileExists(atPath: file.path),
            let written = try? RunFile(path: file.path, table: table).values
        else { return false }
        return record.options.allSatisfy { name, values in
            guard let own = written[name] else { return false }
            return own == values || own == [values.joined(separator: ",")]
        }
    }
}
