public import ArgumentParser
import Checkpoints
import Datasets
import Diagnostics
public import Distillation
import Evaluation
import Foundation
import Provenance
import Report

/// What is made of a comparison.
struct EvaluationOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument { case text, markdown, json, csv }

    @Option(help: "How to print the result.")
    var format: Format = .text

    @Flag(help: "Also print distances, calibration, classes, slices, layers and disagreements.")
    var details = false

    @Option(
        help: ArgumentHelp("Write all of it as a page of HTML here.", valueName: "file"),
        completion: .file()
    )
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Also measure on the parts of the examples that a column's values make; may be given several "
                + "times.",
            valueName: "column"
        )
    )
    var sliceBy: [String] = []

    @Option(
        help: ArgumentHelp(
            "How often examples are drawn again for the intervals; 0 for none.",
            valueName: "count"
        )
    )
    var resamples = 1000

    @Option(help: ArgumentHelp("Of the draws.", valueName: "number"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Which teacher layers the student's are compared with: uniform, top, bottom, skip, last, or one "
                + "number for each student layer.",
            valueName: "map"
        )
    )
    var layerMap: LayerMap = .uniform

    @Option(
        help: ArgumentHelp(
            "How many examples are also run one at a time for latencies (default: 200 with --details or "
                + "--report, else none).",
            valueName: "count"
        )
    )
    var latency: Int?

    func validate() throws {
        try Limits.check("--resamples", resamples, 0...1_000_000)
        try Limits.check("--latency", latency, 0...1_000_000)
    }

    var files: [String] { report.map { [$0] } ?? [] }
    var bootstrap: Bootstrap? {
        resamples > 0 ? Bootstrap(resamples: resamples, seed: seed) : nil
    }
    var comparesLayers: Bool { details || report != nil || format == .json }
    var latencySamples: Int { latency ?? (details || report != nil ? 200 : 0) }

    func layerPairs(
        student: Int,
        teacher: Int
    ) throws(Failure) -> [(student: Int, teacher: Int)] {
        try layerMap.pairs(student: student, teacher: teacher).map { ($0.student, $0.teacher) }
    }

    /// The columns that make slices, read from the file once more as if they were its labels.
    func columns(
        of file: LabelledFile,
        _ columns: ColumnOptions
    ) throws(Failure) -> [(name: String, values: [String])] {
        guard !sliceBy.isEmpty else { return [] }
        guard case .texts(let texts) = file else {
            throw Failure(
                .usage,
                "--slice-by",
                "\(printable(file.name)) holds words, whose columns are the words' own"
            )
        }
        var values: [(name: String, values: [String])] = []
        for column in sliceBy {
            var options = columns.readerOptions(labels: .required)
            options.columns.label = ColumnSelection.Column(column)
            let again = try TaskFile(contentsOf: URL(filePath: file.name), options: options)
            guard (0..<again.count).map(again.line) == (0..<texts.count).map(texts.line) else {
                throw Failure(
                    .badData,
                    file.name,
                    "its rows without a value in column \(printable(column)) are not those that were read"
                )
            }
            values.append((column, (0..<again.count).map { again.label($0) ?? "" }))
        }
        return values
    }
}

extension EvaluationOptions {
    /// The comparisons as they are printed, one for each file.
    func text(_ reports: [ComparisonReport]) -> String {
        switch format {
        case .text:
            return reports.map { report in
                heading(report) + report.table.plain + lines(report.verdicts)
                    + tables(report).map { "\n\($0.title)\n\n\($0.table.plain)" }.joined()
            }.joined(separator: "\n")
        case .markdown:
            return reports.map { report in
                "# \(heading(report))" + report.table.markdown
                    + report.verdicts.map { "\n\(printable($0))\n" }.joined()
                    + tables(report).map { "\n## \(printable($0.title))\n\n\($0.table.markdown)" }
                    .joined()
            }.joined(separator: "\n")
        case .csv:
            return ComparisonReport.csvHeader + reports.map { $0.csvRows() }.joined()
        case .json:
            guard reports.count != 1 else { return reports[0].json() }
            return "[\n" + reports.map { $0.json().dropLast() }.joined(separator: ",\n") + "\n]\n"
        }
    }

    private func tables(_ report: ComparisonReport) -> [ComparisonReport.TitledTable] {
        details ? report.details : []
    }

    private func lines(_ verdicts: [String]) -> String {
        verdicts.isEmpty ? "" : "\n" + verdicts.map { printable($0) + "\n" }.joined()
    }

    private func heading(_ report: ComparisonReport) -> String {
        let labels = report.labels.map(printable).joined(separator: ", ")
        let task =
            switch report.task {
            case .classification: "classification as \(labels)"
            case .tokenClassification: "each classified as \(labels)"
            case .regression: "regression"
            }
        let count = Numbers.count(report.exampleCount)
        let what =
            report.sentenceCount.map { "\(count) words in \(Numbers.count($0)) sentences" }
            ?? "\(count) examples"
        return "\(printable(report.data ?? "")): \(what), \(task)\n\n"
    }

    /// Writes the page, if one is wanted.
    func write(
        _ reports: [ComparisonReport],
        provenance: Provenance?,
        force: Bool
    ) throws(Failure) {
        guard let path = report else { return }
        var page = ReportPage(title: "Teacher and students", comparisons: reports)
        page.facts =
            [("BertKit", Tool.version), ("command", ShellText.command)]
            + (provenance?.details ?? [])
        try AtomicOutput.file(URL(filePath: path), force: force, content: Array(page.html.utf8))
    }
}

extension LayerMap: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
