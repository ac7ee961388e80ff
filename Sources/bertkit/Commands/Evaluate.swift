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
            "The examples, as TSV or JSON lines, labelled or not; words as finetune reads them.",
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
        let file = try LabelledFile(
            contentsOf: URL(filePath: data),
            kind: candidates[0].folder.head.fileKind,
            options: columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(file)
        let kind = candidates[0].folder.taskKind
        if !file.hasLabels {
            remarks.note("\(printable(file.name)) has no labels, so no quality is measured")
        } else if try file.matching(of: kind) == .byIndex {
            remarks.note("the labels of \(printable(file.name)) were read as numbers of classes")
        }

        let pool = WorkerPool(workerCount: inference.compute.workerCount)
        for precision in Precision.allCases
        where candidates.contains(where: { $0.precision == precision }) {
            remarks.note("products in \(precision.explanation)")
        }
        var measurements: [ModelMeasurement] = []
        var encoded: [EncodedDataset] = []
        for candidate in candidates {
            let (measurement, data) = try measure(candidate, on: file, pool: pool, remarks)
            measurements.append(measurement)
            encoded.append(data)
        }
        let (targets, words) = (encoded[0].targets, encoded[0].words)
        try checkSameWords(encoded, candidates)
        let hasTeacher = models.teacher != nil
        let report = try ComparisonReport(
            kind: kind,
            targets: targets,
            sentences: words?.offsets,
            teacher: hasTeacher ? measurements[0] : nil,
            students: Array(measurements.dropFirst(hasTeacher ? 1 : 0)),
            temperature: temperature
        )
        if let output {
            let text = ComparisonReport.predictionsTSV(
                kind: kind,
                targets: targets,
                words: Self.places(of: words, in: file),
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
        on file: LabelledFile,
        pool: WorkerPool,
        _ remarks: Remarks
    ) throws(Failure) -> (measurement: ModelMeasurement, data: EncodedDataset) {
        let folder = candidate.folder
        let classifier = try folder.load(answeringIn: candidate.precision)
        let data = try classifier.encode(
            file,
            maximumLength: inference.maxLength,
            workers: pool.workerCount
        )
        remarks.note(classifier)
        let maximumLength = try classifier.maximumLength(inference.maxLength)
        if let words = data.words {
            remarks.noteUnanswered(words, maximumLength: maximumLength, of: file.name)
        } else {
            remarks.noteTruncated(
                data.truncatedExamples,
                of: data.count,
                maximumLength: maximumLength,
                by: candidate.name
            )
        }
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
        return (measurement, data)
    }

    /// Refuses to compare models of which one cuts off words, or has no pieces for some, that another
    /// answers.
    private func checkSameWords(
        _ data: [EncodedDataset],
        _ candidates: [ComparedModels.Candidate]
    ) throws(Failure) {
        func places(_ data: EncodedDataset) -> [[Int]]? {
            data.words.map { [$0.offsets, $0.numbers] }
        }
        for (other, candidate) in zip(data, candidates) where places(other) != places(data[0]) {
            throw Failure(
                .usage,
                candidate.name,
                "it answers other words of \(printable(self.data)) than \(printable(candidates[0].name))",
                remedy: "Cut the sentences alike with --max-length"
            )
        }
    }

    /// The sentence and the spelling of each answered word.
    private static func places(
        of words: AnsweredWords?,
        in file: LabelledFile
    ) -> [(sentence: Int, word: String)] {
        guard let words, case .words(let file) = file else { return [] }
        return (0..<file.count).flatMap { sentence in
            words.numbers[words.offsets[sentence]..<words.offsets[sentence + 1]].map {
                (sentence, file.words[file.offsets[sentence] + $0])
            }
        }
    }

    private func heading(_ report: ComparisonReport) -> String {
        let task =
            switch report.task {
            case .classification:
                "classification as " + report.labels.map(printable).joined(separator: ", ")
            case .tokenClassification:
                "each classified as " + report.labels.map(printable).joined(separator: ", ")
            case .regression: "regression"
            }
        let count = Numbers.count(report.exampleCount)
        let what =
            report.sentenceCount.map { "\(count) words in \(Numbers.count($0)) sentences" }
            ?? "\(count) examples"
        return "\(printable(data)): \(what), \(task)\n\n"
    }
}
