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
    /// The precision of the encoder layers' products, forward and backward.
    public let precision: Precision
    let pool: WorkerPool
    private let roundedWeights: RoundedWeights?
    let views: ModelViews
    var memory = PassMemory()
    var state: PassState?

    /// Tokens a worker takes through the model at once.
    private static let shardTokens = 96

    let pooler: Linear
    let classifier: Linear

    /// - Parameter precision: f32, or bf16 where it is available here; weights, gradients and everything
    ///   that is no product of a layer are in single precision either way.
    /// - Precondition: the model can be trained: `BertConfiguration.checkCanTrain`.
    public init(_ model: BertModel, pool: WorkerPool, precision: Precision = .f32) {
        precondition(precision != .int8, "training in bytes")
        guard let pooler = model.views.pooler, let classifier = model.views.classifier,
            model.configuration.embeddingSize == model.configuration.hiddenSize
        else { preconditionFailure("training a model of another kind than a sequence classifier") }
        self.model = model
        self.pool = pool
        self.precision = precision.orFallback
        roundedWeights = self.precision == .bf16 ? RoundedWeights(model) : nil
        views = roundedWeights?.views ?? model.views
        self.pooler = pooler
        self.classifier = classifier
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
        let plan = dropoutSeed.map { DropoutPlan(configuration, seed: $0, step: step) }
        let state = PassState(
            batch: batch,
            configuration: configuration,
            indices: EmbeddingRows(batch, configuration),
            shards: Shard.cut(batch, target: Self.shardTokens),
            outputs: outputs,
            dropout: plan ?? .none,
            workerCount: pool.workerCount,
            memory: &memory
        )
        self.state = state
        let pass = state.pass(configuration)
        roundedWeights?.refresh(pool)
        let views = views
        let (pooler, classifier, pool) = (pooler, classifier, pool)
        pool.run(state.shards.count) { task, worker in
            let shard = state.shards[task]
            let pass = pass.recording(pool.recorder(worker))
            pass.embed(
                views,
                state.indices,
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
                pooler,
                classifier,
                first: state.first.slice(shard.sequences),
                sum: state.poolerSum.slice(shard.sequences),
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
