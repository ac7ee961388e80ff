public import Kernels
public import Tokenization

/// A model prepared for answering: its weights in the matrix library's own layout, and memory for
/// each worker that is allocated once.
///
/// Only the last layer's first tokens are computed, since the head reads no others. The model's
/// weights must not change while this is in use.
public final class BertInference: @unchecked Sendable {
    public let model: BertModel
    private let pool: WorkerPool
    private let views: ModelViews
    private var workspaces: [GrowingBuffer]
    /// Tokens a worker takes through the model at once.
    private static let shardTokens = 256

    /// - Parameter packing: whether to keep the weights in the library's layout as well; worth its
    ///   time and memory for more than a few hundred sequences.
    public init(_ model: BertModel, pool: WorkerPool, packing: Bool = true) {
        self.model = model
        self.pool = pool
        var views = model.views
        if packing {
            let last = views.layers.count - 1
            for index in views.layers.indices {
                views.layers[index] = views.layers[index].packing(firstTokenOnly: index == last)
            }
        }
        self.views = views
        workspaces = (0..<pool.workerCount).map { _ in GrowingBuffer() }
    }

    /// The logits of every sequence, `[B, C]` row-major.
    ///
    /// - Precondition: ids are below the vocabulary size and lengths at most the position count.
    public func logits(_ batch: PackedBatch) -> [Float] {
        let classes = model.configuration.labels.count
        let shards = Shard.cut(batch, target: Self.shardTokens)
        let pass = ForwardPass(
            configuration: model.configuration,
            batch: batch,
            dropout: .none,
            training: false
        )
        let positions = model.positions(of: batch)
        return [Float](unsafeUninitializedCapacity: batch.sequenceCount * classes) { out, count in
            count = batch.sequenceCount * classes
            guard let base = out.baseAddress else { return }
            let logits = Matrix(base, rows: batch.sequenceCount, columns: classes)
            workspaces.withUnsafeMutableBufferPointer { workspaces in
                // Safe: a worker runs one task at a time and uses its own workspace only.
                nonisolated(unsafe) let workspaces = workspaces
                pool.run(shards.count) { task, worker in
                    let shard = shards[task]
                    run(
                        pass,
                        shard,
                        positions: positions,
                        workspace: &workspaces[worker],
                        logits: logits.slice(shard.sequences)
                    )
                }
            }
        }
    }

    private func run(
        _ pass: ForwardPass,
        _ shard: Shard,
        positions: [Int32],
        workspace: inout GrowingBuffer,
        logits: Matrix
    ) {
        let configuration = model.configuration
        let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let (rows, sequences) = (shard.rows.count, shard.sequences.count)
        let longest = shard.sequences.map(pass.batch.length(of:)).max() ?? 0
        let scratchCount = Attention.scratchCount(length: longest, headSize: configuration.headSize)
        var next = workspace.reserve(
            rows * (8 * hidden + inner) + sequences * 2 * hidden + scratchCount
        )
        func take(_ rows: Int, _ columns: Int) -> Matrix {
            defer { next += rows * columns }
            return Matrix(next, rows: rows, columns: columns)
        }
        var input = take(rows, hidden)
        var output = take(rows, hidden)
        let projections = take(rows, 3 * hidden)
        let context = take(rows, hidden)
        let sum = take(rows, hidden)
        let attended = take(rows, hidden)
        let intermediate = take(rows, inner)
        let queryInput = take(sequences, hidden)
        let query = take(sequences, hidden)
        let scratch = next

        pass.embed(views, positions: positions, rows: shard.rows, sum: sum, saved: nil, into: input)
        let origin = (row: shard.rows.lowerBound, sequence: shard.sequences.lowerBound)
        for (index, layer) in views.layers.enumerated() {
            let firstOnly = index == views.layers.count - 1
            let queries = firstOnly ? sequences : rows
            func view(_ matrix: Matrix) -> Matrix {
                Matrix(matrix.base, rows: queries, columns: matrix.columns)
            }
            func part(_ number: Int, of parts: Int) -> Matrix {
                Matrix(
                    projections.base + number * hidden,
                    rows: rows,
                    columns: hidden,
                    stride: parts * hidden
                )
            }
            let activations = LayerActivations(
                firstTokenOnly: firstOnly,
                input: input,
                queryInput: firstOnly ? queryInput : input,
                query: firstOnly ? query : part(0, of: 3),
                key: firstOnly ? part(0, of: 2) : part(1, of: 3),
                value: firstOnly ? part(1, of: 2) : part(2, of: 3),
                context: view(context),
                attentionSum: view(sum),
                attended: view(attended),
                intermediate: view(intermediate),
                activated: view(intermediate),
                outputSum: view(sum),
                output: view(output)
            )
            pass.layer(
                index,
                layer,
                activations,
                shard: shard,
                origin: origin,
                attentionOffsets: nil,
                scratch: scratch
            )
            swap(&input, &output)
        }
        let first = Matrix(input.base, rows: sequences, columns: hidden)
        let pooled = Matrix(output.base, rows: sequences, columns: hidden)
        pass.head(
            views,
            first: first,
            pooled: pooled,
            dropped: pooled,
            logits: logits,
            firstSequence: shard.sequences.lowerBound
        )
    }
}

extension BertModel {
    /// Each token's position in its sequence, `[T]`.
    ///
    /// - Precondition: the batch fits the model's tables.
    func positions(of batch: PackedBatch) -> [Int32] {
        var positions: [Int32] = []
        positions.reserveCapacity(batch.tokenCount)
        for sequence in 0..<batch.sequenceCount {
            let length = batch.length(of: sequence)
            precondition(
                length <= configuration.maximumPositionCount,
                "a sequence of \(length) tokens for \(configuration.maximumPositionCount) positions"
            )
            for position in 0..<length { positions.append(Int32(truncatingIfNeeded: position)) }
        }
        let (words, types) = (configuration.vocabularySize, configuration.tokenTypeCount)
        precondition(batch.ids.allSatisfy { $0 >= 0 && $0 < words }, "a token id beyond \(words)")
        precondition(
            batch.tokenTypes.allSatisfy { $0 >= 0 && $0 < types },
            "a token type beyond \(types)"
        )
        return positions
    }
}
