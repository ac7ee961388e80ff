import Kernels
import Tokenization

/// The gradients of a loss with respect to what a model put out.
public struct OutputGradients: Sendable {
    /// `[B, C]` row-major.
    public var logits: [Float]
    /// By hidden state (0 the embeddings, L the last layer), `[T, H]` row-major.
    public var hiddenStates: [Int: [Float]]
    /// By layer, as `attentionScores(layer:)` gives them.
    public var attentionScores: [Int: [Float]]

    public init(
        logits: [Float],
        hiddenStates: [Int: [Float]] = [:],
        attentionScores: [Int: [Float]] = [:]
    ) {
        self.logits = logits
        self.hiddenStates = hiddenStates
        self.attentionScores = attentionScores
    }
}

extension TrainingPass {
    /// The gradients of all parameters for the last forward pass.
    ///
    /// - Parameter accumulate: adds to what `gradients` holds instead of replacing it.
    /// - Precondition: gradients of hidden states or scores need a pass that put them out.
    public func backward(
        _ outputs: OutputGradients,
        into gradients: Gradients,
        accumulate: Bool = false
    ) {
        guard let state else { preconditionFailure("backward before forward") }
        precondition(outputs.logits.count == state.logits.rows * state.logits.columns)
        precondition(
            state.outputs == .all
                || (outputs.hiddenStates.isEmpty && outputs.attentionScores.isEmpty),
            "gradients of outputs that were not asked for"
        )
        if !accumulate { gradients.reset() }
        let words = gradients.plan(state.batch.ids)
        outputs.logits.withUnsafeBufferPointer { values in
            guard let source = values.baseAddress else { return }
            state.dLogits.base.update(from: source, count: values.count)
        }
        let vectors = VectorGradients(
            configuration: model.configuration,
            shardCount: state.shards.count
        )
        let back = BackwardPass(
            pass: self,
            state: state,
            outputs: outputs,
            gradients: gradients,
            vectors: vectors,
            accumulate: accumulate
        )
        let (shardCount, pool) = (state.shards.count, pool)
        var pending: [BackwardPass.Task] = []
        for layer in model.views.layers.indices.reversed() {
            let beside = pending
            pool.run(shardCount + beside.count) { task, worker in
                let recorder = pool.recorder(worker)
                if task < shardCount {
                    let scratch = state.scratch(worker)
                    back.layer(layer, shard: task, scratch: scratch, recorder)
                } else {
                    beside[task - shardCount](recorder)
                }
            }
            pending = back.weightTasks(layer)
        }
        let last = pending + back.headWeightTasks() + back.embeddingTasks(words)
        pool.run(last.count) { task, worker in last[task](pool.recorder(worker)) }
    }
}
