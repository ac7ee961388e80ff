import Kernels
import Tokenization

/// The forward pass of a shard, layer by layer; used by training and by inference alike.
struct ForwardPass {
    let configuration: BertConfiguration
    let batch: PackedBatch
    let dropout: DropoutPlan
    /// Whether the backward pass will need the values before the activation.
    let training: Bool
    /// The counters of the worker that runs this, while somebody records.
    var recorder: OperationRecorder?

    /// The same pass, run by a worker with these counters.
    func recording(_ recorder: OperationRecorder?) -> ForwardPass {
        var result = self
        result.recorder = recorder
        return result
    }

    var epsilon: Float { Float(configuration.layerNormEpsilon) }

    /// hidden₀ = dropout(LayerNorm(word + position + type)).
    ///
    /// - Parameters:
    ///   - indices: the tokens' rows in the tables.
    ///   - sum: `[rows, E]`, overwritten; with `statistics`, kept for the backward pass.
    ///   - output: `[rows, E]`.
    ///   - rows: the rows of the batch that `sum` and `output` hold.
    func embed(
        _ views: ModelViews,
        _ indices: EmbeddingRows,
        rows: Range<Int>,
        sum: Matrix,
        saved: LayerNorm.Saved?,
        into output: Matrix
    ) {
        batch.ids.withUnsafeBufferPointer { ids in
            indices.types.withUnsafeBufferPointer { types in
                indices.positions.withUnsafeBufferPointer { positions in
                    guard let ids = ids.baseAddress, let types = types.baseAddress,
                        let positions = positions.baseAddress
                    else { return }
                    Elementwise.embeddingSum(
                        ids: ids + rows.lowerBound,
                        positions: positions + rows.lowerBound,
                        types: types + rows.lowerBound,
                        word: views.wordEmbeddings,
                        position: views.positionEmbeddings,
                        type: views.typeTable,
                        into: sum
                    )
                }
            }
        }
        recorder?.lap(.embeddingSum, floats: 4 * sum.rows * sum.columns, bytes: 12 * sum.rows)
        views.embeddingNorm.forward(
            dense: sum,
            residual: nil,
            epsilon: epsilon,
            saved: saved,
            into: output,
            firstRow: rows.lowerBound,
            dropout: dropout.embeddings,
            dropoutAfter: true
        )
        recorder?.lap(.layerNorm, floats: sum.rows * (saved == nil ? 2 : 3) * sum.columns)
    }

    /// One encoder layer over the shard's rows.
    ///
    /// - Parameters:
    ///   - origin: the batch row and sequence that row 0 of the activations stands for.
    func layer(
        _ index: Int,
        _ views: LayerViews,
        _ activations: LayerActivations,
        shard: Shard,
        origin: (row: Int, sequence: Int),
        attentionOffsets: AttentionOffsets?,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let a = activations
        let rows = shard.rows.shifted(by: -origin.row)
        let sequences = shard.sequences.shifted(by: -origin.sequence)
        let queryRows = a.firstTokenOnly ? sequences : rows

        recorder?.lap(.planning)
        if a.firstTokenOnly {
            for sequence in shard.sequences {
                let source = batch.offsets[sequence] - origin.row
                let target = sequence - origin.sequence
                (a.queryInput.base + target * a.queryInput.stride).update(
                    from: a.input.base + source * a.input.stride,
                    count: a.input.columns
                )
            }
            recorder?.lap(.planning)
            views.query.forward(a.queryInput.slice(queryRows), into: a.query.slice(queryRows))
            recorder?.forward(.queryKeyValue, views.query, rows: queryRows.count)
            let both = Matrix(
                a.key.base,
                rows: a.key.rows,
                columns: 2 * a.key.columns,
                stride: a.key.stride
            )
            views.keyValue.forward(a.input.slice(rows), into: both.slice(rows))
            recorder?.forward(.queryKeyValue, views.keyValue, rows: rows.count)
        } else {
            let all = Matrix(
                a.query.base,
                rows: a.query.rows,
                columns: 3 * a.query.columns,
                stride: a.query.stride
            )
            views.queryKeyValue.forward(a.input.slice(rows), into: all.slice(rows))
            recorder?.forward(.queryKeyValue, views.queryKeyValue, rows: rows.count)
        }

        for sequence in shard.sequences {
            attend(
                index,
                a,
                sequence: sequence,
                origin: origin,
                attentionOffsets: attentionOffsets,
                scratch: scratch
            )
        }

        recorder?.attention(
            .attention,
            products: 2,
            pairs: shard.pairs(of: batch, firstTokenOnly: a.firstTokenOnly),
            hiddenSize: configuration.hiddenSize,
            rows: 2 * (queryRows.count + rows.count)
        )

        views.attentionOutput.forward(
            a.context.slice(queryRows),
            into: a.attentionSum.slice(queryRows)
        )
        recorder?.forward(.attentionOutput, views.attentionOutput, rows: queryRows.count)
        let firstRow = queryRows.lowerBound + (a.firstTokenOnly ? origin.sequence : origin.row)
        views.attentionNorm.forward(
            dense: a.attentionSum.slice(queryRows),
            residual: a.queryInput.slice(queryRows),
            epsilon: epsilon,
            saved: a.attentionStatistics?.saved(a.attentionSum, queryRows),
            into: a.attended.slice(queryRows),
            firstRow: firstRow,
            dropout: dropout.attentionOutput(layer: index)
        )
        let normalized = queryRows.count * configuration.hiddenSize * (training ? 4 : 3)
        recorder?.lap(.layerNorm, floats: normalized)
        let activation = configuration.activation.kernel
        if training {
            let (before, after) = (a.intermediate.slice(queryRows), a.activated.slice(queryRows))
            views.intermediate.forward(a.attended.slice(queryRows), into: before)
            recorder?.forward(.intermediate, views.intermediate, rows: before.rows)
            activation.forward(before.base, after.base, count: before.rows * before.columns)
            recorder?.lap(.activation, floats: 2 * before.rows * before.columns)
        } else {
            views.intermediate.forward(
                a.attended.slice(queryRows),
                into: a.activated.slice(queryRows),
                activation: activation
            )
            recorder?.forward(.intermediate, views.intermediate, rows: queryRows.count)
        }
        views.output.forward(a.activated.slice(queryRows), into: a.outputSum.slice(queryRows))
        recorder?.forward(.output, views.output, rows: queryRows.count)
        views.outputNorm.forward(
            dense: a.outputSum.slice(queryRows),
            residual: a.attended.slice(queryRows),
            epsilon: epsilon,
            saved: a.outputStatistics?.saved(a.outputSum, queryRows),
            into: a.output.slice(queryRows),
            firstRow: firstRow,
            dropout: dropout.output(layer: index)
        )
        recorder?.lap(.layerNorm, floats: normalized)
    }

    private func attend(
        _ layer: Int,
        _ a: LayerActivations,
        sequence: Int,
        origin: (row: Int, sequence: Int),
        attentionOffsets: AttentionOffsets?,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let place = a.place(of: sequence, in: batch, origin: origin)
        let block = attentionOffsets?.offsets[sequence] ?? 0
        Attention.forward(
            Attention.Sequence(
                queries: place.queries.count,
                length: place.keys.count,
                headCount: configuration.attentionHeadCount,
                headSize: configuration.headSize,
                logSum: a.logSum.map {
                    $0 + configuration.attentionHeadCount * place.queries.lowerBound
                },
                scores: a.scores.map { $0 + block },
                firstMaskElement: block
            ),
            q: a.query.slice(place.queries),
            k: a.key.slice(place.keys),
            v: a.value.slice(place.keys),
            context: a.context.slice(place.queries),
            dropout: dropout.attention(layer: layer),
            scratch: scratch
        )
    }
}

extension LayerActivations {
    /// The rows of one sequence's queries and keys.
    func place(
        of sequence: Int,
        in batch: PackedBatch,
        origin: (row: Int, sequence: Int)
    ) -> (queries: Range<Int>, keys: Range<Int>) {
        let keys = (batch.offsets[sequence]..<batch.offsets[sequence + 1]).shifted(by: -origin.row)
        let first = sequence - origin.sequence
        return (firstTokenOnly ? first..<first + 1 : keys, keys)
    }
}

extension Range<Int> {
    func shifted(by distance: Int) -> Range<Int> {
        lowerBound + distance..<upperBound + distance
    }
}
