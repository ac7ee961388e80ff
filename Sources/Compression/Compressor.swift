public import Bert
import Checkpoints
import Conversion
public import Datasets
public import Diagnostics
import Distillation
public import Foundation
public import Kernels
import Tensors
import Tokenization

/// Makes a smaller model of a checkpoint step by step, and measures it after each.
///
/// The steps, in this order, each only where it was asked for: layers, heads, feed-forward neurons,
/// vocabulary, int8, floating-point type.
public struct Compressor {
    /// What came of it; nothing has been written yet.
    public struct Result: Sendable {
        /// The original first.
        public let steps: [CompressionStep]
        /// What the gate demands and the model does not reach, as phrases.
        public let misses: [String]
        /// How many matrices are int8, what stays in which type, and who cannot read the file, as sentences.
        public let storage: [String]
        let model: CompressedModel

        /// Refuses a model that its gate does not let through.
        ///
        /// - Parameter output: what would have been written.
        /// - Throws: `Failure` of kind `belowGate`.
        public func checkGate(_ output: URL) throws(Failure) {
            guard !misses.isEmpty else { return }
            throw Failure(
                .belowGate,
                output.relativePath,
                "not written: \(misses.joined(separator: "; "))"
            )
        }
    }

    let source: Checkpoint
    let plan: ConversionPlan
    let options: CompressionOptions
    private let data: LabelledFile?
    private let training: LabelledFile?
    private var judge: CompressionJudge?
    private let pool: WorkerPool

    /// What is said about the source, as sentences.
    public var notes: [String] { plan.notes }
    /// What of the source is not written, with the rule that says so.
    public var ignored: [(name: String, rule: String)] { plan.ignored }

    /// Prepares a compression: nothing is read but the checkpoint's structure.
    ///
    /// - Parameters:
    ///   - data: what every step is measured on.
    ///   - training: what importance is judged on, in the place of `data`.
    ///   - maximumLength: of a sequence in pieces; nil for what the model can read.
    /// - Throws: `Failure` for what does not fit together, or for this model.
    public init(
        _ source: Checkpoint,
        _ options: CompressionOptions,
        data: LabelledFile?,
        training: LabelledFile? = nil,
        maximumLength: Int? = nil,
        pool: WorkerPool
    ) throws(Failure) {
        (self.source, self.options, self.pool) = (source, options, pool)
        (self.data, self.training) = (data, training)
        let check = CompressionCheck(source, options, data: data, training: training)
        let configuration = try check.configuration()
        var conversion = ConversionOptions(format: options.format)
        conversion.compression = options.compression
        conversion.force = options.force
        plan = try ConversionPlan(source, conversion)
        judge = try (data ?? training).map { (file) throws(Failure) in
            try CompressionJudge(
                file,
                configuration,
                source: source.url.relativePath,
                maximumLength: maximumLength,
                pool: pool
            )
        }
    }

    /// Carries out all steps in memory.
    ///
    /// - Parameter progress: told what is done, in a few words, before it is done.
    public mutating func run(
        progress: (_ what: String) -> Void = { _ in }
    ) throws(Failure) -> Result {
        progress("reading")
        var model = try original()
        let originalByteCount = model.parameters.leaves.reduce(0) {
            $0 + (source[$1.name]?.entry.storedByteCount ?? 0)
        }
        progress("original")
        var steps = [try step("original", model, byteCount: originalByteCount)]
        for change in changes {
            progress(change.word)
            let name = try change.apply(self, &model)
            steps.append(try step(name, model))
        }
        return Result(
            steps: steps,
            misses: options.gate.misses(steps[0], steps[steps.count - 1]),
            storage: model.storage + TargetCheck.notes(model.configuration, options.format),
            model: model
        )
    }

    private func original() throws(Failure) -> CompressedModel {
        let model = try source.loadModel()
        var tokenizer: WordPieceTokenizer?
        if let found = source.tokenizer {
            let vocabulary = try found.loadVocabulary(
                atMost: model.configuration.vocabularySize
            )
            tokenizer = WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: try found.loadConfiguration(vocabulary)
            )
        }
        return CompressedModel(
            configuration: model.configuration,
            parameters: model.parameters,
            elementTypes: Dictionary(
                uniqueKeysWithValues: plan.rows.map { ($0.canonicalName, $0.elementType) }
            ),
            tokenizer: tokenizer
        )
    }

    private mutating func step(
        _ name: String,
        _ model: CompressedModel,
        byteCount: Int? = nil
    ) throws(Failure) -> CompressionStep {
        let measured = try data == nil ? nil : judge?.measure(model)
        return CompressionStep(
            name: name,
            parameterCount: model.parameterCount,
            byteCount: byteCount ?? model.byteCount,
            qualityName: judge?.qualityName ?? "accuracy",
            quality: measured?.quality,
            divergenceName: judge?.divergenceName ?? "KL, nats",
            divergence: measured?.divergence
        )
    }

    private struct Change {
        let word: String
        /// Changes the model and gives the step its name.
        let apply: (Compressor, inout CompressedModel) throws(Failure) -> String
    }

    private var changes: [Change] {
        var changes: [Change] = []
        if let layers = options.layers {
            changes.append(
                Change(word: "layers") { (_, model) throws(Failure) in
                    model.keep(layers: layers)
                    return "layers " + layers.map(String.init).joined(separator: ", ")
                }
            )
        }
        if let fraction = options.headAndNeuronFraction {
            changes += [
                Change(word: "heads") { (compressor, model) throws(Failure) in
                    HeadPruning(fraction).prune(&model, try compressor.importance(model))
                },
                Change(word: "neurons") { (compressor, model) throws(Failure) in
                    try compressor.pruneNeurons(&model, fraction)
                },
            ]
        }
        if let choice = options.vocabulary {
            changes.append(
                Change(word: "vocabulary") { (compressor, model) throws(Failure) in
                    try compressor.cutVocabulary(&model, choice)
                }
            )
        }
        if options.isInt8 {
            changes.append(
                Change(word: "int8") { (_, model) throws(Failure) in
                    model.roundToInt8()
                    return "int8"
                }
            )
        }
        if let type = options.elementType {
            changes.append(
                Change(word: type.rawValue) { (compressor, model) throws(Failure) in
                    let isRest = !model.matrices.isEmpty
                    try model.round(to: type, source: compressor.source.url.relativePath)
                    return isRest ? "\(type.rawValue), the rest" : type.rawValue
                }
            )
        }
        return changes
    }

    /// How much the loss depends on the parts of a model between two steps.
    private func importance(_ model: CompressedModel) throws(Failure) -> ImportanceScores {
        guard let file = training ?? data, let judge else {
            preconditionFailure("importance without data")
        }
        return try ImportanceScores.sampled(
            of: model.model(),
            on: try judge.encoded(file, model),
            seed: options.seed,
            pool: pool
        ).scores
    }

    /// Cuts the same share of neurons from every layer, the least important ones.
    private func pruneNeurons(
        _ model: inout CompressedModel,
        _ fraction: Double
    ) throws(Failure) -> String {
        let size = model.configuration.intermediateSize
        let kept = size - Int((fraction * Double(size)).rounded())
        let scores = try importance(model)
        model.keep(neurons: scores.layers.map { ImportanceScores.best(kept, of: $0.neurons) })
        return "neurons \(kept) of \(size)"
    }

    private func cutVocabulary(
        _ model: inout CompressedModel,
        _ choice: VocabularyChoice
    ) throws(Failure) -> String {
        guard let tokenizer = model.tokenizer else { preconditionFailure("no vocabulary to cut") }
        var counts = PieceCounts(tokenizer, workers: pool.workerCount)
        if let text = choice.text {
            try counts.add(textIn: text)
        } else {
            for file in [data, training].compactMap(\.self) { try counts.add(file) }
        }
        let reduction = try VocabularyReduction(
            tokenizer.vocabulary,
            counts: counts.counts,
            size: choice.size
        )
        let size = model.configuration.vocabularySize
        try model.keep(reduction, source: source.url.relativePath)
        return "vocabulary \(reduction.kept.count) of \(size)"
    }
}
