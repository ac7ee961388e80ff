public import Bert
public import Diagnostics
public import Foundation
public import Kernels
import Tokenization

/// Candidates by a masked language model: the most probable words at a word's place.
///
/// A word of one piece is masked, and the candidates are the pieces that are words of letters by
/// themselves with the highest probability there, the softmax taken over the whole vocabulary. Words of
/// several pieces, and of none that the vocabulary knows, have no candidates.
///
/// The masked copies of many sentences are computed together, packed end to end. Of the last layer only
/// the masked tokens are computed, and the head for them alone.
///
/// - Source: Jiao et al. 2020 (TinyBERT), algorithm 1. What the published code feeds is `Context.pair`.
public final class MaskedCandidates: CandidateFinder, Sendable {
    /// What the model reads beside the masked sentence.
    public enum Context: String, Sendable, Hashable, CaseIterable {
        /// The sentence as it was, as a second segment. The model sees the word that it is to replace, so
        /// that its first answer mostly is that word and the next are close to it in sense.
        case pair
        /// Nothing, as in the paper: what fits the sentence, with whatever sense.
        case none
    }

    public struct Options: Sendable, Hashable {
        /// The most candidates of a word.
        public var count = 15
        public var context = Context.pair
        /// Whether a word may be its own candidate.
        public var keepsOriginal = false
        /// Lower-cased words that are never candidates.
        public var stopWords: Set<String> = []
        /// The most tokens of what the model reads; nil is all that it has positions for.
        public var maximumLength: Int?

        public init() {}
    }

    public let model: MaskedLanguageModel
    public let options: Options
    public let remarks: [String]
    let inference: BertInference
    let pool: WorkerPool
    let maskID: Int32
    /// Pieces that may be candidates.
    let classes: WordClasses
    /// The most pieces of a sentence in one segment.
    let longestSegment: Int

    /// Tokens that are computed at once: many shards for each worker, and some megabytes of states.
    static let batchTokens = 1 << 14
    /// Masked tokens that a worker predicts at once.
    static let blockRows = 64

    /// Opens a model: BERT, DistilBERT or ELECTRA's generator, with its head, of any layout.
    ///
    /// - Throws: `Failure` that says which head there is instead, that the vocabulary has no `[MASK]`, or
    ///   that the model reads too little; and as `MaskedLanguageModel` does.
    public convenience init(
        contentsOf url: URL,
        options: Options = Options(),
        pool: WorkerPool,
        precision: Precision = .f32
    ) throws(Failure) {
        try self.init(
            MaskedLanguageModel(contentsOf: url),
            options: options,
            pool: pool,
            precision: precision
        )
    }

    /// - Throws: `Failure` where the vocabulary has no `[MASK]`, or the model reads too little.
    public init(
        _ model: MaskedLanguageModel,
        options: Options = Options(),
        pool: WorkerPool,
        precision: Precision = .f32
    ) throws(Failure) {
        precondition(options.count > 0)
        let subject = model.checkpoint.url.relativePath
        guard let maskID = model.vocabulary.mask else {
            throw Failure(
                .badData,
                subject,
                "the vocabulary has no [MASK], so no word can be masked"
            )
        }
        let longest = min(
            model.configuration.longestSequence,
            model.tokenizerConfiguration.modelMaximumLength,
            options.maximumLength ?? .max
        )
        let (special, segments) = options.context == .pair ? (3, 2) : (2, 1)
        longestSegment = (longest - special) / segments
        guard longestSegment > 0 else {
            throw Failure(
                .badData,
                subject,
                "a sequence of \(longest) tokens has no room for a word to be masked"
            )
        }
        let pieces = model.vocabulary.pieces
        classes = WordClasses(pieces, excluding: options.stopWords) { pieces[$0].isWordOfLetters }
        (self.model, self.options, self.pool, self.maskID) = (model, options, pool, maskID)
        inference = BertInference(
            model.model,
            pool: pool,
            precision: precision,
            predictsOne: true
        )
        let read =
            options.context == .pair
            ? "the masked sentence and the sentence as it was" : "the masked sentence alone"
        remarks = ["\(printable(subject)) proposes words of one piece; it reads \(read)"]
    }

    public func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]] {
        var result = sentences.map { [[Candidate]](repeating: [], count: $0.words.count) }
        let plan = MaskingPlan(sentences, self)
        let memory = MaskedMemory(workerCount: pool.workerCount)
        for part in plan.batches(tokens: Self.batchTokens) {
            let found = predict(plan, part, memory)
            for (place, candidates) in zip(plan.places[part], found) {
                result[place.sentence][place.word] = candidates
            }
        }
        return result
    }

    /// Some of the masked copies, through the model and its head.
    private func predict(
        _ plan: MaskingPlan,
        _ part: Range<Int>,
        _ memory: MaskedMemory
    ) -> [[Candidate]] {
        let (batch, rows) = plan.batch(part)
        let hidden = model.configuration.hiddenSize
        let vocabulary = model.configuration.vocabularySize
        let states = Matrix(
            memory.states.reserve(part.count * hidden),
            rows: part.count,
            columns: hidden
        )
        inference.states(batch, of: rows, into: states)
        var blocks: [Range<Int>] = []
        Linear.forEachBlock(0..<part.count, height: Self.blockRows) { blocks.append($0) }
        var found = [[Candidate]](repeating: [], count: part.count)
        let numbers = Array(0..<part.count)
        found.withUnsafeMutableBufferPointer { found in
            // Safe: a task writes its own rows' candidates, in its worker's memory.
            nonisolated(unsafe) let found = found
            pool.run(blocks.count) { task, worker in
                let block = blocks[task]
                let count = (block.count * vocabulary + 15) / 16 * 16
                let base = memory.logits[worker].reserve(
                    count + inference.pieceScratch(rows: block.count)
                )
                let logits = Matrix(base, rows: block.count, columns: vocabulary)
                inference.pieceLogits(
                    states,
                    rows: numbers[block],
                    into: logits,
                    scratch: base + count
                )
                var top = TopSelection(capacity: options.count)
                for (row, number) in block.enumerated() {
                    let place = plan.places[part.lowerBound + number]
                    let values = UnsafePointer(base + row * vocabulary)
                    found[number] = candidates(values, place, &top)
                }
            }
        }
        return found
    }

    /// The candidates of one word from its logits, `[V]`.
    private func candidates(
        _ logits: UnsafePointer<Float>,
        _ place: MaskingPlan.Place,
        _ top: inout TopSelection
    ) -> [Candidate] {
        let pieces = model.vocabulary.pieces
        top.clear()
        top.scan(
            logits,
            count: pieces.count,
            first: 0,
            keys: classes.keys,
            excluding: options.keepsOriginal ? -1 : classes.folded[Int(place.piece)]
        )
        guard let best = top.entries.first else { return [] }
        let logarithm = -Divergence.crossEntropy(
            logits,
            target: Int(best.index),
            gradient: nil,
            count: pieces.count,
            factor: 0
        )
        return top.entries.enumerated().map { rank, entry in
            Candidate(
                text: place.letterCase.applied(to: pieces[Int(entry.index)]),
                rank: rank + 1,
                source: .masked,
                score: Float(exp(logarithm + Double(entry.value - best.value)))
            )
        }
    }
}

/// Memory that one call's batches use again.
private final class MaskedMemory {
    var states = GrowingBuffer()
    let logits: UnsafeMutableBufferPointer<GrowingBuffer>

    init(workerCount: Int) {
        logits = .allocate(capacity: workerCount)
        logits.initialize(repeating: GrowingBuffer())
    }

    deinit {
        logits.deinitialize()
        logits.deallocate()
    }
}
