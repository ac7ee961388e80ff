import ArgumentParser
import Bert
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Provenance

struct Evaluate: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare students with their teacher on task files.",
        discussion: """
            Side by side: quality against the file's labels if it has any, with intervals, distance from \
            the teacher, parameters, bytes, operations per token, and speed. With '--details' also \
            calibration, classes, slices, layers and the worst disagreements; with '--report' all of it \
            as a page to look at. A teacher or students alone are measured too.

            Examples:
              bertkit evaluate --teacher teacher/ --student student/ --data dev.tsv
              bertkit evaluate --teacher teacher/ --student small/ --student tiny/ \\
                --data dev.tsv --data hard.tsv --slice-by genre --report report.html
            """
    )

    @OptionGroup(title: "Models") var models: ComparedModels

    @Option(
        help: ArgumentHelp(
            "The examples, as TSV or JSON lines, labelled or not; words as finetune reads them; may be "
                + "given several times.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: [String]

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "The temperature at which the answers' divergences are taken.",
            valueName: "number"
        )
    )
    var temperature = 1.0

    @OptionGroup(title: "Report") var report: EvaluationOptions

    @Option(
        help: ArgumentHelp(
            "Write each example's logits and labels here, as TSV.",
            valueName: "file"
        ),
        completion: .file()
    )
    var predictions: String?

    @OptionGroup(title: "Machine") var inference: InferenceOptions

    @Flag(help: "Replace the files that are written if they exist.")
    var force = false

    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--temperature", temperature, 0...1000, above: true)
        if data.isEmpty { throw ValidationError("Give '--data'") }
        for (index, path) in data.enumerated() where data[..<index].contains(path) {
            throw ValidationError("'--data' names '\(printable(path))' twice")
        }
        if predictions != nil, data.count > 1 {
            throw ValidationError("'--predictions' is for one '--data'")
        }
    }

    func checkTogether() throws { try models.checkTogether() }

    func run(_ run: ResolvedRun) throws {
        guard try runOptions.announce(run) else { return }
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let outputs = (predictions.map { [$0] } ?? []) + report.files
        for path in outputs { try AtomicOutput.check(URL(filePath: path), force: force) }
        let provenance = report.report == nil ? nil : try Provenance(run)
        let candidates = try models.open()
        let kind = candidates[0].folder.taskKind
        let files = try data.map { path in try read(path, candidates[0], kind, remarks) }
        let slices = try files.map { file in try report.columns(of: file, columns) }

        let pool = WorkerPool(workerCount: inference.compute.workerCount)
        for precision in Precision.allCases
        where candidates.contains(where: { $0.precision == precision }) {
            remarks.note("products in \(precision.explanation)")
        }
        var measured = files.map { _ in Measured() }
        for candidate in candidates {
            try measure(candidate, on: files, &measured, pool: pool, remarks)
        }
        var reports: [ComparisonReport] = []
        for (index, file) in files.enumerated() {
            try checkSameWords(measured[index].data, candidates, file)
            try checkLabelOrder(measured[index], kind, file)
            reports.append(try compare(measured[index], kind, file, columns: slices[index]))
        }
        if let predictions {
            let text = ComparisonReport.predictionsTSV(
                kind: kind,
                targets: measured[0].data[0].targets,
                words: measured[0].data[0].words.map { files[0].places(of: $0) } ?? [],
                models: measured[0].models
            )
            let output = URL(filePath: predictions)
            try AtomicOutput.file(output, force: force, content: Array(text.utf8))
        }
        try report.write(reports, provenance: provenance, force: force)
        try StandardOutput.write(report.text(reports))
    }

    /// What the models gave on one file.
    private struct Measured {
        var models: [ModelMeasurement] = []
        var data: [EncodedDataset] = []
        var teacherStates: LayerStates?
    }

    private func read(
        _ path: String,
        _ first: ComparedModels.Candidate,
        _ kind: TaskKind,
        _ remarks: Remarks
    ) throws(Failure) -> LabelledFile {
        let file = try LabelledFile(
            contentsOf: URL(filePath: path),
            kind: first.folder.head.fileKind,
            options: columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(file)
        if !file.hasLabels {
            remarks.note("\(printable(file.name)) has no labels, so no quality is measured")
        } else if try file.matching(of: kind) == .byIndex {
            remarks.note("the labels of \(printable(file.name)) were read as numbers of classes")
        }
        return file
    }

    private func compare(
        _ measured: Measured,
        _ kind: TaskKind,
        _ file: LabelledFile,
        columns: [(name: String, values: [String])]
    ) throws(Failure) -> ComparisonReport {
        let hasTeacher = models.teacher != nil
        let data = measured.data[0]
        return try ComparisonReport(
            kind: kind,
            targets: data.targets,
            sentences: data.words?.offsets,
            teacher: hasTeacher ? measured.models[0] : nil,
            students: Array(measured.models.dropFirst(hasTeacher ? 1 : 0)),
            temperature: temperature,
            bootstrap: report.bootstrap,
            facts: ExampleFacts(file, data, columns: columns, quotesTexts: true)
        )
    }

    /// One model's answers to each file. Its weights are in memory only meanwhile.
    private func measure(
        _ candidate: ComparedModels.Candidate,
        on files: [LabelledFile],
        _ measured: inout [Measured],
        pool: WorkerPool,
        _ remarks: Remarks
    ) throws(Failure) {
        let folder = candidate.folder
        let compareLayers = report.comparesLayers && models.teacher != nil
        let classifier = try folder.load(
            answeringIn: compareLayers && candidate.precision == .f32 ? nil : candidate.precision
        )
        remarks.note(classifier)
        for (index, file) in files.enumerated() {
            let data = try classifier.encode(
                file,
                maximumLength: inference.maxLength,
                workers: pool.workerCount
            )
            try note(data, of: file, classifier, candidate, remarks)
            let bar = ProgressBar(
                printable(candidate.name),
                total: data.count,
                isQuiet: runOptions.quiet
            )
            var measurement = try ModelRunner.measure(
                classifier.model,
                name: candidate.name,
                bytesOnDisk: folder.weightsByteCount,
                on: data,
                pool: pool,
                precision: candidate.precision,
                latencySamples: report.latencySamples,
                progress: { bar.update($0) }
            )
            bar.cancel()
            measurement.logits = candidate.ordered(measurement.logits)
            if compareLayers, candidate.precision == .f32,
                let model = classifier.model as? BertModel,
                let states = LayerStates(
                    model,
                    data.batch(LayerStates.examples(measured[index].data.first ?? data)),
                    pool: pool
                )
            {
                if let teacher = measured[index].teacherStates {
                    measurement.layers = teacher.similarity(
                        to: states,
                        layerMap: try report.layerPairs(
                            student: states.layerCount,
                            teacher: teacher.layerCount
                        )
                    )
                } else if measured[index].models.isEmpty {
                    measured[index].teacherStates = states
                }
            }
            measured[index].models.append(measurement)
            measured[index].data.append(data)
        }
    }

    private func note(
        _ data: EncodedDataset,
        of file: LabelledFile,
        _ classifier: SequenceClassifier,
        _ candidate: ComparedModels.Candidate,
        _ remarks: Remarks
    ) throws(Failure) {
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
    }

    /// Stops where a model's answers fit the gold labels far better under another order of its own.
    private func checkLabelOrder(
        _ measured: Measured,
        _ kind: TaskKind,
        _ file: LabelledFile
    ) throws(Failure) {
        guard case .classification(let labels) = kind else { return }
        let targets = measured.data[0].targets
        for model in measured.models {
            guard let problem = LabelOrder.problem(model.logits, targets: targets, labels: labels)
            else { continue }
            throw Failure(
                .badData,
                model.name,
                "its labels seem to stand in another order than those of \(printable(file.name)): \(problem)",
                remedy: "Correct \"id2label\" in its config.json, or the labels of the file"
            )
        }
    }

    /// Refuses to compare models of which one cuts off words, or has no pieces for some, that another
    /// answers.
    private func checkSameWords(
        _ data: [EncodedDataset],
        _ candidates: [ComparedModels.Candidate],
        _ file: LabelledFile
    ) throws(Failure) {
        func places(_ data: EncodedDataset) -> [[Int]]? {
            data.words.map { [$0.offsets, $0.numbers] }
        }
        for (other, candidate) in zip(data, candidates) where places(other) != places(data[0]) {
            throw Failure(
                .usage,
                candidate.name,
                "it answers other words of \(printable(file.name)) than \(printable(candidates[0].name))",
                remedy: "Cut the sentences alike with --max-length"
            )
        }
    }
}
