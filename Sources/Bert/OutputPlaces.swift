import Kernels
import Tensors
import Tokenization

/// Where a pass writes a batch's outputs; what has no place is not computed.
struct OutputPlaces: @unchecked Sendable {
    var logits: Matrix?  // [B, C], [T, C] or [B, 1]
    var spans: (start: Matrix, end: Matrix)?  // [T, 1] each
    var predictions: (logits: Matrix, rows: PredictionRows)?  // [R, V]
    var nextSentence: Matrix?  // [B, 2]
    var replacedTokens: Matrix?  // [T, 1]
    var pooled: Matrix?  // [B, H]
    var last: Matrix?  // [T, H]
    /// The last layer's output for the token that stands for each sequence.
    var standing: Matrix?  // [B, H]
    var hiddenStates: [Matrix] = []  // [T, H]
    /// By layer, one column: sequence after sequence `[N, n, n]`.
    var attentions: (layers: [Matrix], offsets: AttentionOffsets)?

    var intermediate: (selection: IntermediateSelection, outputs: IntermediateOutputs)?

    /// Whether a layer has to give every token its scores, of which probabilities are made if anybody
    /// asked for those.
    func scores(ofLayer layer: Int) -> UnsafeMutablePointer<Float>? {
        attentions?.layers[layer].base ?? intermediate?.outputs.attentionScores[layer]
    }

    /// The places of a layer's scores within the batch's.
    var scoreBlocks: AttentionOffsets? { attentions?.offsets ?? intermediate?.outputs.blocks }

    /// Whether nothing is read but intermediate outputs, so that layers above them are not needed.
    var onlyIntermediate: Bool {
        intermediate != nil && logits == nil && spans == nil && predictions == nil
            && nextSentence == nil && replacedTokens == nil && pooled == nil && last == nil
            && standing == nil
            && hiddenStates.isEmpty && attentions == nil
    }

    /// Whether the last layer needs to compute more than each sequence's first token.
    func readEveryToken(_ head: Head, layerCount: Int) -> Bool {
        if let selection = intermediate?.selection,
            selection.readsEveryToken(ofLayer: layerCount - 1)
        {
            return true
        }
        return (logits != nil && head.readsEveryToken) || spans != nil || predictions != nil
            || replacedTokens != nil || last != nil || !hiddenStates.isEmpty || attentions != nil
    }

    /// Whether something is made from the pooled first tokens.
    func readPooled(_ head: Head) -> Bool {
        (logits != nil && !head.readsEveryToken) || nextSentence != nil || pooled != nil
    }
}

/// The rows of a batch whose word pieces are predicted.
enum PredictionRows: Sendable {
    case all(Int)
    /// Ascending, without repetition.
    case some([Int])

    var count: Int {
        switch self {
        case .all(let count): count
        case .some(let rows): rows.count
        }
    }

    /// The rows that lie in a shard, as numbers of the outputs' rows.
    func outputs(in rows: Range<Int>) -> Range<Int> {
        switch self {
        case .all: rows
        case .some(let chosen):
            Self.place(rows.lowerBound, chosen)..<Self.place(rows.upperBound, chosen)
        }
    }

    subscript(output: Int) -> Int {
        switch self {
        case .all: output
        case .some(let rows): rows[output]
        }
    }

    /// The number of chosen rows before `row`.
    private static func place(_ row: Int, _ chosen: [Int]) -> Int {
        var (low, high) = (0, chosen.count)
        while low < high {
            let middle = (low + high) / 2
            if chosen[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Memory for outputs that become tensors when the pass is done.
final class OutputBuffers {
    private var buffers: [FloatBuffer] = []

    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
        let buffer = FloatBuffer(count: rows * columns)
        buffers.append(buffer)
        return buffer.matrix(rows: rows, columns: columns)
    }
}

extension Tensor {
    /// A copy, as a vector or a matrix.
    init(_ matrix: Matrix, asVector: Bool = false) {
        self.init(
            shape: asVector ? [matrix.rows] : [matrix.rows, matrix.columns],
            values: matrix.values
        )
    }
}
