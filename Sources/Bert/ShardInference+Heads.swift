import Kernels
import Tokenization

/// The heads, over one shard's last hidden state.
extension ShardInference {
    /// - Parameter states: the last layer's output, of every token or of first tokens alone.
    func poolAndClassify(_ states: Matrix) {
        guard let pooler = views.pooler else { preconditionFailure("the model has no pooler") }
        let hidden = pass.configuration.hiddenSize
        let sequences = shard.sequences
        var first = Matrix(states.base, rows: sequences.count, columns: hidden)
        if !firstTokensSuffice {
            first = memory.first
            for (index, sequence) in sequences.enumerated() {
                let row = pass.batch.offsets[sequence] - shard.rows.lowerBound
                (first.base + index * hidden).update(
                    from: states.base + row * hidden,
                    count: hidden
                )
            }
        }
        let pooled = memory.query
        pass.recorder?.lap(.planning)
        pass.pool(pooler, first: first, sum: pooled, into: pooled)
        if let target = places.pooled { copy(pooled, to: target.slice(sequences)) }
        if let target = places.nextSentence {
            run(.otherHeads, views.seqRelationship, pooled, into: target.slice(sequences))
        }
        if let target = places.logits, !pass.configuration.head.readsEveryToken {
            run(.classifier, views.classifier, pooled, into: target.slice(sequences))
        }
    }

    /// - Parameter states: the last layer's output, `[rows, H]`.
    func classifyTokens(_ states: Matrix) {
        if let target = places.logits, pass.configuration.head.readsEveryToken {
            run(.classifier, views.classifier, states, into: target.slice(shard.rows))
        }
        if let (start, end) = places.spans {
            run(.otherHeads, views.qaOutputs, states, into: memory.spans)
            for row in 0..<shard.rows.count {
                start.base[shard.rows.lowerBound + row] = memory.spans.base[2 * row]
                end.base[shard.rows.lowerBound + row] = memory.spans.base[2 * row + 1]
            }
        }
        if let target = places.replacedTokens {
            let dense = Matrix(
                memory.sum.base,
                rows: shard.rows.count,
                columns: pass.configuration.hiddenSize
            )
            let activation = pass.configuration.activation.kernel
            run(.otherHeads, views.discriminatorDense, states, into: dense, activation)
            run(.otherHeads, views.discriminatorPrediction, dense, into: target.slice(shard.rows))
        }
    }

    /// logits = LayerNorm(activation(dense(x))) · word embeddingsᵀ + bias, for the chosen rows.
    ///
    /// - Parameters:
    ///   - states: the last layer's output, `[rows, H]`.
    ///   - chosen: `[rows, H]`, overwritten.
    func predict(_ states: Matrix, intermediate chosen: Matrix) {
        guard let (logits, rows) = places.predictions, let head = views.predictions else { return }
        let outputs = rows.outputs(in: shard.rows)
        guard !outputs.isEmpty else { return }
        let (hidden, size) = (states.columns, pass.configuration.embeddingSize)
        for (index, output) in outputs.enumerated() {
            let row = rows[output] - shard.rows.lowerBound
            (chosen.base + index * hidden).update(from: states.base + row * hidden, count: hidden)
        }
        head.predict(
            chosen.slice(0..<outputs.count),
            dense: Matrix(memory.sum.base, rows: outputs.count, columns: size),
            transformed: Matrix(memory.attended.base, rows: outputs.count, columns: size),
            into: logits.slice(outputs),
            pass.configuration,
            pass.recorder
        )
    }

    private func run(
        _ operation: ProfiledOperation,
        _ head: Linear?,
        _ input: Matrix,
        into output: Matrix,
        _ activation: Activation? = nil
    ) {
        guard let head else { return }
        head.forward(input, into: output, activation: activation)
        pass.recorder?.forward(operation, head, rows: input.rows)
    }
}
