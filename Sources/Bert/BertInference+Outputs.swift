import Kernels
import Tensors
public import Tokenization

/// What any head puts out. All of these demand ids below the vocabulary size and sequences of at
/// most `longestSequence` tokens; a model of another head is a programmer's error.
extension BertInference {
    /// Everything that is selected, in one pass.
    ///
    /// - Parameter predictionRows: the tokens whose word pieces are predicted, as rows of the batch,
    ///   ascending and without repetition; nil for all. Nothing is computed for the others' pieces.
    /// - Precondition: `poolerOutput` is selected of models with a pooler only.
    public func outputs(
        _ batch: PackedBatch,
        _ selection: OutputSelection = .head,
        predictionRows: [Int]? = nil
    ) -> ModelOutputs {
        let memory = OutputBuffers()
        let (tokens, sequences) = (batch.tokenCount, batch.sequenceCount)
        let hidden = configuration.hiddenSize
        var places = OutputPlaces()
        if selection.contains(.head) {
            add(configuration.head, of: batch, predictionRows, to: &places, memory)
        }
        if selection.contains(.lastHiddenState) { places.last = memory.matrix(tokens, hidden) }
        if selection.contains(.hiddenStates) {
            places.hiddenStates = (0...configuration.hiddenLayerCount).map { _ in
                memory.matrix(tokens, hidden)
            }
        }
        if selection.contains(.poolerOutput) {
            precondition(views.pooler != nil, "the model has no pooler")
            places.pooled = memory.matrix(sequences, hidden)
        }
        if selection.contains(.attentions) {
            let blocks = AttentionOffsets(batchOffsets: batch.offsets, firstTokenOnly: false)
            let layers = (0..<configuration.hiddenLayerCount).map { layer in
                memory.matrix(
                    blocks.count(headCount: configuration.headCount(ofLayer: layer)),
                    1
                )
            }
            places.attentions = (layers, blocks)
        }
        let layers = IntermediateMemory()
        if selection.contains(.queryKeyValue) {
            let all = Set(0..<configuration.hiddenLayerCount)
            let wanted = IntermediateSelection(queryKeyValue: all)
            places.intermediate = (wanted, layers.layOut(batch, configuration, wanted))
        }
        run(batch, places)

        var outputs = ModelOutputs()
        outputs.logits = places.logits.map { Tensor($0) }
        outputs.startLogits = places.spans.map { Tensor($0.start, asVector: true) }
        outputs.endLogits = places.spans.map { Tensor($0.end, asVector: true) }
        outputs.predictionLogits = places.predictions.map { Tensor($0.logits) }
        outputs.nextSentenceLogits = places.nextSentence.map { Tensor($0) }
        outputs.replacedTokenLogits = places.replacedTokens.map { Tensor($0, asVector: true) }
        outputs.lastHiddenState = places.last.map { Tensor($0) }
        if selection.contains(.hiddenStates) {
            outputs.hiddenStates = places.hiddenStates.map { Tensor($0) }
        }
        outputs.poolerOutput = places.pooled.map { Tensor($0) }
        outputs.attentions = places.attentions.map { attentions in
            attentions.layers.map { Tensor($0, asVector: true) }
        }
        if let found = places.intermediate?.outputs.queryKeyValue {
            let byLayer = found.sorted { $0.key < $1.key }.map(\.value)
            outputs.queries = byLayer.map { Tensor($0.query) }
            outputs.keys = byLayer.map { Tensor($0.key) }
            outputs.values = byLayer.map { Tensor($0.value) }
        }
        return withExtendedLifetime((memory, layers)) { outputs }
    }

    /// The logits of every token, `[T, C]` row-major, of a token-classification head.
    public func tokenLogits(_ batch: PackedBatch) -> [Float] {
        expect(.tokenClassification)
        return values(batch.tokenCount, configuration.labels.count) { logits in
            run(batch, OutputPlaces(logits: logits))
        }
    }

    /// The logits of every token's being an answer's first and its last, `[T]` each, of a
    /// question-answering head.
    public func spanLogits(_ batch: PackedBatch) -> (start: [Float], end: [Float]) {
        expect(.questionAnswering)
        let tokens = batch.tokenCount
        let both = values(2, tokens) { both in
            let start = Matrix(both.base, rows: tokens, columns: 1)
            let end = Matrix(both.base + tokens, rows: tokens, columns: 1)
            run(batch, OutputPlaces(spans: (start, end)))
        }
        return (Array(both[..<tokens]), Array(both[tokens...]))
    }

    /// The logits of every word piece, `[R, V]` row-major, of a masked-language-model or pre-training
    /// head.
    ///
    /// - Parameter rows: the tokens whose pieces are predicted, as rows of the batch, ascending and
    ///   without repetition; nil for all.
    public func predictionLogits(_ batch: PackedBatch, rows: [Int]? = nil) -> [Float] {
        expect(.maskedLanguageModel, .preTraining)
        let chosen = predictionRows(rows, of: batch)
        return values(chosen.count, configuration.vocabularySize) { logits in
            run(batch, OutputPlaces(predictions: (logits, chosen)))
        }
    }

    /// The logits of the second segment's following the first (0) and of its not doing so (1),
    /// `[B, 2]` row-major, of a next-sentence or pre-training head.
    public func nextSentenceLogits(_ batch: PackedBatch) -> [Float] {
        expect(.nextSentence, .preTraining)
        return values(batch.sequenceCount, 2) { run(batch, OutputPlaces(nextSentence: $0)) }
    }

    /// The scores of each question's choices, `[B / choices, choices]` row-major, of a multiple-choice
    /// head.
    ///
    /// - Parameter choices: the number of consecutive sequences that are one question's choices.
    /// - Precondition: it divides the number of sequences.
    public func choiceLogits(_ batch: PackedBatch, choices: Int) -> [Float] {
        expect(.multipleChoice)
        precondition(choices > 0 && batch.sequenceCount.isMultiple(of: choices))
        return values(batch.sequenceCount, 1) { run(batch, OutputPlaces(logits: $0)) }
    }

    /// The logits of every token's having been replaced, `[T]`, of ELECTRA's discriminator.
    public func replacedTokenLogits(_ batch: PackedBatch) -> [Float] {
        expect(.replacedTokenDetection)
        return values(batch.tokenCount, 1) { run(batch, OutputPlaces(replacedTokens: $0)) }
    }

    /// The last layer's output, `[T, H]` row-major.
    public func lastHiddenState(_ batch: PackedBatch) -> [Float] {
        values(batch.tokenCount, configuration.hiddenSize) { run(batch, OutputPlaces(last: $0)) }
    }

    /// The pooled first tokens, `[B, H]` row-major, of a model with a pooler.
    public func poolerOutput(_ batch: PackedBatch) -> [Float] {
        precondition(views.pooler != nil, "the model has no pooler")
        return values(batch.sequenceCount, configuration.hiddenSize) {
            run(batch, OutputPlaces(pooled: $0))
        }
    }
}

extension BertInference {
    private func predictionRows(_ rows: [Int]?, of batch: PackedBatch) -> PredictionRows {
        guard let rows else { return .all(batch.tokenCount) }
        precondition(
            zip(rows, rows.dropFirst()).allSatisfy(<) && rows.first ?? 0 >= 0
                && rows.last ?? -1 < batch.tokenCount,
            "rows of the batch, ascending"
        )
        return .some(rows)
    }

    /// Gives a head's outputs their places.
    private func add(
        _ head: Head,
        of batch: PackedBatch,
        _ rows: [Int]?,
        to places: inout OutputPlaces,
        _ memory: OutputBuffers
    ) {
        let (tokens, sequences) = (batch.tokenCount, batch.sequenceCount)
        switch head {
        case .none: break
        case .sequenceClassification:
            places.logits = memory.matrix(sequences, configuration.labels.count)
        case .tokenClassification:
            places.logits = memory.matrix(tokens, configuration.labels.count)
        case .multipleChoice: places.logits = memory.matrix(sequences, 1)
        case .questionAnswering:
            places.spans = (memory.matrix(tokens, 1), memory.matrix(tokens, 1))
        case .replacedTokenDetection: places.replacedTokens = memory.matrix(tokens, 1)
        case .nextSentence: places.nextSentence = memory.matrix(sequences, 2)
        case .maskedLanguageModel, .preTraining:
            let chosen = predictionRows(rows, of: batch)
            places.predictions = (
                memory.matrix(chosen.count, configuration.vocabularySize), chosen
            )
            if head == .preTraining { places.nextSentence = memory.matrix(sequences, 2) }
        }
    }
}
