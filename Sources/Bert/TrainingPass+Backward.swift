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
    /// The gradients of all parameters for the last forward pass, from a loss's gradients in arrays.
    ///
    /// - Precondition: gradients of hidden states or scores need a pass that kept them.
    public func backward(
        _ outputs: OutputGradients,
        into gradients: Gradients,
        accumulate: Bool = false
    ) {
        guard let state else { preconditionFailure("backward before forward") }
        let views = state.dOutputs
        for shard in state.shards { views.clear(shard) }
        func copy(_ values: [Float], to target: UnsafeMutablePointer<Float>?, _ count: Int) {
            guard let target else { preconditionFailure("gradients of outputs that were not kept") }
            precondition(values.count == count)
            values.withUnsafeBufferPointer { values in
                guard let source = values.baseAddress else { return }
                target.update(from: source, count: values.count)
            }
        }
        let logits = state.logits.rows * state.logits.columns
        if logits > 0 { copy(outputs.logits, to: state.dLogits.base, logits) }
        for (index, values) in outputs.hiddenStates {
            copy(
                values,
                to: views.hiddenStates[index]?.base,
                state.dHidden.rows * model.configuration.hiddenSize
            )
        }
        for (layer, values) in outputs.attentionScores {
            copy(
                values,
                to: views.attentionScores[layer],
                views.scores(of: 0..<state.batch.sequenceCount, layer: layer).count
            )
        }
        backward(into: gradients, accumulate: accumulate)
    }

    /// The gradients of all parameters for the last forward pass, from `outputGradients`.
    ///
    /// - Parameter accumulate: adds to what `gradients` holds instead of replacing it.
    public func backward(into gradients: Gradients, accumulate: Bool = false) {
        guard let state else { preconditionFailure("backward before forward") }
        if !accumulate {
            gradients.reset()
            if state.pieces == nil { gradients.clearPieces() }
        }
        let words = gradients.plan(state.batch.ids)
        let vectors = VectorGradients(
            configuration: model.configuration,
            shardCount: state.shards.count
        )
        let back = BackwardPass(
            pass: self,
            state: state,
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
