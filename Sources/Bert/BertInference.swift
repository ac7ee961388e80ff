public import Kernels
public import Tokenization

/// A model prepared for answering: its weights in the matrix library's own layout, and memory for
/// each worker that is allocated once.
///
/// Of the last layer only what somebody reads is computed: first tokens alone when that is all the
/// outputs need. The model's weights must not change while this is in use, and one pass runs at a
/// time.
public final class BertInference: @unchecked Sendable {
    public let model: BertModel
    private let pool: WorkerPool
    let views: ModelViews
    private var workspaces: [GrowingBuffer]
    /// The precision of the encoder layers' products.
    public let precision: Precision

    /// - Parameters:
    ///   - precision: of the encoder layers' products, where it is available here; heads and embeddings
    ///     are always computed in single precision.
    ///   - packing: whether to keep single-precision weights in the library's layout as well; worth its
    ///     time and memory for more than a few hundred sequences.
    ///   - predictsOne: whether one token of each sequence is predicted, by `states(_:of:into:)` and
    ///     `pieceLogits`: their matrices are packed too, and the decoder's products rounded to bfloat16
    ///     where those of the layers are rounded.
    /// - Precondition: a model that `answers` in one precision is asked for that one, and for no token of
    ///   each sequence.
    public init(
        _ model: BertModel,
        pool: WorkerPool,
        precision: Precision = .f32,
        packing: Bool = true,
        predictsOne: Bool = false
    ) {
        self.model = model
        self.pool = pool
        let precision = precision.orFallback
        self.precision = precision
        var views = model.views
        if let prepared = model.answers {
            precondition(prepared == precision && !predictsOne, "the model answers otherwise")
        } else if packing || precision != .f32 {
            let last = views.layers.count - 1
            let layers = views.layers
            views.layers.withUnsafeMutableBufferPointer { target in
                // Safe: a task writes its own layer.
                nonisolated(unsafe) let target = target
                pool.run(layers.count) { index, _ in
                    target[index] = layers[index].packing(
                        firstTokenOnly: index == last
                            && (predictsOne || !model.configuration.head.readsEveryToken),
                        precision
                    )
                }
            }
            if predictsOne, let head = views.predictions {
                views.predictions = head.packing(
                    precision == .f32 ? .f32 : Precision.bf16.orFallback
                )
            }
        }
        self.views = views
        workspaces = (0..<pool.workerCount).map { _ in GrowingBuffer() }
    }

    var configuration: BertConfiguration { model.configuration }

    /// The logits of every sequence, `[B, C]` row-major, or of a token classifier those of every answered
    /// row, `[R, C]`.
    ///
    /// - Precondition: the model has a head of sequence or token classification; ids are below the
    ///   vocabulary size and lengths at most `longestSequence`.
    public func logits(_ batch: PackedBatch) -> [Float] {
        expect(.sequenceClassification, .tokenClassification)
        if configuration.head == .tokenClassification {
            let all = tokenLogits(batch)
            guard let rows = batch.answered else { return all }
            let classes = configuration.labels.count
            return rows.flatMap { all[$0 * classes..<($0 + 1) * classes] }
        }
        return values(batch.sequenceCount, configuration.labels.count) { logits in
            run(batch, OutputPlaces(logits: logits))
        }
    }

    func expect(_ heads: Head...) {
        precondition(
            heads.contains(configuration.head),
            "a model with \(configuration.head.phrase) has no such output"
        )
    }

    /// A matrix that `body` fills, row-major.
    func values(_ rows: Int, _ columns: Int, _ body: (Matrix) -> Void) -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { out, count in
            count = rows * columns
            guard count > 0, let base = out.baseAddress else { return }
            body(Matrix(base, rows: rows, columns: columns))
        }
    }

    /// Computes what has a place, shard by shard.
    ///
    /// - Parameter standing: by sequence, the token that the last layer computes alone; nil is the first.
    func run(_ batch: PackedBatch, _ places: OutputPlaces, standing: [Int]? = nil) {
        let shards = Shard.cut(batch, target: Self.shardTokens(batch), configuration)
        let pass = ForwardPass(
            configuration: configuration,
            batch: batch,
            dropout: .none,
            training: false,
            roundsAttention: precision != .f32,
            standing: standing
        )
        let indices = EmbeddingRows(batch, configuration)
        if shards.count == 1 {
            pool.prepared {
                let shard = ShardInference(
                    views: views,
                    pass: pass.recording(pool.recorder(0)),
                    shard: shards[0],
                    places: places,
                    workspace: &workspaces[0],
                    team: pool
                )
                shard.run(indices)
            }
            return
        }
        workspaces.withUnsafeMutableBufferPointer { workspaces in
            // Safe: a worker runs one task at a time and uses its own workspace only.
            nonisolated(unsafe) let workspaces = workspaces
            pool.run(shards.count) { task, worker in
                let shard = ShardInference(
                    views: views,
                    pass: pass.recording(pool.recorder(worker)),
                    shard: shards[task],
                    places: places,
                    workspace: &workspaces[worker]
                )
                shard.run(indices)
            }
        }
    }

    /// Tokens a worker takes through the model at once: an eighth of the batch, within bounds. What is
    /// too little for two shards is worked on by all workers together, layer by layer.
    private static func shardTokens(_ batch: PackedBatch) -> Int {
        min(max(batch.tokenCount / 8, 64), 256)
    }
}
