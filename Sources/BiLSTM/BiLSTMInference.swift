public import Kernels
public import Tokenization

/// A BiLSTM prepared for answering: its weights in the matrix library's own layout, and memory for each
/// worker that is allocated once.
///
/// The model's weights must not change while this is in use, and one pass runs at a time.
public final class BiLSTMInference: @unchecked Sendable {
    public let model: BiLSTMModel
    private let pool: WorkerPool
    private let views: BiLSTMViews
    private var workspaces: [GrowingBuffer]
    private var states = GrowingBuffer()

    /// Texts that a worker takes through a time step at once.
    private static let shardTexts = 32
    /// Examples behind the LSTM.
    private static let blockRows = 64

    public init(_ model: BiLSTMModel, pool: WorkerPool) {
        self.model = model
        self.pool = pool
        var views = model.views
        views.input = views.input.map { $0.packing() }
        views.recurrent = views.recurrent.map { $0.packing() }
        views.hidden = views.hidden.packing()
        self.views = views
        workspaces = (0..<pool.workerCount).map { _ in GrowingBuffer() }
    }

    /// The logits of every sequence, `[B, C]` row-major.
    ///
    /// - Precondition: ids are below the vocabulary size, every sequence has a text, and of a model of
    ///   pairs two.
    public func logits(_ batch: PackedBatch) -> [Float] {
        let configuration = model.configuration
        let plan = TextPlan(batch, pairs: configuration.readsPairs, height: Self.shardTexts)
        let units = configuration.units
        let states = Matrix(
            states.reserve(plan.texts.count * 2 * units),
            rows: plan.texts.count,
            columns: 2 * units
        )
        let views = views
        onWorkers(2 * plan.shards.count) { task, reserve in
            let shard = plan.shards[task / 2]
            let (rows, width, texts) = (
                shard.rowCount, configuration.embeddingSize, shard.texts.count
            )
            let base = reserve(rows * (width + 4 * units) + 2 * texts * units)
            let gates = base + rows * width
            let cells = gates + rows * 4 * units
            RecurrentLayer(views: views, direction: task % 2).forward(
                shard,
                ids: batch.ids,
                dropout: .none,
                memory: RecurrentLayer.Memory(
                    x: Matrix(base, rows: rows, columns: width),
                    gates: Matrix(gates, rows: rows, columns: 4 * units),
                    cells: cells,
                    before: nil,
                    output: cells + texts * units
                ),
                into: states
            )
        }
        let (examples, outputs) = (batch.sequenceCount, configuration.labels.count)
        let layer = FeatureLayer(width: 2 * units, pairs: configuration.readsPairs)
        let blocks = (examples + Self.blockRows - 1) / Self.blockRows
        return [Float](unsafeUninitializedCapacity: examples * outputs) { out, count in
            count = examples * outputs
            guard count > 0, let target = out.baseAddress else { return }
            let logits = Matrix(target, rows: examples, columns: outputs)
            onWorkers(blocks) { task, reserve in
                let first = task * Self.blockRows
                let rows = first..<min(first + Self.blockRows, examples)
                let base = reserve(rows.count * (8 * units + configuration.hiddenSize))
                let features = layer.forward(
                    states,
                    examples: rows,
                    into: Matrix(base, rows: rows.count, columns: 8 * units)
                )
                let hidden = Matrix(
                    base + rows.count * 8 * units,
                    rows: rows.count,
                    columns: configuration.hiddenSize
                )
                views.hidden.forward(features, into: hidden, activation: .relu)
                views.output.forward(hidden, into: logits.slice(rows))
            }
        }
    }

    /// - Parameter body: receives the task and what gives it memory of its worker's.
    private func onWorkers(
        _ count: Int,
        _ body: (_ task: Int, _ reserve: (Int) -> UnsafeMutablePointer<Float>) -> Void
    ) {
        workspaces.withUnsafeMutableBufferPointer { workspaces in
            // Safe: a worker runs one task at a time and uses its own workspace only.
            nonisolated(unsafe) let workspaces = workspaces
            pool.run(count) { task, worker in
                body(task) { workspaces[worker].reserve($0) }
            }
        }
    }
}
