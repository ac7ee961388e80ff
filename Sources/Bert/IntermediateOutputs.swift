public import Kernels
public import Tokenization

/// A layer's queries, keys and values, `[T, H]` each, heads side by side.
public struct QueryKeyValue: Sendable {
    public let query: Matrix
    public let key: Matrix
    public let value: Matrix

    public init(query: Matrix, key: Matrix, value: Matrix) {
        (self.query, self.key, self.value) = (query, key, value)
    }

    /// Views into rows of 3H: query, key, value side by side.
    init(sideBySide base: UnsafeMutablePointer<Float>, rows: Int, hiddenSize: Int) {
        func part(_ number: Int) -> Matrix {
            Matrix(
                base + number * hiddenSize,
                rows: rows,
                columns: hiddenSize,
                stride: 3 * hiddenSize
            )
        }
        self.init(query: part(0), key: part(1), value: part(2))
    }

    /// The rows of 3H that the three are views of.
    var sideBySide: Matrix {
        Matrix(query.base, rows: query.rows, columns: 3 * query.columns, stride: query.stride)
    }
}

/// Views of what a model put out for a batch, or of the gradient of a loss with respect to that.
///
/// Whoever made them keeps the memory: a training pass until its next batch, `IntermediateMemory`
/// until it lays out another. Only what was selected is there.
///
/// Dimension letters: `docs/numerics.md`.
public struct IntermediateOutputs: @unchecked Sendable {
    /// A sequence classifier's, `[B, C]`, or a token classifier's of the answered rows, `[R, C]`.
    public internal(set) var logits: Matrix?
    /// By index, 0 the embeddings' output and L the last layer's; `[T, H]`.
    public internal(set) var hiddenStates: [Int: Matrix] = [:]
    /// By layer from 0, unnormalised: sequence after sequence, `[N, n, n]`.
    public internal(set) var attentionScores: [Int: UnsafeMutablePointer<Float>] = [:]
    /// By layer from 0.
    public internal(set) var queryKeyValue: [Int: QueryKeyValue] = [:]
    public let headCount: Int
    let blocks: AttentionOffsets

    init(headCount: Int, blocks: AttentionOffsets) {
        (self.headCount, self.blocks) = (headCount, blocks)
    }

    /// The place of sequences' scores, in floats from the layer's first.
    public func scores(of sequences: Range<Int>) -> Range<Int> {
        blocks.offsets[sequences.lowerBound]..<blocks.offsets[sequences.upperBound]
    }

    /// Zeroes what belongs to a shard, of everything but the logits.
    func clear(_ shard: Shard) {
        for matrix in hiddenStates.values { matrix.slice(shard.rows).clear() }
        let range = scores(of: shard.sequences)
        for base in attentionScores.values {
            (base + range.lowerBound).update(repeating: 0, count: range.count)
        }
        for layer in queryKeyValue.values { layer.sideBySide.slice(shard.rows).clear() }
    }
}

extension Matrix {
    /// Zeroes a matrix without gaps between rows.
    func clear() {
        precondition(stride == columns)
        base.update(repeating: 0, count: rows * columns)
    }
}

/// Memory for a model's intermediate outputs, used again from batch to batch.
///
/// A class because its identity is the memory.
public final class IntermediateMemory {
    private var buffer = GrowingBuffer()

    public init() {}

    /// Places for what is selected of a batch; they are valid until the next call.
    public func layOut(
        _ batch: PackedBatch,
        _ configuration: BertConfiguration,
        _ selection: IntermediateSelection
    ) -> IntermediateOutputs {
        let blocks = AttentionOffsets(
            batchOffsets: batch.offsets,
            headCount: configuration.attentionHeadCount,
            firstTokenOnly: false
        )
        let (tokens, hidden) = (batch.tokenCount, configuration.hiddenSize)
        let scores = blocks.offsets.last ?? 0
        func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
        var next = buffer.reserve(
            selection.hiddenStates.count * rounded(tokens * hidden)
                + selection.attentionScores.count * rounded(scores)
                + selection.queryKeyValue.count * rounded(3 * tokens * hidden)
        )
        return IntermediateOutputs(
            selection,
            tokens: tokens,
            configuration: configuration,
            blocks: blocks
        ) { count in
            defer { next += rounded(count) }
            return next
        }
    }
}

extension IntermediateOutputs {
    /// Views into memory that `take` hands out by the number of floats.
    init(
        _ selection: IntermediateSelection,
        tokens: Int,
        configuration: BertConfiguration,
        blocks: AttentionOffsets,
        take: (Int) -> UnsafeMutablePointer<Float>
    ) {
        self.init(headCount: configuration.attentionHeadCount, blocks: blocks)
        let hidden = configuration.hiddenSize
        for index in selection.hiddenStates.sorted() {
            hiddenStates[index] = Matrix(take(tokens * hidden), rows: tokens, columns: hidden)
        }
        for layer in selection.attentionScores.sorted() {
            attentionScores[layer] = take(blocks.offsets.last ?? 0)
        }
        for layer in selection.queryKeyValue.sorted() {
            queryKeyValue[layer] = QueryKeyValue(
                sideBySide: take(3 * tokens * hidden),
                rows: tokens,
                hiddenSize: hidden
            )
        }
    }
}
