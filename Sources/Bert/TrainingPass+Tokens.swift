import Kernels

/// A token classifier's head over one shard, forward and back: logits = classifier(dropout(states)), of
/// the answered rows alone.
extension ForwardPass {
    /// - Parameter classifier: `[C, H]`.
    func classifyTokens(_ classifier: Linear, _ state: PassState, _ shard: Shard) {
        guard let answered = state.answered, let last = state.layers.last else { return }
        let outputs = answered.outputs(in: shard.rows)
        guard !outputs.isEmpty else { return }
        let hidden = last.output.columns
        recorder?.lap(.planning)
        for output in outputs {
            (state.droppedPooled.base + output * hidden).update(
                from: last.output.base + answered[output] * hidden,
                count: hidden
            )
        }
        let read = state.droppedPooled.slice(outputs)
        let count = read.rows * hidden
        dropout.pooled.apply(to: read.base, count: count, first: outputs.lowerBound * hidden)
        recorder?.lap(.dropout, floats: 2 * count)
        classifier.forward(read, into: state.logits.slice(outputs))
        recorder?.forward(.classifier, classifier, rows: read.rows)
    }
}

extension BackwardPass {
    /// From the logits' gradient to that of the last layer's output, which is zero elsewhere.
    ///
    /// - Precondition: the shard's rows of `dHidden` are zero.
    func classifiedTokens(
        _ classifier: Linear,
        _ shard: Shard,
        _ shardIndex: Int,
        _ recorder: OperationRecorder?
    ) {
        guard let answered = state.answered else { return }
        let outputs = answered.outputs(in: shard.rows)
        guard !outputs.isEmpty else { return }
        let (dLogits, dRead) = (state.dLogits.slice(outputs), state.dPooled.slice(outputs))
        let count = outputs.count * hidden
        recorder?.lap(.planning)
        Elementwise.addColumnSums(dLogits, to: vectors.classifier(shard: shardIndex))
        recorder?.lap(.biasSums, floats: dLogits.rows * dLogits.columns)
        classifier.backwardInput(dLogits, into: dRead, accumulate: false)
        recorder?.backwardInput(.classifierInput, classifier, rows: dRead.rows, accumulate: false)
        state.dropout.pooled.apply(
            to: dRead.base,
            count: count,
            first: outputs.lowerBound * hidden
        )
        for output in outputs {
            (state.dHidden.base + answered[output] * hidden).update(
                from: state.dPooled.base + output * hidden,
                count: hidden
            )
        }
        recorder?.lap(.dropoutBackward, floats: 2 * count)
    }
}
