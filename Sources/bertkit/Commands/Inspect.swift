import ArgumentParser
import Bert
import BiLSTM
import Foundation

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a checkpoint is.",
        discussion: """
            Shows the layout found, the configuration, the task with its labels, the numbers of \
            parameters, and every tensor with its canonical name, shape, element type, storage, \
            bytes and name in the file. Reads every value and marks with ! what is odd: values \
            that are not finite, tensors that are all zero or all one value, and two that are equal.

            Examples:
              bertkit inspect teacher/
              bertkit inspect teacher/tf_model.h5 --format json
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
        let url = URL(filePath: path)
        let summary =
            BiLSTMFolder.isOne(url)
            ? try BiLSTMFolder(contentsOf: url).summary() : try CheckpointSummary(inspecting: url)
        switch format {
        case .text: try StandardOutput.write(summary.lines.map { $0 + "\n" }.joined())
        case .json: try StandardOutput.write(json: summary)
        }
    }
}
