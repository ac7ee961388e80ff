import ArgumentParser
import Bert
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import Kernels

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether two checkpoints are the same model.",
        discussion: """
            Compares two checkpoints of any layouts tensor by tensor under their canonical names, \
            then runs both on the same inputs and compares every output. Exit code 0: the same \
            within the tolerance; 2: different. Another vocabulary or casing is another model, \
            unless the tensors alone are compared. Labels and other words of the configuration \
            are shown where they differ, and do not count.

            Examples:
              bertkit verify teacher/ teacher-pt/
              bertkit verify teacher/ teacher-f16/ --tolerance 1e-2
            """
    )

    @Argument(help: "A model folder, or a file of weights.", completion: .file())
    var first: String

    @Argument(help: "Another one, of whatever layout.", completion: .file())
    var second: String

    @OptionGroup(title: "Comparison") var options: ComparisonOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions

    struct ComparisonOptions: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "The largest difference of any value or output that counts as the same.",
                valueName: "number"
            )
        )
        var tolerance = 1e-4

        @Option(
            help: ArgumentHelp(
                "Texts to run both on, one a line (default: pieces from all of the vocabulary).",
                valueName: "file"
            ),
            completion: .file()
        )
        var data: String?

        @Flag(help: "Compare the tensors alone, and run nothing.")
        var tensorsOnly = false

        @Option(help: "How to print the result.")
        var format: ReportFormat = .text

        func validate() throws {
            try Limits.check("--tolerance", tolerance, 0...1e6)
            if tensorsOnly, data != nil {
                throw ValidationError("'--data' is of no use with '--tensors-only'")
            }
        }
    }

    func run() throws {
        let one = try Checkpoint.open(URL(filePath: first))
        let other = try Checkpoint.open(URL(filePath: second))
        let comparison = try ModelComparison(
            one,
            other,
            texts: try options.data.map(lines),
            runs: !options.tensorsOnly,
            workers: compute.workers ?? WorkerPool.availableProcessors
        )
        let isSame = comparison.isSame(tolerance: options.tolerance)
        switch options.format {
        case .text: try StandardOutput.write(text(one, other, comparison, isSame))
        case .json:
            try StandardOutput.write(
                json: Report(
                    first: .init(path: first, layout: one.layout),
                    second: .init(path: second, layout: other.layout),
                    same: isSame,
                    tolerance: options.tolerance,
                    mismatches: comparison.mismatches,
                    configurationDifferences: comparison.configurationDifferences,
                    tokenizerDifferences: comparison.tokenizerDifferences,
                    tensors: comparison.tensors,
                    outputs: comparison.outputs,
                    notRunBecause: comparison.notRunBecause
                )
            )
        }
        if !isSame { throw ExitCode(2) }
    }

    private func lines(of path: String) throws -> [String] {
        let bytes = try readFile(URL(filePath: path))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badData, path, "the file is not UTF-8")
        }
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard !lines.isEmpty else { throw Failure(.badData, path, "the file has no line") }
        return lines
    }

    private struct Report: Encodable {
        struct Model: Encodable {
            let path: String
            let layout: String
        }
        let first: Model
        let second: Model
        let same: Bool
        let tolerance: Double
        let mismatches: [String]
        let configurationDifferences: [String]
        let tokenizerDifferences: [String]
        let tensors: [ModelComparison.TensorDifference]
        let outputs: [ModelComparison.OutputDifference]?
        let notRunBecause: String?
    }

    private func text(
        _ one: Checkpoint,
        _ other: Checkpoint,
        _ comparison: ModelComparison,
        _ isSame: Bool
    ) -> String {
        var text = "\(printable(first)): \(one.layout)\n\(printable(second)): \(other.layout)\n\n"
        let equal = comparison.tensors.filter(\.isBitEqual).count
        text += "tensors: \(comparison.tensors.count) in both, \(equal) bit-equal\n"
        let different = comparison.tensors.filter { !$0.isBitEqual }
        if !different.isEmpty {
            var table = TextTable([
                .init("tensor"), .init("shape"), .init("max", .right), .init("mean", .right),
                .init("cosine", .right),
            ])
            for tensor in different.sorted(by: { $0.maximum > $1.maximum }) {
                table.append([
                    tensor.name, "\(tensor.shape)", Numbers.scientific(tensor.maximum),
                    Numbers.scientific(tensor.mean),
                    tensor.cosine.map { Numbers.fixed($0, 9) } ?? "–",
                ])
            }
            text += "\n" + table.plain + "\n"
        }
        for mismatch in comparison.mismatches { text += "  \(mismatch)\n" }
        for difference in comparison.tokenizerDifferences {
            text += "tokenizer: \(difference)\n"
        }
        for difference in comparison.configurationDifferences {
            text += "configuration: \(difference)\n"
        }
        for output in comparison.outputs ?? [] {
            text +=
                "\(output.name): \(Numbers.count(output.count)) values, largest difference "
                + "\(Numbers.scientific(output.maximum)), mean \(Numbers.scientific(output.mean))\n"
        }
        if let reason = comparison.notRunBecause, !options.tensorsOnly {
            text += "not run: \(reason)\n"
        }
        // What was not run may still answer otherwise.
        let what = comparison.outputs == nil ? "tensors" : "model"
        text += isSame ? "same \(what)" : "different models"
        return text + " (tolerance \(Numbers.scientific(options.tolerance)))\n"
    }
}
