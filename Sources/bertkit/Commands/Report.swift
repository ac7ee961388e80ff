import ArgumentParser
import Checkpoints
import Diagnostics
import Evaluation
import Foundation
import Report

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make a page about finished runs.",
        discussion: """
            Reads what distill and finetune left in their folders and writes one HTML file: teacher and \
            students side by side, the curves of training, calibration, layers, parts of the data, the worst \
            disagreements, recipes and where they come from. Runs on the same data stand in one table. The \
            page needs no network and no script.

            Examples:
              bertkit report student/ --output report.html
              bertkit report small/ tiny/ bilstm/ --output runs.html --force
            """
    )

    @Argument(
        help: ArgumentHelp("Folders that distill or finetune wrote.", valueName: "run-folder"),
        completion: .directory
    )
    var runs: [String]

    @Option(
        help: ArgumentHelp("The page's file.", valueName: "file"),
        completion: .file()
    )
    var output: String

    @Flag(help: "Replace the file if it exists.")
    var force = false

    @Flag(help: "No remarks on standard error.")
    var quiet = false

    func validate() throws {
        for (index, path) in runs.enumerated() where runs[..<index].contains(path) {
            throw ValidationError("'\(printable(path))' is named twice")
        }
    }

    func run() throws {
        let url = URL(filePath: output)
        try AtomicOutput.check(url, force: force)
        var finished = try runs.map { try FinishedRun(contentsOf: URL(filePath: $0)) }
        // Folders of one name are told apart by their paths.
        if Set(finished.map(\.name)).count < finished.count {
            for index in finished.indices { finished[index].name = runs[index] }
        }
        let page = ReportPage(
            title: finished.count == 1 ? "The run \(finished[0].name)" : "\(finished.count) runs",
            comparisons: FinishedRun.combined(finished),
            runs: finished
        )
        try AtomicOutput.file(url, force: force, content: Array(page.html.utf8))
        let remarks = Remarks(isQuiet: quiet)
        for comparison in page.comparisons { remarks.say(comparison.headline) }
        remarks.say("written: \(printable(output))")
    }
}
