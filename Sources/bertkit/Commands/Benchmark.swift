import ArgumentParser
import Bert
import BiLSTM
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tokenization

struct Benchmark: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model's speed and memory on this machine.",
        discussion: """
            Forward throughput, with everything handed over at once and in batches; the latency \
            of a single sentence; a training step's throughput; load time; peak memory; and, \
            with --data, how fast text becomes pieces, on one worker and on all. Every \
            measurement is taken once a round, and the median of the rounds is reported.

            With --profile the same work is done once more each round with the workers' time \
            charged to operations, beside what the machine can do: a product of the model's size \
            and a copy of memory.

            GFLOP/s count the encoder's operations on real pieces, a training step as three \
            forward passes. Going forward and training, text is cut into pieces beforehand.

            A step of a distillation is measured with the student as the model and a teacher beside \
            it: the first stage of the recipe, or the one named.

            A BiLSTM's forward passes and latency are measured, on texts (--data).

            Candidates are words that a masked language model proposes for others, as TinyBERT's \
            augmentation takes them: the model is one with that head, and texts are cut at blanks.

            Examples:
              bertkit benchmark --model teacher/ --data dev.tsv
              bertkit benchmark --model student/ --data train.tsv --measure distillation \\
                --teacher teacher/ --recipe tinybert
            """
    )

    enum Measure: String, CaseIterable, ExpressibleByArgument {
        case all, forward, training, distillation, latency, load, tokenizing, candidates
    }

    enum TrainingOrder: String, CaseIterable, ExpressibleByArgument { case shuffled, grouped }

    enum ForwardOrder: String, CaseIterable, ExpressibleByArgument { case all, whole, file, sorted }

    @Option(
        help: ArgumentHelp("The model folder.", valueName: "dir"),
        completion: .directory
    )
    var model: String

    @Option(
        help: ArgumentHelp(
            "Texts to run on, as TSV or JSON lines (default: synthetic lengths).",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String?

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "Lengths in pieces that synthetic sequences go through in turn "
                + "(default: 8,16,24,32,64,128).",
            valueName: "length,…"
        )
    )
    var lengths: LengthList?

    @Option(
        help: ArgumentHelp("How often each measurement is taken.", valueName: "count")
    )
    var rounds = 5

    @Option(
        help: """
            What is measured. With one thing alone, the JSON also has its 'seconds' and \
            'examples_per_s' on the top level.
            """
    )
    var measure: Measure = .all

    @Option(
        help: """
            How examples are handed over going forward: all at once, or in batches in the file's \
            order or sorted by length.
            """
    )
    var order: ForwardOrder = .all

    @Option(
        help: """
            How training steps take examples: shuffled, or grouped by length within stretches of \
            50 batches.
            """
    )
    var trainingOrder: TrainingOrder = .shuffled

    @Option(
        help: ArgumentHelp("The teacher of a distillation's steps.", valueName: "dir"),
        completion: .directory
    )
    var teacher: String?

    @Option(
        help: ArgumentHelp(
            "The recipe of a distillation's steps, by name or as a YAML file (default: logits).",
            valueName: "name"
        )
    )
    var recipe: String?

    @Option(
        help: ArgumentHelp(
            "Which of the recipe's stages is measured (default: the first).",
            valueName: "name"
        )
    )
    var stage: String?

    @Flag(inversion: .prefixedNo, help: "Whether a training step is measured too.")
    var trainingStep = true

    @Flag(
        help: """
            Also measure what the time of a forward pass, a sentence and a training step goes to, \
            by operation, beside the limits of this machine.
            """
    )
    var profile = false

    @Option(help: ArgumentHelp("Examples per batch.", valueName: "count"))
    var batchSize = 32

    @OptionGroup(title: "Machine") var inference: InferenceOptions
    @OptionGroup(title: "Machine") var numbers: PrecisionOption

    @Option(help: "How to print the result; JSON is one line.")
    var format: ReportFormat = .text

    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--rounds", rounds, 1...1000)
        try Limits.check("--batch-size", batchSize, 1...65_536)
    }

    func checkTogether() throws {
        if data != nil, lengths != nil {
            throw ValidationError("'--lengths' makes synthetic sequences, but '--data' is given")
        }
        if data == nil, inference.maxLength != nil {
            throw ValidationError("'--max-length' cuts texts, but no '--data' is given")
        }
        if measure == .training, !trainingStep {
            throw ValidationError("'--no-training-step' leaves '--measure training' nothing to do")
        }
        if [.training, .distillation].contains(measure), numbers.precision == .int8 {
            throw ValidationError(
                "Models are not trained in int8; a training step takes f32 or bf16"
            )
        }
        if (measure == .distillation) != (teacher != nil) {
            throw ValidationError(
                measure == .distillation
                    ? "'--measure distillation' needs a teacher: give '--teacher'"
                    : "'--teacher' is about distilling: add '--measure distillation'"
            )
        }
        if measure == .distillation, data == nil {
            throw ValidationError("'--measure distillation' needs texts: give '--data'")
        }
        if measure == .distillation, profile {
            throw ValidationError("'--profile' is about a forward pass and a training step")
        }
        if measure != .distillation, recipe != nil || stage != nil {
            throw ValidationError(
                "'--recipe' and '--stage' are about distilling: add '--measure distillation'"
            )
        }
        if trainingOrder != .shuffled, ![.all, .training, .distillation].contains(measure) {
            throw ValidationError("'--training-order' is about training, which is not measured")
        }
        if measure == .candidates, data == nil {
            throw ValidationError("'--measure candidates' needs texts: give '--data'")
        }
        if [.load, .tokenizing, .candidates].contains(measure), profile {
            throw ValidationError("'--profile' is about computing, which is not measured")
        }
        if measure == .tokenizing, data == nil {
            throw ValidationError("'--measure tokenizing' needs texts: give '--data'")
        }
        if order != .all, ![.all, .forward].contains(measure) {
            throw ValidationError("'--order' is about going forward, which is not measured")
        }
    }

    func run(_ run: ResolvedRun) throws {
        guard try runOptions.announce(run) else { return }
        if measure == .candidates { return try measureCandidates() }
        if BiLSTMFolder.isOne(URL(filePath: model)) { return try measureBiLSTM() }
        let remarks = Remarks(isQuiet: runOptions.quiet)
        let classifier = try TextClassifier(
            contentsOf: URL(filePath: model),
            head: .sequenceClassification,
            answeringIn: [.forward, .latency].contains(measure) ? numbers.precision : nil
        )
        remarks.note(classifier)
        if measure == .all, trainingStep, numbers.precision == .int8 {
            remarks.note("a training step is not measured: models are not trained in int8")
        }
        let loadedPeak = Machine.peakMemory
        let texts = try data.map { (data) throws(Failure) in
            try TaskFile(
                contentsOf: URL(filePath: data),
                options: columns.readerOptions(labels: .ifPresent)
            )
        }
        let encoded = try texts.map { (texts) throws(Failure) in
            try encode(texts, classifier, remarks)
        }
        let workload =
            try encoded.map { Workload($0, name: texts?.name ?? "") }
            ?? Workload(lengths: lengths?.lengths, for: classifier)
        let workers = inference.compute.workerCount
        let maker = StageMaker(
            path: model,
            classifier: classifier,
            workload: workload,
            texts: texts,
            maximumLength: try classifier.maximumLength(inference.maxLength),
            batchSize: batchSize,
            pool: WorkerPool(workerCount: workers),
            precision: numbers.precision,
            trainingOrder: trainingOrder
        )
        var report = BenchmarkReport(
            model: describe(classifier),
            data: BenchmarkReport.Data(
                name: workload.name,
                examples: workload.count,
                tokens: workload.all.tokenCount,
                meanLength: Double(workload.all.tokenCount) / Double(workload.count),
                batchSize: batchSize,
                trainingOrder: trainingOrder.rawValue
            ),
            machine: Machine(workers: workers, numbers.precision),
            rounds: rounds
        )
        report.peakMemoryBytes.loaded = loadedPeak
        let results = try measure(maker, distillation(maker, encoded), &report.peakMemoryBytes)
        fill(&report, maker, results)
        if profile { report.profile = try measureProfile(maker, results) }
        switch format {
        case .text: try StandardOutput.write(report.text)
        case .json: try StandardOutput.write(report.json())
        }
    }

    /// The steps of the recipe's stage; nil where distilling is not measured.
    private func distillation(_ maker: StageMaker, _ data: EncodedDataset?) throws(Failure)
        -> Stage?
    {
        guard measure == .distillation, let teacher, let data else { return nil }
        let opened = try TextClassifier(
            contentsOf: URL(filePath: teacher),
            head: .sequenceClassification
        )
        try maker.classifier.vocabulary.check(agreesWith: opened.vocabulary, student: model)
        let (student, other) = (maker.classifier.configuration, opened.configuration)
        guard student.taskKind == other.taskKind else {
            throw Failure(.badData, model, "it does not have the teacher's labels")
        }
        let recipe = try RecipeOptions.find(recipe ?? "logits", hasText: false)
            .resolved(student: student, teacher: other, hasText: true)
        let found =
            stage.map { name in recipe.stages.first { $0.name == name } } ?? recipe.stages.first
        guard let found else {
            throw Failure(
                .usage,
                "--stage",
                "recipe \(recipe.name) has no stage of that name",
                remedy: "Its stages: " + recipe.stages.map(\.name).joined(separator: ", ")
            )
        }
        return try maker.distillation(found, data, teacher: opened.model)
    }

    private func encode(
        _ texts: TaskFile,
        _ classifier: TextClassifier,
        _ remarks: Remarks
    ) throws(Failure) -> EncodedDataset {
        remarks.note(.texts(texts))
        let encoded = try classifier.encode(
            .texts(texts),
            maximumLength: inference.maxLength,
            workers: inference.compute.workerCount
        )
        remarks.noteTruncated(
            encoded.truncatedExamples,
            of: encoded.count,
            maximumLength: try classifier.maximumLength(inference.maxLength),
            by: model
        )
        return encoded
    }

    private func describe(_ classifier: TextClassifier) -> BenchmarkReport.Model {
        let configuration = classifier.configuration
        return BenchmarkReport.Model(
            name: model,
            hidden: configuration.hiddenSize,
            layers: configuration.hiddenLayerCount,
            heads: configuration.attentionHeadCount,
            intermediate: configuration.intermediateSize,
            parameters: classifier.model.parameterCount.total,
            weightsBytes: classifier.folder.weightsByteCount
        )
    }
}
