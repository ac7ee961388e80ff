import ArgumentParser
import Bert
import Foundation

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a checkpoint is.",
        discussion: """
            Shows the layout found, the configuration, the task with its labels, every tensor \
            with its shape, element type and bytes, and the numbers of parameters.

            Example:
              bertkit inspect teacher/
            """
    )

    @Argument(
        help: "A model folder, or a weight file.",
        completion: .file()
    )
    var path: String

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    func run() throws {
        let summary = try CheckpointSummary(inspecting: URL(filePath: path))
        switch format {
        case .text: try StandardOutput.write(summary.lines.map { $0 + "\n" }.joined())
        case .json: try StandardOutput.write(json: summary)
        }
    }
}
