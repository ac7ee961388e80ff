import Bert
public import Kernels
public import Tokenization

/// One batch through a BiLSTM, forward and backward, with everything in between kept.
///
/// A worker takes a shard of texts through the LSTM in one direction alone; the layers behind are
/// computed for blocks of examples. Weight gradients are products over the whole batch, each task some
/// rows of one matrix. What is computed for a shard, and in what order sums are made, depends on the
/// batch alone: any number of workers gives the same bits.
///
/// A class because its identity is its memory, which is allocated once per largest batch.
public final class BiLSTMPass: @unchecked Sendable {
    public let model: BiLSTMModel
    public let pool: WorkerPool
    private var memory = GrowingBuffer()
    var state: BiLSTMState?

    /// Texts that a worker takes through a time step at once.
    private static let shardTexts = 16

    public init(_ model: BiLSTMModel, pool: WorkerPool) {
        self.model = model
        self.pool = pool
    }

    /// Makes room for a batch as `forward` does, and computes nothing.
    public func reserve(for batch: PackedBatch) {
        _ = BiLSTMState(
            batch: batch,
            plan: TextPlan(batch, pairs: model.configuration.readsPairs, height: Self.shardTexts),
            model: model,
            dropout: nil,
            memory: &memory
        )
    }

    /// Computes the logits of a batch, `[B, C]` row-major.
    ///
    /// - Parameters:
    ///   - dropoutSeed: nil computes without dropout.
    ///   - step: together with the seed names the random masks.
    /// - Precondition: ids are below the vocabulary size, every sequence has a text, and of a model of
    ///   pairs two.
    public func forward(_ batch: PackedBatch, dropoutSeed: UInt64?, step: UInt32) -> [Float] {
        let state = BiLSTMState(
            batch: batch,
            plan: TextPlan(batch, pairs: model.configuration.readsPairs, height: Self.shardTexts),
            model: model,
            dropout: dropoutSeed.map { ($0, step) },
            memory: &memory
        )
        self.state = state
        let (views, pool) = (model.views, pool)
        let shards = state.plan.shards
        pool.run(2 * shards.count) { task, _ in
            let layer = RecurrentLayer(views: views, direction: task % 2)
            let shard = shards[task / 2]
            layer.forward(
                shard,
                ids: batch.ids,
                dropout: state.embeddingDropout,
                memory: state.memory(shard, task % 2),
                into: state.states
            )
        }
        pool.run(state.blocks.count) { task, _ in
            let rows = state.blocks[task]
            let features = state.layer.forward(
                state.states,
                examples: rows,
                into: state.features.slice(rows)
            )
            let (sum, hidden) = (state.hiddenSum.slice(rows), state.hidden.slice(rows))
            views.hidden.forward(features, into: sum)
            let count = rows.count * hidden.columns
            Activation.relu.forward(sum.base, hidden.base, count: count)
            state.hiddenDropout.apply(
                to: hidden.base,
                count: count,
                first: rows.lowerBound * hidden.columns
            )
            views.output.forward(hidden, into: state.logits.slice(rows))
        }
        return state.logits.values
    }

    /// The logits of the last forward pass, `[B, C]`.
    public var logits: Matrix? { state?.logits }
    /// Where an objective puts the gradient of `logits`, before `backward`.
    public var logitGradients: Matrix? { state?.dLogits }
}

/// A batch's memory.
struct BiLSTMState: @unchecked Sendable {
    let batch: PackedBatch
    let plan: TextPlan
    let embeddingDropout: Dropout
    let hiddenDropout: Dropout
    let layer: FeatureLayer
    /// Examples that a worker takes through the layers behind the LSTM at once.
    let blocks: [Range<Int>]
    /// Both directions' final states, `[texts, 2U]`, and their gradient.
    let states, dStates: Matrix
    /// `[B, 8U]`, of pairs alone; of single texts the states stand for them.
    let features: Matrix
    /// Before and behind ReLU and dropout, `[B, F]`; the gradient of the former.
    let hiddenSum, hidden, dHidden: Matrix
    let logits, dLogits: Matrix
    /// The gradient of the features, `[B, 2U or 8U]`.
    let dFeatures: Matrix
    /// By direction.
    private let directions: [Direction]
    private let units: Int

    /// All shards' memory, rows in the order of the shards.
    struct Direction {
        let x, gates, cells, before, dx: Matrix
        /// `[texts, U]`, in the order of the shards' texts.
        let output, dCells: Matrix
    }

    init(
        batch: PackedBatch,
        plan: TextPlan,
        model: BiLSTMModel,
        dropout: (seed: UInt64, step: UInt32)?,
        memory: inout GrowingBuffer
    ) {
        let configuration = model.configuration
        self.batch = batch
        self.plan = plan
        units = configuration.units
        let probability = Float(configuration.dropout)
        func mask(_ site: UInt32) -> Dropout {
            dropout.map {
                Dropout(probability: probability, seed: $0.seed, step: $0.step, site: site)
            } ?? .none
        }
        (embeddingDropout, hiddenDropout) = (mask(0), mask(1))
        let pairs = configuration.readsPairs
        layer = FeatureLayer(width: 2 * units, pairs: pairs)
        let (examples, texts, rows) = (batch.sequenceCount, plan.texts.count, plan.tokenCount)
        blocks = stride(from: 0, to: examples, by: 32).map { $0..<min($0 + 32, examples) }

        var needed = 0
        var base: UnsafeMutablePointer<Float>?
        func matrix(_ rows: Int, _ columns: Int) -> Matrix {
            let start = needed
            needed += (rows * columns + 15) / 16 * 16
            // The first time round only the sizes count.
            let place = base ?? UnsafeMutablePointer(bitPattern: 64)!
            return Matrix(base == nil ? place : place + start, rows: rows, columns: columns)
        }
        let (hiddenSize, outputs) = (configuration.hiddenSize, configuration.labels.count)
        let (width, units) = (configuration.embeddingSize, units)
        func layOut() -> (heads: [Matrix], directions: [Direction]) {
            let heads = [
                matrix(texts, 2 * units), matrix(texts, 2 * units),
                matrix(pairs ? examples : 0, 8 * units), matrix(examples, hiddenSize),
                matrix(examples, hiddenSize), matrix(examples, hiddenSize),
                matrix(examples, outputs), matrix(examples, outputs),
                matrix(examples, configuration.featureCount),
            ]
            let directions = [0, 1].map { _ in
                Direction(
                    x: matrix(rows, width),
                    gates: matrix(rows, 4 * units),
                    cells: matrix(rows, units),
                    before: matrix(rows, units),
                    dx: matrix(rows, width),
                    output: matrix(texts, units),
                    dCells: matrix(texts, units)
                )
            }
            return (heads, directions)
        }
        _ = layOut()
        base = memory.reserve(needed)
        needed = 0
        let (heads, found) = layOut()
        (states, dStates, features) = (heads[0], heads[1], heads[2])
        (hiddenSum, hidden, dHidden) = (heads[3], heads[4], heads[5])
        (logits, dLogits, dFeatures) = (heads[6], heads[7], heads[8])
        directions = found
    }

    subscript(direction: Int) -> Direction { directions[direction] }

    /// A shard's part of a direction's memory.
    func memory(_ shard: TextShard, _ direction: Int) -> RecurrentLayer.Memory {
        let all = directions[direction]
        return RecurrentLayer.Memory(
            x: all.x.slice(shard.rows),
            gates: all.gates.slice(shard.rows),
            cells: all.cells.base + shard.firstRow * units,
            before: all.before.base + shard.firstRow * units,
            output: all.output.base + shard.firstText * units
        )
    }
}
