import Bert
import Datasets
import Diagnostics
import Evaluation
import Kernels
import Tokenization

/// Judges every step on the same data: against its labels, and against the original's answers.
struct CompressionJudge {
    private let file: LabelledFile
    private let kind: TaskKind
    /// The model as the user spelled it.
    private let source: String
    private let asked: Int?
    private let pool: WorkerPool
    private var original: (logits: [Float], words: AnsweredWords?)?

    /// - Parameter maximumLength: of a sequence in pieces; nil for what the model can read.
    init(
        _ file: LabelledFile,
        _ configuration: BertConfiguration,
        source: String,
        maximumLength: Int?,
        pool: WorkerPool
    ) throws(Failure) {
        try configuration.checkHoldsTexts(source)
        if let maximumLength, maximumLength > configuration.longestSequence {
            throw Failure(
                .usage,
                "--max-length",
                "\(maximumLength) pieces are more than the \(configuration.longestSequence) positions "
                    + "of \(printable(source))"
            )
        }
        self.file = file
        kind = configuration.taskKind
        self.source = source
        asked = maximumLength
        self.pool = pool
    }

    var qualityName: String {
        if case .regression = kind { "Pearson correlation" } else { "accuracy" }
    }

    var divergenceName: String {
        if case .regression = kind { "squared difference" } else { "KL, nats" }
    }

    /// The data as a model's pieces.
    ///
    /// - Throws: `Failure` for labels that are none of the model's, and for pairs that it does not read.
    func encoded(_ file: LabelledFile, _ model: CompressedModel) throws(Failure) -> EncodedDataset {
        guard let tokenizer = model.tokenizer else { preconditionFailure("data without pieces") }
        try model.configuration.checkReads(pairs: file.hasPairs, from: file.name, model: source)
        let positions = model.configuration.longestSequence
        let allowed = min(positions, tokenizer.configuration.modelMaximumLength)
        return try EncodedDataset(
            file,
            kind: file.hasLabels ? kind : nil,
            tokenizer: tokenizer,
            maximumLength: asked ?? max(allowed, BertConfiguration.fewestPositions),
            workers: pool.workerCount
        )
    }

    /// Measures a model; the first one is the original.
    ///
    /// - Throws: `Failure` for labels that are none of the model's, and where the pieces of labelled words
    ///   are so many more that other words are cut off.
    mutating func measure(
        _ model: CompressedModel
    ) throws(Failure) -> (quality: Double?, divergence: Double?) {
        let data = try encoded(file, model)
        let logits = try ModelRunner.logits(model.model(), on: data, pool: pool)
        if original == nil { original = (logits, data.words) }
        guard let original else { return (nil, nil) }
        guard original.words?.offsets == data.words?.offsets,
            original.words?.numbers == data.words?.numbers
        else {
            throw Failure(
                .usage,
                file.name,
                "with fewer pieces other words of it are cut off than with all",
                remedy: "Leave out the longest sentences"
            )
        }
        guard logits.allSatisfy(\.isFinite) else {
            throw Failure(.badData, source, "the compressed model's answers are not finite")
        }
        switch kind {
        case .classification(let labels):
            let matrix = data.isLabelled ? confusion(logits, data, labels.count) : nil
            let divergence = LogitMetrics.meanKL(
                teacher: original.logits,
                student: logits,
                classCount: labels.count,
                temperature: 1
            )
            return (matrix?.accuracy, divergence)
        case .regression:
            let scores = logits.map(Double.init)
            let quality =
                data.isLabelled ? Regression.pearson(scores, data.targets.map(Double.init)) : nil
            return (
                quality, Regression.meanSquaredError(scores, original.logits.map(Double.init))
            )
        }
    }

    private func confusion(
        _ logits: [Float],
        _ data: EncodedDataset,
        _ classCount: Int
    ) -> ConfusionMatrix {
        ConfusionMatrix(
            predictions: LogitMetrics.topClasses(logits, classCount: classCount),
            targets: data.targets.map { Int($0) },
            classCount: classCount
        )
    }
}
