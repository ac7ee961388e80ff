import Kernels
import Tokenization

/// The two ends of the way back: from the logits to the encoder, and from it to the embeddings.
extension BackwardPass {
    /// From the outputs' gradient to that of the last layer's output.
    func head(_ shardIndex: Int, _ recorder: OperationRecorder?) {
        let shard = state.shards[shardIndex]
        guard let (pooler, classifier) = sequenceHead else {
            state.dHidden.slice(shard.rows).clear()
            if let tokenHead { classifiedTokens(tokenHead, shard, shardIndex, recorder) }
            guard let (chosen, gradient) = state.pieces else { return }
            for output in chosen.outputs(in: shard.rows) {
                (state.dHidden.base + chosen[output] * hidden).update(
                    from: gradient.base + output * hidden,
                    count: hidden
                )
            }
            return
        }
        let rows = shard.sequences
        let dLogits = state.dLogits.slice(rows)
        let dPooled = state.dPooled.slice(rows)
        let count = rows.count * hidden
        let firstElement = rows.lowerBound * hidden
        recorder?.lap(.planning)
        Elementwise.addColumnSums(dLogits, to: vectors.classifier(shard: shardIndex))
        recorder?.lap(.biasSums, floats: rows.count * dLogits.columns)
        classifier.backwardInput(dLogits, into: dPooled, accumulate: false)
        recorder?.backwardInput(.classifierInput, classifier, rows: rows.count, accumulate: false)
        state.dropout.pooled.apply(to: dPooled.base, count: count, first: firstElement)
        recorder?.lap(.dropoutBackward, floats: 2 * count)
        let (sum, d) = (state.poolerSum.slice(rows).base, dPooled.base)
        switch configuration.poolerActivation {
        case .tanh:
            let pooled = state.pooled.slice(rows).base
            for element in 0..<count { d[element] *= 1 - pooled[element] * pooled[element] }
        case .relu: Activation.relu.backward(sum, d, d, count: count)
        case .gelu: Activation.gelu.backward(sum, d, d, count: count)
        }
        recorder?.lap(.activationBackward, floats: 3 * count)
        Elementwise.addColumnSums(dPooled, to: vectors.pooler(shard: shardIndex))
        recorder?.lap(.biasSums, floats: count)
        let dFirst = state.dFirst.slice(rows)
        pooler.backwardInput(dPooled, into: dFirst, accumulate: false)
        recorder?.backwardInput(.poolerInput, pooler, rows: rows.count, accumulate: false)
        state.dropout.firstTokens.apply(to: dFirst.base, count: count, first: firstElement)
        guard let last = state.layers.last, !last.firstTokenOnly else { return }
        state.dHidden.slice(shard.rows).base
            .update(repeating: 0, count: shard.rows.count * hidden)
        for sequence in shard.sequences {
            (state.dHidden.base + state.batch.offsets[sequence] * hidden).update(
                from: state.dFirst.base + sequence * hidden,
                count: hidden
            )
        }
    }

    /// From the gradient of the embeddings' output to that of the three tables' sum.
    func embeddings(_ shardIndex: Int, _ recorder: OperationRecorder?) {
        let shard = state.shards[shardIndex]
        addExternal(0, shard)
        let d = state.dEmbeddings.slice(shard.rows)
        if let project = model.views.embeddingsProject {
            let dProjected = state.dHidden.slice(shard.rows)
            Elementwise.addColumnSums(dProjected, to: vectors.embeddingsProject(shard: shardIndex))
            recorder?.lap(.biasSums, floats: dProjected.rows * hidden)
            project.backwardInput(dProjected, into: d, accumulate: false)
            recorder?.backwardInput(
                .embeddingProjectionInput,
                project,
                rows: d.rows,
                accumulate: false
            )
        }
        let count = d.rows * d.columns
        state.dropout.embeddings.apply(
            to: d.base,
            count: count,
            first: shard.rows.lowerBound * d.columns
        )
        recorder?.lap(.dropoutBackward, floats: 2 * count)
        model.views.embeddingNorm.backward(
            d,
            saved: state.embeddingStatistics.saved(state.embeddingSum, shard.rows),
            into: d,
            gradients: vectors.embeddingNorm(shard: shardIndex)
        )
        recorder?.lap(.layerNormBackward, floats: 3 * count)
    }
}
