import Kernels
import Tokenization

/// Buffers that live from pass to pass and grow to the largest batch.
struct PassMemory {
    var floats = GrowingBuffer()
}

/// The views of one pass into that memory.
final class PassState: @unchecked Sendable {
    let batch: PackedBatch
    let indices: EmbeddingRows
    let shards: [Shard]
    let outputs: IntermediateSelection
    let dropout: DropoutPlan
    private let allTokens: AttentionOffsets
    private let firstTokens: AttentionOffsets

    let embeddingSum: Matrix
    let embeddingStatistics: LayerActivations.RowStatistics
    /// `[T, E]`: what `embeddings_project` reads; `embedded` where there is none.
    let embeddings: Matrix
    let embedded: Matrix
    let layers: [LayerActivations]
    let first: Matrix
    let poolerSum: Matrix
    let pooled: Matrix
    /// What the classifier reads, behind its dropout: pooled first tokens, or the answered rows.
    let droppedPooled: Matrix
    let logits: Matrix
    /// The rows that a token classifier answers.
    let answered: PredictionRows?

    // Gradients on the way back. The four that weight gradients read are kept for two layers, since
    // a layer's weight gradients are computed beside the next layer's input gradients.
    let dHidden: Matrix  // [T, H]
    let dEmbeddings: Matrix  // [T, E]; dHidden where nothing is projected
    let dAttended: Matrix  // [T, H]
    let dContext: Matrix  // [T, H]; of it a layer uses [T, A]
    let dOutput: [Matrix]  // [T, H]
    let dIntermediate: [Matrix]  // [T, I]
    let dAttentionOutput: [Matrix]  // [T, H]
    let dProjections: [Matrix]  // [T, 3H]; of it a layer uses [T, 3A]
    let dFirst: Matrix  // [B, H]
    let dFirstQuery: Matrix  // [B, H]; of it the last layer uses [B, A]
    let dPooled: Matrix  // [B, H]
    let dLogits: Matrix  // [B, C]
    /// What objectives give for the outputs that were selected, and for the logits.
    let dOutputs: IntermediateOutputs
    /// The rows whose pieces were predicted, and the gradient of their last hidden state, `[R, H]`.
    var pieces: (rows: PredictionRows, gradient: Matrix)?

    private let scratchBase: UnsafeMutablePointer<Float>
    private let scratchCount: Int

    init(
        batch: PackedBatch,
        configuration: BertConfiguration,
        indices: EmbeddingRows,
        shards: [Shard],
        outputs: IntermediateSelection,
        dropout: DropoutPlan,
        workerCount: Int,
        memory: inout PassMemory
    ) {
        self.batch = batch
        self.indices = indices
        self.shards = shards
        self.outputs = outputs
        self.dropout = dropout
        allTokens = AttentionOffsets(batchOffsets: batch.offsets, firstTokenOnly: false)
        firstTokens = AttentionOffsets(batchOffsets: batch.offsets, firstTokenOnly: true)
        let (tokens, sequences) = (batch.tokenCount, batch.sequenceCount)
        let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let size = configuration.embeddingSize
        let isSequenceHead = configuration.head == .sequenceClassification
        let classes = configuration.labels.count
        let headRows = isSequenceHead ? sequences : 0
        answered =
            configuration.head == .tokenClassification
            ? batch.answered.map { .some($0) } ?? .all(tokens) : nil
        let answerRows = answered?.count ?? headRows
        let longest = (0..<sequences).map(batch.length(of:)).max() ?? 0
        let scratchCount = Attention.scratchCount(length: longest, headSize: configuration.headSize)

        let allTokens = allTokens
        // Two passes over the same list of views: first to measure, then to place.
        func lay(_ base: UnsafeMutablePointer<Float>?) -> (Views, Int) {
            var end = 0
            func take(_ count: Int) -> UnsafeMutablePointer<Float> {
                defer { end += (count + 15) / 16 * 16 }
                return (base ?? placeholder) + (base == nil ? 0 : end)
            }
            func matrix(_ rows: Int, _ columns: Int) -> Matrix {
                Matrix(take(rows * columns), rows: rows, columns: columns)
            }
            func statistics(_ rows: Int) -> LayerActivations.RowStatistics {
                .init(mean: take(rows), reciprocalDeviation: take(rows))
            }
            let embeddingSum = matrix(tokens, size)
            let embeddingStatistics = statistics(tokens)
            let embedded = matrix(tokens, hidden)
            let dHidden = matrix(tokens, hidden)
            var layers: [LayerActivations] = []
            var input = embedded
            for index in 0..<configuration.hiddenLayerCount {
                let firstOnly =
                    index == configuration.hiddenLayerCount - 1 && isSequenceHead
                    && !outputs.readsEveryToken(ofLayer: index)
                let rows = firstOnly ? sequences : tokens
                let heads = configuration.headCount(ofLayer: index)
                let width = configuration.attentionWidth(ofLayer: index)
                let query: Matrix
                let key: Matrix
                let value: Matrix
                if firstOnly {
                    query = matrix(sequences, width)
                    let both = take(2 * tokens * width)
                    key = Matrix(both, rows: tokens, columns: width, stride: 2 * width)
                    value = Matrix(both + width, rows: tokens, columns: width, stride: 2 * width)
                } else {
                    let all = take(3 * tokens * width)
                    let parts = (0..<3).map {
                        Matrix(all + $0 * width, rows: tokens, columns: width, stride: 3 * width)
                    }
                    (query, key, value) = (parts[0], parts[1], parts[2])
                }
                let layer = LayerActivations(
                    firstTokenOnly: firstOnly,
                    input: input,
                    queryInput: firstOnly ? matrix(sequences, hidden) : input,
                    query: query,
                    key: key,
                    value: value,
                    logSum: take(rows * heads),
                    scores: outputs.attentionScores.contains(index)
                        ? take(allTokens.count(headCount: heads)) : nil,
                    context: matrix(rows, width),
                    attentionSum: matrix(rows, hidden),
                    attentionStatistics: statistics(rows),
                    attended: matrix(rows, hidden),
                    intermediate: matrix(rows, inner),
                    activated: matrix(rows, inner),
                    outputSum: matrix(rows, hidden),
                    outputStatistics: statistics(rows),
                    output: matrix(rows, hidden)
                )
                layers.append(layer)
                input = layer.output
            }
            let views = Views(
                embeddingSum: embeddingSum,
                embeddingStatistics: embeddingStatistics,
                embeddings: size == hidden ? embedded : matrix(tokens, size),
                embedded: embedded,
                layers: layers,
                first: matrix(headRows, hidden),
                poolerSum: matrix(headRows, hidden),
                pooled: matrix(headRows, hidden),
                droppedPooled: matrix(answerRows, hidden),
                logits: matrix(answerRows, classes),
                dHidden: dHidden,
                dEmbeddings: size == hidden ? dHidden : matrix(tokens, size),
                dAttended: matrix(tokens, hidden),
                dContext: matrix(tokens, hidden),
                dOutput: [matrix(tokens, hidden), matrix(tokens, hidden)],
                dIntermediate: [matrix(tokens, inner), matrix(tokens, inner)],
                dAttentionOutput: [matrix(tokens, hidden), matrix(tokens, hidden)],
                dProjections: [matrix(tokens, 3 * hidden), matrix(tokens, 3 * hidden)],
                dFirst: matrix(headRows, hidden),
                dFirstQuery: matrix(headRows, hidden),
                dPooled: matrix(answerRows, hidden),
                dLogits: matrix(answerRows, classes),
                dOutputs: IntermediateOutputs(
                    outputs,
                    tokens: tokens,
                    configuration: configuration,
                    blocks: allTokens,
                    take: take
                ),
                scratch: take(workerCount * scratchCount)
            )
            return (views, end)
        }
        let (_, count) = lay(nil)
        let (views, _) = lay(memory.floats.reserve(count))
        self.scratchCount = scratchCount
        embeddingSum = views.embeddingSum
        embeddingStatistics = views.embeddingStatistics
        embeddings = views.embeddings
        embedded = views.embedded
        layers = views.layers
        first = views.first
        poolerSum = views.poolerSum
        pooled = views.pooled
        droppedPooled = views.droppedPooled
        logits = views.logits
        dHidden = views.dHidden
        dEmbeddings = views.dEmbeddings
        dAttended = views.dAttended
        dContext = views.dContext
        dOutput = views.dOutput
        dIntermediate = views.dIntermediate
        dAttentionOutput = views.dAttentionOutput
        dProjections = views.dProjections
        dFirst = views.dFirst
        dFirstQuery = views.dFirstQuery
        dPooled = views.dPooled
        dLogits = views.dLogits
        var gradients = views.dOutputs
        gradients.logits = isSequenceHead || answered != nil ? views.dLogits : nil
        dOutputs = gradients
        scratchBase = views.scratch
    }

    private struct Views {
        let embeddingSum: Matrix
        let embeddingStatistics: LayerActivations.RowStatistics
        let embeddings, embedded: Matrix
        let layers: [LayerActivations]
        let first, poolerSum, pooled, droppedPooled, logits: Matrix
        let dHidden, dEmbeddings, dAttended, dContext: Matrix
        let dOutput, dIntermediate, dAttentionOutput, dProjections: [Matrix]
        let dFirst, dFirstQuery, dPooled, dLogits: Matrix
        let dOutputs: IntermediateOutputs
        let scratch: UnsafeMutablePointer<Float>
    }

    func pass(_ configuration: BertConfiguration) -> ForwardPass {
        ForwardPass(configuration: configuration, batch: batch, dropout: dropout, training: true)
    }

    func attentionOffsets(_ layer: Int) -> AttentionOffsets {
        layers[layer].firstTokenOnly ? firstTokens : allTokens
    }

    func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> {
        scratchBase + worker * scratchCount
    }

    /// Views of what the forward pass put out.
    var values: IntermediateOutputs {
        var views = IntermediateOutputs(headCounts: dOutputs.headCounts, blocks: allTokens)
        views.logits = dOutputs.logits == nil ? nil : logits
        for index in outputs.hiddenStates {
            views.hiddenStates[index] = index == 0 ? embedded : layers[index - 1].output
        }
        for layer in outputs.attentionScores { views.attentionScores[layer] = layers[layer].scores }
        for layer in outputs.queryKeyValue {
            let a = layers[layer]
            views.queryKeyValue[layer] = QueryKeyValue(query: a.query, key: a.key, value: a.value)
        }
        return views
    }

    /// Copies each sequence's first row of the last layer to where the head reads it.
    func gatherFirst(_ shard: Shard) {
        guard let last = layers.last else { return }
        for sequence in shard.sequences {
            let row = last.firstTokenOnly ? sequence : batch.offsets[sequence]
            (first.base + sequence * first.columns).update(
                from: last.output.base + row * first.columns,
                count: first.columns
            )
        }
    }
}
