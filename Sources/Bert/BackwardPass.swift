import Kernels
import Tokenization

/// The backward pass as tasks: the mirror of `ForwardPass`, layer order reversed.
final class BackwardPass: @unchecked Sendable {
    /// Run by a worker with these counters, when somebody records.
    typealias Task = @Sendable (OperationRecorder?) -> Void

    let model: BertModel
    let views: ModelViews
    let precision: Precision
    let state: PassState
    let gradients: Gradients
    let vectors: VectorGradients
    let accumulate: Bool
    let sequenceHead: (pooler: Linear, classifier: Linear)?
    let tokenHead: Linear?

    var configuration: BertConfiguration { model.configuration }
    var hidden: Int { configuration.hiddenSize }

    init(
        pass: TrainingPass,
        state: PassState,
        gradients: Gradients,
        vectors: VectorGradients,
        accumulate: Bool
    ) {
        model = pass.model
        views = pass.views
        precision = pass.precision
        sequenceHead = pass.sequenceHead
        tokenHead = pass.tokenHead
        self.state = state
        self.gradients = gradients
        self.vectors = vectors
        self.accumulate = accumulate
    }

    /// One layer over one shard: from the gradient of its output to that of its input.
    func layer(
        _ index: Int,
        shard shardIndex: Int,
        scratch: UnsafeMutablePointer<Float>,
        _ recorder: OperationRecorder?
    ) {
        let shard = state.shards[shardIndex]
        let views = self.views.layers[index]
        let a = state.layers[index]
        let sums = vectors.layer(index, shard: shardIndex)
        let rows = shard.queryRows(firstTokenOnly: a.firstTokenOnly)
        let isLast = index == state.layers.count - 1
        if isLast { head(shardIndex, recorder) }
        addExternal(index + 1, shard)

        let dOut = (a.firstTokenOnly ? state.dFirst : state.dHidden).slice(rows)
        let dAttended = state.dAttended.slice(rows)
        let dOutput = state.dOutput[index % 2].slice(rows)
        let dIntermediate = state.dIntermediate[index % 2].slice(rows)
        let dAttentionOutput = state.dAttentionOutput[index % 2].slice(rows)
        let dContext = contextGradients(index).slice(rows)
        let firstRow = rows.lowerBound
        let count = rows.count * hidden
        recorder?.lap(.planning)

        // output = LayerNorm(dropout(dense) + attended)
        saved(a.outputStatistics, a.outputSum, rows) { saved in
            views.outputNorm.backward(
                dOut,
                saved: saved,
                into: dAttended,
                gradients: sums.outputNorm
            )
        }
        recorder?.lap(.layerNormBackward, floats: 3 * count)
        dropped(
            dAttended,
            by: state.dropout.output(layer: index),
            firstRow: firstRow,
            into: dOutput,
            bias: sums.output
        )
        recorder?.lap(.dropoutBackward, floats: 2 * count)
        views.output.backwardInput(dOutput, into: dIntermediate, accumulate: false)
        recorder?.backwardInput(.outputInput, views.output, rows: rows.count, accumulate: false)
        let intermediate = a.intermediate.slice(rows)
        Self.forEachBlock(rows.count) { block in
            let d = dIntermediate.slice(block)
            configuration.activation.kernel.backward(
                intermediate.slice(block).base,
                d.base,
                d.base,
                count: block.count * d.columns
            )
            Elementwise.addColumnSums(d, to: sums.intermediate)
        }
        recorder?.lap(.activationBackward, floats: 3 * rows.count * dIntermediate.columns)
        views.intermediate.backwardInput(dIntermediate, into: dAttended, accumulate: true)
        recorder?.backwardInput(
            .intermediateInput,
            views.intermediate,
            rows: rows.count,
            accumulate: true
        )

        // attended = LayerNorm(dropout(dense) + query input)
        saved(a.attentionStatistics, a.attentionSum, rows) { saved in
            views.attentionNorm.backward(
                dAttended,
                saved: saved,
                into: dOut,
                gradients: sums.attentionNorm
            )
        }
        recorder?.lap(.layerNormBackward, floats: 3 * count)
        dropped(
            dOut,
            by: state.dropout.attentionOutput(layer: index),
            firstRow: firstRow,
            into: dAttentionOutput,
            bias: sums.attentionOutput
        )
        recorder?.lap(.dropoutBackward, floats: 2 * count)
        views.attentionOutput.backwardInput(dAttentionOutput, into: dContext, accumulate: false)
        recorder?.backwardInput(
            .attentionOutputInput,
            views.attentionOutput,
            rows: rows.count,
            accumulate: false
        )

        attention(index, shard, dOut, sums, scratch: scratch, recorder)
        if index == 0 { embeddings(shardIndex, recorder) }
    }

    /// The gradient in front of a dropout, and its column sums: that of the bias before it.
    private func dropped(
        _ gradient: Matrix,
        by dropout: Dropout,
        firstRow: Int,
        into target: Matrix,
        bias: UnsafeMutablePointer<Float>
    ) {
        Self.forEachBlock(gradient.rows) { block in
            let (from, to) = (gradient.slice(block), target.slice(block))
            let count = block.count * hidden
            to.base.update(from: from.base, count: count)
            let first = (firstRow + block.lowerBound) * hidden
            dropout.apply(to: to.base, count: count, first: first)
            Elementwise.addColumnSums(to, to: bias)
        }
    }

    /// Blocks of rows that stay in a processor's nearest cache from one loop over them to the next.
    private static func forEachBlock(_ rows: Int, _ body: (Range<Int>) -> Void) {
        for start in stride(from: 0, to: rows, by: 16) { body(start..<min(start + 16, rows)) }
    }

    func addExternal(_ hiddenState: Int, _ shard: Shard) {
        guard let external = state.dOutputs.hiddenStates[hiddenState] else { return }
        Elementwise.add(
            state.dHidden.base + shard.rows.lowerBound * hidden,
            external.base + shard.rows.lowerBound * hidden,
            count: shard.rows.count * hidden
        )
    }

    func saved(
        _ statistics: LayerActivations.RowStatistics?,
        _ sum: Matrix,
        _ rows: Range<Int>,
        _ body: (LayerNorm.Saved) -> Void
    ) {
        guard let statistics else { preconditionFailure("the forward pass kept no statistics") }
        body(statistics.saved(sum, rows))
    }
}
