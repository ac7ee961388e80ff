public import Kernels
public import Tokenization

/// A layer's queries, keys and values, `[T, A]` each, heads side by side.
public struct QueryKeyValue: Sendable {
    public let query: Matrix
    public let key: Matrix
    public let value: Matrix

    public init(query: Matrix, key: Matrix, value: Matrix) {
        (self.query, self.key, self.value) = (query, key, value)
    }

    /// Views into rows of 3A: query, key, value side by side.
    init(sideBySide base: UnsafeMutablePointer<Float>, rows: Int, width: Int) {
        func part(_ number: Int) -> Matrix {
            Matrix(base + number * width, rows: rows, columns: width, stride: 3 * width)
        }
        self.init(query: part(0), key: part(1), value: part(2))
    }

    /// The rows of 3A that the three are views of.
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
    /// By layer from 0, N.
    public let headCounts: [Int]
    let blocks: AttentionOffsets

    init(headCounts: [Int], blocks: AttentionOffsets) {
        (self.headCounts, self.blocks) = (headCounts, blocks)
    }

    /// The place of sequences' scores, in floats from the layer's first.
    ///
    /// - Parameter layer: from 0.
    public func scores(of sequences: Range<Int>, layer: Int) -> Range<Int> {
        blocks.places(of: sequences, headCount: headCounts[layer])
    }

    /// Zeroes what belongs to a shard, of everything but the logits.
    func clear(_ shard: Shard) {
        for matrix in hiddenStates.values { matrix.slice(shard.rows).clear() }
        for (layer, base) in attentionScores {
            let range = scores(of: shard.sequences, layer: layer)
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

    /// The memory of a matrix without gaps as one of as many rows, but shorter ones.
    func narrowed(to columns: Int) -> Matrix {
        precondition(stride == self.columns && columns <= self.columns)
        return Matrix(base, rows: rows, columns: columns)
    }
}

/// Stands for memory while views are only being measured; never read or written.
nonisolated(unsafe) let placeholder = UnsafeMutablePointer<Float>.allocate(capacity: 1)

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
        let blocks = AttentionOffsets(batchOffsets: batch.offsets, firstTokenOnly: false)
        func outputs(
            _ take: (Int) -> UnsafeMutablePointer<Float>
        ) -> IntermediateOutputs {
            IntermediateOutputs(
                selection,
                tokens: batch.tokenCount,
                configuration: configuration,
                blocks: blocks,
                take: take
            )
        }
        func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
        // First to measure, then to place.
        var total = 0
        _ = outputs { count in
            total += rounded(count)
            return placeholder
        }
        var next = buffer.reserve(total)
        return outputs { count in
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
        let layers = 0..<configuration.hiddenLayerCount
        self.init(headCounts: layers.map(configuration.headCount(ofLayer:)), blocks: blocks)
        let hidden = configuration.hiddenSize
        for index in selection.hiddenStates.sorted() {
            hiddenStates[index] = Matrix(take(tokens * hidden), rows: tokens, columns: hidden)
        }
        for layer in selection.attentionScores.sorted() {
            attentionScores[layer] = take(blocks.count(headCount: headCounts[layer]))
        }
        for layer in selection.queryKeyValue.sorted() {
            let width = configuration.attentionWidth(ofLayer: layer)
            queryKeyValue[layer] = QueryKeyValue(
                sideBySide: take(3 * tokens * width),
                rows: tokens,
                width: width
            )
        }
    }
}
