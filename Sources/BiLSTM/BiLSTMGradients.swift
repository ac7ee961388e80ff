import Bert
import Kernels

/// The gradients of all of a BiLSTM's parameters: dense memory for everything but the embeddings, whose
/// gradient has rows only for the pieces that occurred.
///
/// A class because its identity is the memory.
public final class BiLSTMGradients: @unchecked Sendable {
    public let layout: BiLSTMLayout
    private let dense: FloatBuffer
    private var words: WordRows
    let views: BiLSTMViews

    public init(_ layout: BiLSTMLayout) {
        self.layout = layout
        let arena = layout.arena
        dense = FloatBuffer(
            count: arena.count,
            touched: arena.count - arena.vocabularySize * arena.width
        )
        views = BiLSTMViews(layout, base: dense.base)
        words = WordRows(
            vocabularySize: layout.arena.vocabularySize,
            width: layout.arena.width
        )
    }

    /// Laid out as the weights; the embeddings' part is not used.
    public var denseBase: UnsafeMutablePointer<Float> { dense.base }
    /// The word pieces that have a gradient row, in order of first occurrence.
    public var wordIDs: [Int32] { words.ids }
    /// The gradient of word piece `wordIDs[index]`, `[E]`.
    public func wordRow(_ index: Int) -> UnsafeMutablePointer<Float> { words.row(index) }
    /// The embeddings' gradient as a full matrix, `[V, E]` row-major.
    public func embeddings() -> [Float] { words.matrix() }

    func reset() { words.reset() }
    func plan(_ ids: [Int32]) -> WordRowPlan { words.plan(ids) }
}
