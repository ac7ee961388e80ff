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
        let width = views.attentionWidth
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
            width: width,
            rows: 3 * (a.firstTokenOnly ? firsts : rows) + 4 * rows
        )
        if a.firstTokenOnly {
            let dQuery = projections.query.slice(shard.sequences)
            Elementwise.addColumnSums(dQuery, to: sums.queryKeyValue)
            let both = projections.keyValue.slice(shard.rows)
            Elementwise.addColumnSums(both, to: sums.queryKeyValue + width)
            recorder?.lap(.biasSums, floats: (firsts + 2 * rows) * width)
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
            recorder?.lap(.biasSums, floats: 3 * rows * width)
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
        let heads = a.query.columns / configuration.headSize
        let block = state.attentionOffsets(index).place(of: sequence, headCount: heads)
        Attention.backward(
            Attention.Sequence(
                headSize: configuration.headSize,
                query: a.query.slice(place.queries),
                key: a.key.slice(place.keys),
                value: a.value.slice(place.keys),
                logSum: a.logSum.map { $0 + heads * place.queries.lowerBound },
                scores: state.dOutputs.attentionScores[index].map { $0 + block },
                firstMaskElement: block
            ),
            dContext: contextGradients(index).slice(place.queries),
            dQ: d.query.slice(place.queries),
            dK: d.key.slice(place.keys),
            dV: d.value.slice(place.keys),
            dropout: state.dropout.attention(layer: index),
            scratch: scratch
        )
    }
}
