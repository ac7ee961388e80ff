import Kernels
import Tokenization

/// The forward pass of a shard, layer by layer; used by training and by inference alike.
struct ForwardPass {
    let configuration: BertConfiguration
    let batch: PackedBatch
    let dropout: DropoutPlan
    /// Whether the backward pass will need the values before the activation.
    let training: Bool
    /// Whether attention's products may round their operands as those of the layers do.
    var roundsAttention = false
    /// By sequence, the row of the batch that stands for it where a layer computes one token of each; nil
    /// is its first.
    var standing: [Int]?
    /// The counters of the worker that runs this, while somebody records.
    var recorder: OperationRecorder?
    /// Who shares the work of a lone shard; nil where a worker takes a shard alone.
    var team: Team?

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
                let source = (standing?[sequence] ?? batch.offsets[sequence]) - origin.row
                let target = sequence - origin.sequence
                (a.queryInput.base + target * a.queryInput.stride).update(
                    from: a.input.base + source * a.input.stride,
                    count: a.input.columns
                )
            }
            recorder?.lap(.planning)
            linear(
                .queryKeyValue,
                views.query,
                a.queryInput.slice(queryRows),
                into: a.query.slice(queryRows)
            )
            let both = Matrix(
                a.key.base,
                rows: a.key.rows,
                columns: 2 * a.key.columns,
                stride: a.key.stride
            )
            linear(.queryKeyValue, views.keyValue, a.input.slice(rows), into: both.slice(rows))
        } else {
            let all = Matrix(
                a.query.base,
                rows: a.query.rows,
                columns: 3 * a.query.columns,
                stride: a.query.stride
            )
            linear(.queryKeyValue, views.queryKeyValue, a.input.slice(rows), into: all.slice(rows))
        }

        attend(index, a, shard, origin, attentionOffsets, scratch)

        linear(
            .attentionOutput,
            views.attentionOutput,
            a.context.slice(queryRows),
            into: a.attentionSum.slice(queryRows)
        )
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
            linear(.intermediate, views.intermediate, a.attended.slice(queryRows), into: before)
            activation.forward(before.base, after.base, count: before.rows * before.columns)
            recorder?.lap(.activation, floats: 2 * before.rows * before.columns)
            linear(.output, views.output, after, into: a.outputSum.slice(queryRows))
        } else {
            feedForward(views, a, queryRows, activation)
        }
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

    /// Attention of each sequence, head by head where a team shares the shard.
    private func attend(
        _ layer: Int,
        _ a: LayerActivations,
        _ shard: Shard,
        _ origin: (row: Int, sequence: Int),
        _ attentionOffsets: AttentionOffsets?,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let pairs = shard.pairs(of: batch, firstTokenOnly: a.firstTokenOnly)
        let rows = shard.queryRows(firstTokenOnly: a.firstTokenOnly).count + shard.rows.count
        guard let team else {
            for sequence in shard.sequences {
                attend(layer, a, sequence, nil, origin, attentionOffsets, scratch)
            }
            recorder?.attention(
                .attention,
                products: 2,
                pairs: pairs,
                width: a.query.columns,
                rows: 2 * rows
            )
            return
        }
        let heads = a.query.columns / configuration.headSize
        team.pool.run(shard.sequences.count * heads) { task, worker in
            let (sequence, head) = (shard.sequences.lowerBound + task / heads, task % heads)
            let scratch = team.scratch + worker * team.scratchCount
            attend(layer, a, sequence, head..<head + 1, origin, attentionOffsets, scratch)
            let length = batch.length(of: sequence)
            let queries = a.firstTokenOnly ? 1 : length
            team.pool.recorder(worker)?.attention(
                .attention,
                products: 2,
                pairs: queries * length,
                width: configuration.headSize,
                rows: 2 * (queries + length)
            )
        }
    }

    private func attend(
        _ layer: Int,
        _ a: LayerActivations,
        _ sequence: Int,
        _ heads: Range<Int>?,
        _ origin: (row: Int, sequence: Int),
        _ attentionOffsets: AttentionOffsets?,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let place = a.place(of: sequence, in: batch, origin: origin)
        let headCount = a.query.columns / configuration.headSize
        let block = attentionOffsets?.place(of: sequence, headCount: headCount) ?? 0
        Attention.forward(
            Attention.Sequence(
                headSize: configuration.headSize,
                query: a.query.slice(place.queries),
                key: a.key.slice(place.keys),
                value: a.value.slice(place.keys),
                logSum: a.logSum.map { $0 + headCount * place.queries.lowerBound },
                scores: a.scores.map { $0 + block },
                firstMaskElement: block
            ),
            context: a.context.slice(place.queries),
            dropout: dropout.attention(layer: layer),
            heads: heads,
            rounding: roundsAttention,
            scratch: scratch
        )
    }
}

/// Products, by one worker or by a team.
extension ForwardPass {
    /// Workers that share the work of one shard, with scratch for each.
    struct Team: @unchecked Sendable {
        let pool: WorkerPool
        let scratch: UnsafeMutablePointer<Float>
        let scratchCount: Int
    }

    /// output = activation(linear(input)); a team takes the outputs slice by slice.
    private func linear(
        _ operation: ProfiledOperation,
        _ linear: Linear,
        _ input: Matrix,
        into output: Matrix,
        _ activation: Activation? = nil
    ) {
        guard let team else {
            linear.forward(input, into: output, activation: activation)
            recorder?.forward(operation, linear, rows: input.rows)
            return
        }
        team.pool.run(linear.sliceCount) { slice, worker in
            linear.forward(input, into: output, activation: activation, slices: slice..<slice + 1)
            team.pool.recorder(worker)?
                .forward(operation, linear.outputs(linear.slice(slice)), rows: input.rows)
        }
    }

    /// output(activation(intermediate(attended))), so few rows at once that what lies between stays in
    /// the cache: `activated` has room for one block.
    private func feedForward(
        _ views: LayerViews,
        _ a: LayerActivations,
        _ rows: Range<Int>,
        _ activation: Activation
    ) {
        Linear.forEachBlock(rows) { block in
            let inner = Matrix(a.activated.base, rows: block.count, columns: a.activated.columns)
            let input = a.attended.slice(block)
            linear(.intermediate, views.intermediate, input, into: inner, activation)
            linear(.output, views.output, inner, into: a.outputSum.slice(block))
        }
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
