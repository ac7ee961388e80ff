import Kernels
import Tokenization

/// Attention on the way back.
extension BackwardPass {
    /// From the gradient of the context to that of the layer's input.
    func attention(
        _ index: Int,
        _ shard: Shard,
        _ dOut: Matrix,
        _ sums: VectorGradients.Layer,
        scratch: UnsafeMutablePointer<Float>,
        _ recorder: OperationRecorder?
    ) {
        let (views, a) = (self.views.layers[index], state.layers[index])
        let projections = projectionGradients(index)
        for sequence in shard.sequences {
            attention(index, a, projections, sequence: sequence, scratch: scratch)
        }
        if let external = state.dOutputs.queryKeyValue[index] {
            let rows = external.sideBySide.slice(shard.rows)
            Elementwise.add(
                projections.all.slice(shard.rows).base,
                rows.base,
                count: rows.rows * rows.columns
            )
        }
        let (rows, firsts) = (shard.rows.count, shard.sequences.count)
        recorder?.attention(
            .attentionBackward,
            products: 5,
            pairs: shard.pairs(of: state.batch, firstTokenOnly: a.firstTokenOnly),
            hiddenSize: hidden,
            rows: 3 * (a.firstTokenOnly ? firsts : rows) + 4 * rows
        )
        if a.firstTokenOnly {
            let dQuery = projections.query.slice(shard.sequences)
            Elementwise.addColumnSums(dQuery, to: sums.queryKeyValue)
            let both = projections.keyValue.slice(shard.rows)
            Elementwise.addColumnSums(both, to: sums.queryKeyValue + hidden)
            recorder?.lap(.biasSums, floats: (firsts + 2 * rows) * hidden)
            views.keyValue.backwardInput(
                both,
                into: state.dHidden.slice(shard.rows),
                accumulate: false
            )
            recorder?.backwardInput(
                .queryKeyValueInput,
                views.keyValue,
                rows: rows,
                accumulate: false
            )
            views.query.backwardInput(dQuery, into: dOut, accumulate: true)
            recorder?.backwardInput(
                .queryKeyValueInput,
                views.query,
                rows: firsts,
                accumulate: true
            )
            for sequence in shard.sequences {
                Elementwise.add(
                    state.dHidden.base + state.batch.offsets[sequence] * hidden,
                    state.dFirst.base + sequence * hidden,
                    count: hidden
                )
            }
            recorder?.lap(.planning)
        } else {
            let all = projections.all.slice(shard.rows)
            Elementwise.addColumnSums(all, to: sums.queryKeyValue)
            recorder?.lap(.biasSums, floats: 3 * rows * hidden)
            views.queryKeyValue.backwardInput(all, into: dOut, accumulate: true)
            recorder?.backwardInput(
                .queryKeyValueInput,
                views.queryKeyValue,
                rows: rows,
                accumulate: true
            )
        }
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
                scores: state.dOutputs.attentionScores[index].map { $0 + block },
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
}
