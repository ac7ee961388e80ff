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
    public let model: BertModel
    /// The precision of the encoder layers' products, forward and backward.
    public let precision: Precision
    public let pool: WorkerPool
    private let roundedWeights: RoundedWeights?
    let views: ModelViews
    var memory = PassMemory()
    var state: PassState?

    /// Tokens a worker takes through the model at once.
    static let shardTokens = 96

    /// Of a sequence classifier.
    let sequenceHead: (pooler: Linear, classifier: Linear)?
    /// Of a token classifier.
    let tokenHead: Linear?
    /// What `predictPieces` works in.
    var pieceMemory = GrowingBuffer()

    /// - Parameter precision: f32, or bf16 where it is available here; weights, gradients and everything
    ///   that is no product of a layer are in single precision either way.
    /// - Precondition: the model can be trained: `BertConfiguration.checkCanTrain`.
    public init(_ model: BertModel, pool: WorkerPool, precision: Precision = .f32) {
        precondition(precision != .int8, "training in bytes")
        precondition(model.configuration.canTrain, "training a model of another kind")
        self.model = model
        self.pool = pool
        self.precision = precision.orFallback
        roundedWeights = self.precision == .bf16 ? RoundedWeights(model) : nil
        views = roundedWeights?.views ?? model.views
        if let pooler = model.views.pooler, let classifier = model.views.classifier {
            sequenceHead = (pooler, classifier)
        } else {
            sequenceHead = nil
        }
        tokenHead = model.configuration.head == .tokenClassification ? model.views.classifier : nil
    }

    /// Computes the logits of a batch, `[B, C]` row-major, or of a token classifier those of the answered
    /// rows, `[R, C]`; empty for a masked language model, whose head is computed by `predictPieces`.
    ///
    /// - Parameters:
    ///   - outputs: what is kept besides; without the last layer's, that computes its first tokens
    ///     alone.
    ///   - dropoutSeed: nil computes without dropout.
    ///   - step: together with the seed names the random masks.
    /// - Precondition: ids are below the vocabulary size and lengths at most the position count.
    public func forward(
        _ batch: PackedBatch,
        outputs: IntermediateSelection = .none,
        dropoutSeed: UInt64?,
        step: UInt32
    ) -> [Float] {
        let configuration = model.configuration
        precondition(outputs.fits(layerCount: configuration.hiddenLayerCount))
        let plan = dropoutSeed.map { DropoutPlan(configuration, seed: $0, step: step) }
        let state = PassState(
            batch: batch,
            configuration: configuration,
            indices: EmbeddingRows(batch, configuration),
            shards: Shard.cut(batch, target: Self.shardTokens, configuration),
            outputs: outputs,
            dropout: plan ?? .none,
            workerCount: pool.workerCount,
            memory: &memory
        )
        self.state = state
        let pass = state.pass(configuration)
        roundedWeights?.refresh(pool)
        let views = views
        let (sequenceHead, tokenHead, pool) = (sequenceHead, tokenHead, pool)
        pool.run(state.shards.count) { task, worker in
            let shard = state.shards[task]
            let pass = pass.recording(pool.recorder(worker))
            pass.embed(
                views,
                state.indices,
                rows: shard.rows,
                sum: state.embeddingSum.slice(shard.rows),
                saved: state.embeddingStatistics.saved(state.embeddingSum, shard.rows),
                into: state.embeddings.slice(shard.rows)
            )
            if let project = views.embeddingsProject {
                let input = state.embeddings.slice(shard.rows)
                project.forward(input, into: state.embedded.slice(shard.rows))
                pass.recorder?.forward(.embeddingProjection, project, rows: input.rows)
            }
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
            if let tokenHead { pass.classifyTokens(tokenHead, state, shard) }
            guard let sequenceHead else { return }
            state.gatherFirst(shard)
            pass.head(
                sequenceHead.pooler,
                sequenceHead.classifier,
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

    /// What the last forward pass put out, and was asked to keep.
    ///
    /// - Precondition: there was one; the views are valid until the next.
    public var outputs: IntermediateOutputs {
        guard let state else { preconditionFailure("outputs before a forward pass") }
        return state.values
    }

    /// Where an objective puts its gradients with respect to `outputs`, before `backward`: all of the
    /// logits', and for the others what it adds in `forEachShard`.
    public var outputGradients: IntermediateOutputs {
        guard let state else { preconditionFailure("gradients before a forward pass") }
        return state.dOutputs
    }

    /// How many shards the last batch was cut into.
    public var shardCount: Int { state?.shards.count ?? 0 }

    /// Runs `body` for every shard of the last batch on the workers, the shard's part of
    /// `outputGradients` (but for the logits') being zero.
    ///
    /// - Parameter body: receives the shard, its number, and the worker.
    public func forEachShard(_ body: (_ shard: Shard, _ index: Int, _ worker: Int) -> Void) {
        guard let state else { preconditionFailure("shards before a forward pass") }
        pool.run(state.shards.count) { task, worker in
            let shard = state.shards[task]
            state.dOutputs.clear(shard)
            body(shard, task, worker)
            pool.recorder(worker)?.lap(.loss)
        }
    }
}
