public import Kernels
public import Tokenization

/// One batch through a model, forward and backward, with everything in between kept.
///
/// A batch is cut into shards of whole sequences; a worker takes a shard forward alone. Backward goes
/// layer by layer: the shards' input gradients, and beside them the weight gradients of the layer
/// above, each a product over the whole batch for some rows of one matrix. What is computed for a
/// shard or a block, and in what order sums are made, depends on the batch alone: any number of
/// workers gives the same bits.
///
/// A class because its identity is its memory, which is allocated once per largest batch.
public final class TrainingPass: @unchecked Sendable {
    /// Which outputs somebody will read besides the logits.
    public enum Outputs: Sendable {
        /// Only the logits: the last layer computes its first tokens alone.
        case logits
        /// Every hidden state and the attention scores.
        case all
    }

    public let model: BertModel
    let pool: WorkerPool
    var memory = PassMemory()
    var state: PassState?

    /// Tokens a worker takes through the model at once.
    private static let shardTokens = 96

    public init(_ model: BertModel, pool: WorkerPool) {
        self.model = model
        self.pool = pool
    }

    /// Computes the logits of a batch, `[B, C]` row-major.
    ///
    /// - Parameters:
    ///   - dropoutSeed: nil computes without dropout.
    ///   - step: together with the seed names the random masks.
    /// - Precondition: ids are below the vocabulary size and lengths at most the position count.
    public func forward(
        _ batch: PackedBatch,
        outputs: Outputs = .logits,
        dropoutSeed: UInt64?,
        step: UInt32
    ) -> [Float] {
        let configuration = model.configuration
        var plan = DropoutPlan.none
        if let dropoutSeed {
            plan = DropoutPlan(
                seed: dropoutSeed,
                step: step,
                hidden: Float(configuration.hiddenDropoutProbability),
                attention: Float(configuration.attentionDropoutProbability),
                classifier: Float(
                    configuration.classifierDropout ?? configuration.hiddenDropoutProbability
                )
            )
        }
        let state = PassState(
            batch: batch,
            configuration: configuration,
            positions: model.positions(of: batch),
            shards: Shard.cut(batch, target: Self.shardTokens),
            outputs: outputs,
            dropout: plan,
            workerCount: pool.workerCount,
            memory: &memory
        )
        self.state = state
        let pass = state.pass(configuration)
        let views = model.views
        pool.run(state.shards.count) { task, worker in
            let shard = state.shards[task]
            pass.embed(
                views,
                positions: state.positions,
                rows: shard.rows,
                sum: state.embeddingSum.slice(shard.rows),
                saved: state.embeddingStatistics.saved(state.embeddingSum, shard.rows),
                into: state.embedded.slice(shard.rows)
            )
            for (index, layer) in views.layers.enumerated() {
                pass.layer(
                    index,
                    layer,
                    state.layers[index],
                    shard: shard,
                    origin: (0, 0),
                    attentionOffsets: state.attentionOffsets(index),
                    scratch: state.scratch(worker)
                )
            }
            state.gatherFirst(shard)
            pass.head(
                views,
                first: state.first.slice(shard.sequences),
                pooled: state.pooled.slice(shard.sequences),
                dropped: state.droppedPooled.slice(shard.sequences),
                logits: state.logits.slice(shard.sequences),
                firstSequence: shard.sequences.lowerBound
            )
        }
        return state.logits.values
    }

    /// Hidden state `index` of the last forward pass, `[T, H]`: 0 is the embeddings, L the last layer.
    ///
    /// - Precondition: the pass was asked for all outputs.
    public func hiddenState(_ index: Int) -> Matrix {
        guard let state, state.outputs == .all else { preconditionFailure("not computed") }
        return index == 0 ? state.embedded : state.layers[index - 1].output
    }

    /// Unnormalised attention scores of a layer: sequence after sequence, `[N, length, length]`.
    ///
    /// - Precondition: the pass was asked for all outputs.
    public func attentionScores(layer: Int) -> [Float] {
        guard let state, let scores = state.layers[layer].scores else {
            preconditionFailure("not computed")
        }
        let count = state.attentionOffsets(layer).offsets.last ?? 0
        return Array(UnsafeBufferPointer(start: scores, count: count))
    }
}

/// Buffers that live from pass to pass and grow to the largest batch.
struct PassMemory {
    var floats = GrowingBuffer()
}

/// The views of one pass into that memory.
final class PassState: @unchecked Sendable {
    let batch: PackedBatch
    let positions: [Int32]
    let shards: [Shard]
    let outputs: TrainingPass.Outputs
    let dropout: DropoutPlan
    private let allTokens: AttentionOffsets
    private let firstTokens: AttentionOffsets

    let embeddingSum: Matrix
    let embeddingStatistics: LayerActivations.RowStatistics
    let embedded: Matrix
    let layers: [LayerActivations]
    let first: Matrix
    let pooled: Matrix
    let droppedPooled: Matrix
    let logits: Matrix

    // Gradients on the way back. The four that weight gradients read are kept for two layers, since
    // a layer's weight gradients are computed beside the next layer's input gradients.
    let dHidden: Matrix  // [T, H]
    let dAttended: Matrix  // [T, H]
    let dContext: Matrix  // [T, H]
    let dOutput: [Matrix]  // [T, H]
    let dIntermediate: [Matrix]  // [T, I]
    let dAttentionOutput: [Matrix]  // [T, H]
    let dProjections: [Matrix]  // [T, 3H]
    let dFirst: Matrix  // [B, H]
    let dFirstQuery: Matrix  // [B, H]
    let dPooled: Matrix  // [B, H]
    let dLogits: Matrix  // [B, C]

    private let scratchBase: UnsafeMutablePointer<Float>
    private let scratchCount: Int

    init(
        batch: PackedBatch,
        configuration: BertConfiguration,
        positions: [Int32],
        shards: [Shard],
        outputs: TrainingPass.Outputs,
        dropout: DropoutPlan,
        workerCount: Int,
        memory: inout PassMemory
    ) {
        self.batch = batch
        self.positions = positions
        self.shards = shards
        self.outputs = outputs
        self.dropout = dropout
        let heads = configuration.attentionHeadCount
        allTokens = AttentionOffsets(
            batchOffsets: batch.offsets,
            headCount: heads,
            firstTokenOnly: false
        )
        firstTokens = AttentionOffsets(
            batchOffsets: batch.offsets,
            headCount: heads,
            firstTokenOnly: true
        )
        let (tokens, sequences) = (batch.tokenCount, batch.sequenceCount)
        let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let classes = configuration.labels.count
        let scoreCount = allTokens.offsets.last ?? 0
        let longest = (0..<sequences).map(batch.length(of:)).max() ?? 0
        let scratchCount = Attention.scratchCount(length: longest, headSize: configuration.headSize)

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
            let embeddingSum = matrix(tokens, hidden)
            let embeddingStatistics = statistics(tokens)
            let embedded = matrix(tokens, hidden)
            var layers: [LayerActivations] = []
            var input = embedded
            for index in 0..<configuration.hiddenLayerCount {
                let firstOnly =
                    outputs == .logits && index == configuration.hiddenLayerCount - 1
                let rows = firstOnly ? sequences : tokens
                let query: Matrix
                let key: Matrix
                let value: Matrix
                if firstOnly {
                    query = matrix(sequences, hidden)
                    let both = take(2 * tokens * hidden)
                    key = Matrix(both, rows: tokens, columns: hidden, stride: 2 * hidden)
                    value = Matrix(both + hidden, rows: tokens, columns: hidden, stride: 2 * hidden)
                } else {
                    let all = take(3 * tokens * hidden)
                    let parts = (0..<3).map {
                        Matrix(all + $0 * hidden, rows: tokens, columns: hidden, stride: 3 * hidden)
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
                    scores: outputs == .all ? take(scoreCount) : nil,
                    context: matrix(rows, hidden),
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
                embedded: embedded,
                layers: layers,
                first: matrix(sequences, hidden),
                pooled: matrix(sequences, hidden),
                droppedPooled: matrix(sequences, hidden),
                logits: matrix(sequences, classes),
                dHidden: matrix(tokens, hidden),
                dAttended: matrix(tokens, hidden),
                dContext: matrix(tokens, hidden),
                dOutput: [matrix(tokens, hidden), matrix(tokens, hidden)],
                dIntermediate: [matrix(tokens, inner), matrix(tokens, inner)],
                dAttentionOutput: [matrix(tokens, hidden), matrix(tokens, hidden)],
                dProjections: [matrix(tokens, 3 * hidden), matrix(tokens, 3 * hidden)],
                dFirst: matrix(sequences, hidden),
                dFirstQuery: matrix(sequences, hidden),
                dPooled: matrix(sequences, hidden),
                dLogits: matrix(sequences, classes),
                scratch: take(workerCount * scratchCount)
            )
            return (views, end)
        }
        let (_, count) = lay(nil)
        let (views, _) = lay(memory.floats.reserve(count))
        self.scratchCount = scratchCount
        embeddingSum = views.embeddingSum
        embeddingStatistics = views.embeddingStatistics
        embedded = views.embedded
        layers = views.layers
        first = views.first
        pooled = views.pooled
        droppedPooled = views.droppedPooled
        logits = views.logits
        dHidden = views.dHidden
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
        scratchBase = views.scratch
    }

    private struct Views {
        let embeddingSum: Matrix
        let embeddingStatistics: LayerActivations.RowStatistics
        let embedded: Matrix
        let layers: [LayerActivations]
        let first, pooled, droppedPooled, logits: Matrix
        let dHidden, dAttended, dContext: Matrix
        let dOutput, dIntermediate, dAttentionOutput, dProjections: [Matrix]
        let dFirst, dFirstQuery, dPooled, dLogits: Matrix
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

/// Stands for memory while a pass is only being measured; never read or written.
private nonisolated(unsafe) let placeholder = UnsafeMutablePointer<Float>.allocate(capacity: 1)
