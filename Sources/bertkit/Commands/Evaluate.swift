import ArgumentParser
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels

struct Evaluate: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare students with their teacher on a task file.",
        discussion: """
            Side by side: quality against the file's labels if it has any, agreement with the \
            teacher, parameters, bytes on disk, operations per token, and speed. A teacher or \
            students alone are measured too.

            Example:
              bertkit evaluate --teacher teacher/ --student student/ --data dev.tsv
            """
    )

    @OptionGroup(title: "Models") var models: ComparedModels

    @Option(
        help: ArgumentHelp(
            "The examples, as TSV or JSON lines, labelled or not.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "The temperature at which the answers' KL divergence is taken.",
            valueName: "number"
        )
    )
    var temperature = 1.0

    @Option(
        help: ArgumentHelp(
            "Write each example's logits and labels here, as TSV.",
            valueName: "file"
        ),
        completion: .file()
    )
    var predictions: String?

    @OptionGroup(title: "Machine") var inference: InferenceOptions

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    @Flag(help: "Replace the predictions file if it exists.")
    var force = false

    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--temperature", temperature, 0...1000, above: true)
    }

    func checkTogether() throws { try models.checkTogether() }

    func run(_ run: ResolvedRun) throws {
        guard try runOptions.announce(run) else { return }
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let output = predictions.map { URL(filePath: $0) }
        if let output { try AtomicOutput.check(output, force: force) }
        let candidates = try models.open()
        let file = try TaskFile(
            contentsOf: URL(filePath: data),
            options: columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(file)
        let kind = candidates[0].folder.taskKind
        if !file.hasLabels {
            remarks.note("\(printable(file.name)) has no labels, so no quality is measured")
        } else if try file.targets(for: kind).matching == .byIndex {
            remarks.note("the labels of \(printable(file.name)) were read as numbers of classes")
        }

        let pool = WorkerPool(workerCount: inference.compute.workerCount)
        var measurements: [ModelMeasurement] = []
        var targets: [Float] = []
        for candidate in candidates {
            let (measurement, gold) = try measure(candidate, on: file, pool: pool, remarks)
            measurements.append(measurement)
            targets = gold
        }
        let hasTeacher = models.teacher != nil
        let report = try ComparisonReport(
            kind: kind,
            targets: targets,
            teacher: hasTeacher ? measurements[0] : nil,
            students: Array(measurements.dropFirst(hasTeacher ? 1 : 0)),
            temperature: temperature
        )
        if let output {
            let text = ComparisonReport.predictionsTSV(
                kind: kind,
                targets: targets,
                models: measurements
            )
            try AtomicOutput.file(output, force: force, content: Array(text.utf8))
        }
        switch format {
        case .text: try StandardOutput.write(heading(report) + report.table.plain)
        case .json: try StandardOutput.write(report.json())
        }
    }

    /// One model's answers. Its weights are in memory only meanwhile.
    private func measure(
        _ candidate: ComparedModels.Candidate,
        on file: TaskFile,
        pool: WorkerPool,
        _ remarks: Remarks
    ) throws(Failure) -> (measurement: ModelMeasurement, targets: [Float]) {
        let folder = candidate.folder
        let classifier = try folder.load()
        let data = try classifier.encode(
            file,
            maximumLength: inference.maxLength,
            workers: pool.workerCount
        )
        remarks.note(classifier)
        if !candidate.precision.isAvailable {
            remarks.note("\(printable(candidate.name)): \(candidate.precision.explanation)")
        }
        remarks.noteTruncated(
            data.truncatedExamples,
            of: data.count,
            maximumLength: try classifier.maximumLength(inference.maxLength),
            by: candidate.name
        )
        let bar = ProgressBar(
            printable(candidate.name),
            total: data.count,
            isQuiet: runOptions.quiet
        )
        let measurement = ModelRunner.measure(
            classifier.model,
            name: candidate.name,
            bytesOnDisk: folder.weightsByteCount,
            on: data,
            pool: pool,
            precision: candidate.precision,
            progress: { bar.update($0) }
        )
        bar.cancel()
        return (measurement, data.targets)
    }

    private func heading(_ report: ComparisonReport) -> String {
        let task =
            switch report.task {
            case .classification:
                "classification as " + report.labels.map(printable).joined(separator: ", ")
            case .regression: "regression"
            }
        return "\(printable(data)): \(Numbers.count(report.exampleCount)) examples, \(task)\n\n"
    }
}
