import Kernels
import Tokenization

/// The backward pass as tasks: the mirror of `ForwardPass`, layer order reversed.
final class BackwardPass: @unchecked Sendable {
    typealias Task = @Sendable () -> Void

    let model: BertModel
    let state: PassState
    let gradients: Gradients
    let vectors: VectorGradients
    let accumulate: Bool
    private let pooler: Linear
    private let classifier: Linear
    private let dHiddenStates: [Int: FloatBuffer]
    private let dScores: [Int: FloatBuffer]

    var configuration: BertConfiguration { model.configuration }
    var hidden: Int { configuration.hiddenSize }

    init(
        pass: TrainingPass,
        state: PassState,
        outputs: OutputGradients,
        gradients: Gradients,
        vectors: VectorGradients,
        accumulate: Bool
    ) {
        model = pass.model
        pooler = pass.pooler
        classifier = pass.classifier
        self.state = state
        self.gradients = gradients
        self.vectors = vectors
        self.accumulate = accumulate
        func buffers(_ values: [Int: [Float]]) -> [Int: FloatBuffer] {
            values.mapValues { values in
                let buffer = FloatBuffer(count: values.count)
                values.withUnsafeBufferPointer { values in
                    guard let source = values.baseAddress else { return }
                    buffer.base.update(from: source, count: values.count)
                }
                return buffer
            }
        }
        dHiddenStates = buffers(outputs.hiddenStates)
        dScores = buffers(outputs.attentionScores)
    }

    /// One layer over one shard: from the gradient of its output to that of its input.
    func layer(_ index: Int, shard shardIndex: Int, scratch: UnsafeMutablePointer<Float>) {
        let shard = state.shards[shardIndex]
        let views = model.views.layers[index]
        let a = state.layers[index]
        let sums = vectors.layer(index, shard: shardIndex)
        let rows = shard.queryRows(firstTokenOnly: a.firstTokenOnly)
        let isLast = index == state.layers.count - 1
        if isLast { head(shardIndex) }
        addExternal(index + 1, shard)

        let dOut = (a.firstTokenOnly ? state.dFirst : state.dHidden).slice(rows)
        let dAttended = state.dAttended.slice(rows)
        let dOutput = state.dOutput[index % 2].slice(rows)
        let dIntermediate = state.dIntermediate[index % 2].slice(rows)
        let dAttentionOutput = state.dAttentionOutput[index % 2].slice(rows)
        let dContext = state.dContext.slice(rows)
        let firstRow = rows.lowerBound

        // output = LayerNorm(dropout(dense) + attended)
        saved(a.outputStatistics, a.outputSum, rows) { saved in
            views.outputNorm.backward(
                dOut,
                saved: saved,
                into: dAttended,
                gradients: sums.outputNorm
            )
        }
        dOutput.base.update(from: dAttended.base, count: rows.count * hidden)
        state.dropout.output(layer: index)
            .apply(to: dOutput.base, count: rows.count * hidden, first: firstRow * hidden)
        Elementwise.addColumnSums(dOutput, to: sums.output)
        views.output.backwardInput(dOutput, into: dIntermediate, accumulate: false)
        configuration.activation.kernel.backward(
            a.intermediate.slice(rows).base,
            dIntermediate.base,
            dIntermediate.base,
            count: rows.count * dIntermediate.columns
        )
        Elementwise.addColumnSums(dIntermediate, to: sums.intermediate)
        views.intermediate.backwardInput(dIntermediate, into: dAttended, accumulate: true)

        // attended = LayerNorm(dropout(dense) + query input)
        saved(a.attentionStatistics, a.attentionSum, rows) { saved in
            views.attentionNorm.backward(
                dAttended,
                saved: saved,
                into: dOut,
                gradients: sums.attentionNorm
            )
        }
        dAttentionOutput.base.update(from: dOut.base, count: rows.count * hidden)
        state.dropout.attentionOutput(layer: index)
            .apply(to: dAttentionOutput.base, count: rows.count * hidden, first: firstRow * hidden)
        Elementwise.addColumnSums(dAttentionOutput, to: sums.attentionOutput)
        views.attentionOutput.backwardInput(dAttentionOutput, into: dContext, accumulate: false)

        let projections = projectionGradients(index)
        for sequence in shard.sequences {
            attention(index, a, projections, sequence: sequence, scratch: scratch)
        }
        if a.firstTokenOnly {
            let dQuery = projections.query.slice(shard.sequences)
            Elementwise.addColumnSums(dQuery, to: sums.queryKeyValue)
            let both = projections.keyValue.slice(shard.rows)
            Elementwise.addColumnSums(both, to: sums.queryKeyValue + hidden)
            views.keyValue.backwardInput(
                both,
                into: state.dHidden.slice(shard.rows),
                accumulate: false
            )
            views.query.backwardInput(dQuery, into: dOut, accumulate: true)
            for sequence in shard.sequences {
                Elementwise.add(
                    state.dHidden.base + state.batch.offsets[sequence] * hidden,
                    state.dFirst.base + sequence * hidden,
                    count: hidden
                )
            }
        } else {
            let all = projections.all.slice(shard.rows)
            Elementwise.addColumnSums(all, to: sums.queryKeyValue)
            views.queryKeyValue.backwardInput(all, into: dOut, accumulate: true)
        }
        if index == 0 { embeddings(shardIndex) }
    }

    private func attention(
        _ index: Int,
        _ a: LayerActivations,
        _ d: (all: Matrix, query: Matrix, key: Matrix, value: Matrix, keyValue: Matrix),
        sequence: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let place = a.place(of: sequence, in: state.batch, origin: (0, 0))
        let block = state.attentionOffsets(index).offsets[sequence]
        let heads = configuration.attentionHeadCount
        Attention.backward(
            Attention.Sequence(
                queries: place.queries.count,
                length: place.keys.count,
                headCount: heads,
                headSize: configuration.headSize,
                logSum: a.logSum.map { $0 + heads * place.queries.lowerBound },
                scores: dScores[index].map { $0.base + block },
                firstMaskElement: block
            ),
            q: a.query.slice(place.queries),
            k: a.key.slice(place.keys),
            v: a.value.slice(place.keys),
            dContext: state.dContext.slice(place.queries),
            dQ: d.query.slice(place.queries),
            dK: d.key.slice(place.keys),
            dV: d.value.slice(place.keys),
            dropout: state.dropout.attention(layer: index),
            scratch: scratch
        )
    }

    /// From the logits' gradient to that of the last layer's output.
    private func head(_ shardIndex: Int) {
        let shard = state.shards[shardIndex]
        let rows = shard.sequences
        let dLogits = state.dLogits.slice(rows)
        let dPooled = state.dPooled.slice(rows)
        let count = rows.count * hidden
        let firstElement = rows.lowerBound * hidden
        Elementwise.addColumnSums(dLogits, to: vectors.classifier(shard: shardIndex))
        classifier.backwardInput(dLogits, into: dPooled, accumulate: false)
        state.dropout.pooled.apply(to: dPooled.base, count: count, first: firstElement)
        let (sum, d) = (state.poolerSum.slice(rows).base, dPooled.base)
        switch configuration.poolerActivation {
        case .tanh:
            let pooled = state.pooled.slice(rows).base
            for element in 0..<count { d[element] *= 1 - pooled[element] * pooled[element] }
        case .relu: Activation.relu.backward(sum, d, d, count: count)
        case .gelu: Activation.gelu.backward(sum, d, d, count: count)
        }
        Elementwise.addColumnSums(dPooled, to: vectors.pooler(shard: shardIndex))
        let dFirst = state.dFirst.slice(rows)
        pooler.backwardInput(dPooled, into: dFirst, accumulate: false)
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
    private func embeddings(_ shardIndex: Int) {
        let shard = state.shards[shardIndex]
        addExternal(0, shard)
        let d = state.dHidden.slice(shard.rows)
        state.dropout.embeddings.apply(
            to: d.base,
            count: d.rows * hidden,
            first: shard.rows.lowerBound * hidden
        )
        model.views.embeddingNorm.backward(
            d,
            saved: state.embeddingStatistics.saved(state.embeddingSum, shard.rows),
            into: d,
            gradients: vectors.embeddingNorm(shard: shardIndex)
        )
    }

    private func addExternal(_ hiddenState: Int, _ shard: Shard) {
        guard let external = dHiddenStates[hiddenState] else { return }
        Elementwise.add(
            state.dHidden.base + shard.rows.lowerBound * hidden,
            external.base + shard.rows.lowerBound * hidden,
            count: shard.rows.count * hidden
        )
    }

    private func saved(
        _ statistics: LayerActivations.RowStatistics?,
        _ sum: Matrix,
        _ rows: Range<Int>,
        _ body: (LayerNorm.Saved) -> Void
    ) {
        guard let statistics else { preconditionFailure("the forward pass kept no statistics") }
        body(statistics.saved(sum, rows))
    }
}
