import ArgumentParser
import Checkpoints
import Diagnostics
import Evaluation
import Foundation
import Training

struct Sweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Distil many students, one after another, and compare them.",
        discussion: """
            The grid is a YAML file: options of 'bertkit distill' for all runs under 'base', and \
            under 'grid' those that have several values. Every combination is a run. An axis may \
            also have a name of your own and mappings, which set several options together:

              base:
                teacher: teacher/
                train: train.tsv
                dev: dev.tsv
              grid:
                shape:
                  - {layers: 4, hidden: 312, heads: 12, intermediate: 1200}
                  - {layers: 2, hidden: 128, heads: 4, intermediate: 512}
                init: ["slim:importance", random]

            The students' folders, sweep.tsv and sweep.json are in the output folder. Run again, \
            it does what is left: a run is done once its options and the files they name are the \
            same. Students marked * are on the Pareto front of quality, parameters and arithmetic.

            Examples:
              bertkit sweep --grid grid.yaml --output sweep/ --dry-run
              bertkit sweep --grid grid.yaml --output sweep/
            """
    )

    @Option(
        help: ArgumentHelp("The YAML file of runs.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var grid: String

    @Option(
        help: ArgumentHelp(
            "The folder of all students and their comparison; a sweep's own folder is gone on with.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var output: String

    @Flag(help: "Show the runs that the grid makes, whether each is done, and stop.")
    var dryRun = false

    @Flag(help: "No progress and no remarks on standard error.")
    var quiet = false

    func run() throws {
        let table = try OptionTable(Distill.self)
        let grid = try SweepGrid(path: self.grid, table: table)
        try checkFolder()
        var planned: [(run: SweepGrid.Run, arguments: [String])] = []
        for run in grid.runs {
            var options = grid.base.merging(run.options) { $1 }
            if options["cache"] == nil { options["cache"] = [folder.appending(path: "cache").path] }
            let arguments = table.rows.flatMap { row in row.arguments(options[row.name] ?? []) }
            planned.append((run, arguments))
        }
        var digests = InputDigests()
        if dryRun { return try sayPlan(planned, &digests) }
        if !isSweep { try write(SweepReport([])) }
        let remarks = Remarks(isQuiet: quiet)
        var records: [SweepRecord] = []
        for (number, plan) in planned.enumerated() {
            let settings = plan.run.settings.map { "\($0.name) \($0.value)" }
                .joined(separator: ", ")
            let title = "run \(number + 1) of \(planned.count)"
            remarks.say("\(title): \(settings.isEmpty ? "the base alone" : settings)")
            let record = try self.record(of: plan.run, plan.arguments, &digests, remarks)
            if let problem = record.problem { remarks.warn("\(title) failed: \(problem)") }
            records.append(record)
            try write(SweepReport(records))
        }
        let report = SweepReport(records)
        try StandardOutput.write(report.table.plain)
        let failed = records.count { $0.problem != nil }
        if failed > 0 {
            throw Failure(
                .badData,
                self.grid,
                "\(failed) of \(records.count) runs failed, as the table says"
            )
        }
    }

    private var folder: URL { URL(filePath: output) }

    private var isSweep: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "sweep.json").path)
    }

    /// Refuses a folder that is neither empty nor a sweep's.
    private func checkFolder() throws(Failure) {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        if let names {
            guard names.isEmpty || names.contains("sweep.json") else {
                throw Failure(
                    .cannotCreate,
                    output,
                    "it is a folder of other things: there is no sweep.json in it",
                    remedy: "Choose another name"
                )
            }
        }
    }

    /// Shows what would be run; a run whose options contradict each other is refused.
    private func sayPlan(
        _ planned: [(run: SweepGrid.Run, arguments: [String])],
        _ digests: inout InputDigests
    ) throws {
        var table = TextTable([.init("run"), .init("folder"), .init("state")])
        for plan in planned {
            let line = ["distill"] + plan.arguments
            let expansion = try RunExpansion(line + ["--output=\(output)"])
            _ = try Tool.parse(expansion, command: "distill")
            var record = SweepRecord(name: "", settings: plan.run.settings, digest: "")
            record.digest = try digests.digest(of: RunExpansion(line).run)
            record.name = Self.name(plan.run.settings, record.digest)
            let settings = plan.run.settings.map { "\($0.name) \($0.value)" }
                .joined(separator: ", ")
            table.append([
                printable(settings.isEmpty ? "the base alone" : settings), record.name,
                earlier(record) == nil ? "to do" : "done",
            ])
        }
        try StandardOutput.write(
            "Dry run: nothing is distilled, and nothing written to \(printable(output))/.\n\n"
                + table.plain
        )
    }

    private func write(_ report: SweepReport) throws(Failure) {
        for (name, text) in [("sweep.json", report.json()), ("sweep.tsv", report.tabSeparated)] {
            let file = folder.appending(path: name)
            try AtomicOutput.file(file, force: true, content: Array(text.utf8))
        }
    }

    /// A run's record: that of an earlier sweep if it is the same run, else of running it now.
    private func record(
        of run: SweepGrid.Run,
        _ arguments: [String],
        _ digests: inout InputDigests,
        _ remarks: Remarks
    ) throws -> SweepRecord {
        var record = SweepRecord(name: "", settings: run.settings, digest: "")
        do {
            let line = ["distill"] + arguments + (quiet ? ["--quiet"] : [])
            record.digest = try digests.digest(of: RunExpansion(line).run)
            record.name = Self.name(run.settings, record.digest)
            let model = folder.appending(path: record.name)
            if let known = earlier(record) {
                remarks.say("done before: \(printable(model.relativePath))/")
                return known
            }
            let expansion = try RunExpansion(line + ["--output=\(model.path)", "--force"])
            guard let command = try Tool.parse(expansion, command: "distill") as? Distill else {
                preconditionFailure("another command")
            }
            let states = RunFolder.url(beside: model)
            let report = try Resumption.$isWanted.withValue(RunFolder.hasStates(states)) {
                command.data.train == nil ? nil : try command.distil(expansion.run)
            }
            guard let report else {
                throw Failure(
                    .usage,
                    "--train",
                    "a sweep compares classifiers, and there are no labelled examples",
                    remedy: "Give the grid 'train' and 'dev'"
                )
            }
            record.student = report.students.first
            let content = Array(SweepReport([record]).json().utf8)
            try AtomicOutput.file(recordFile(record), force: true, content: content)
        } catch let failure as Failure {
            if case .interrupted = failure.kind { throw failure.ofSweep }
            record.problem = failure.description
        } catch let error as UsageError {
            record.problem = error.message
        }
        return record
    }

    private func recordFile(_ record: SweepRecord) -> URL {
        folder.appending(path: "\(record.name).json")
    }

    /// The record of the same run in this folder, with its student.
    private func earlier(_ record: SweepRecord) -> SweepRecord? {
        let model = folder.appending(path: record.name).appending(path: "config.json")
        guard FileManager.default.fileExists(atPath: model.path),
            let data = try? Data(contentsOf: recordFile(record)),
            var known = try? JSONDecoder().decode(SweepReport.self, from: data).runs.first,
            known.digest == record.digest, known.student != nil
        else { return nil }
        known.settings = record.settings
        return known
    }

    /// A folder's name that says what is in it.
    private static func name(_ settings: [SweepGrid.Setting], _ digest: String) -> String {
        let words = settings.map { setting in
            setting.value.split(separator: "/").last.map(String.init) ?? setting.value
        }
        let plain = words.joined(separator: "_").map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "_")
                ? character : "-"
        }
        return String(plain.prefix(60)) + (plain.isEmpty ? "" : "-") + digest.prefix(8)
    }
}

extension Failure {
    /// An interruption of one of a sweep's runs, which goes on with the sweep.
    fileprivate var ofSweep: Failure {
        Failure(
            kind,
            subject,
            reason,
            remedy: "The same 'bertkit sweep' goes on from there"
        )
    }
}
