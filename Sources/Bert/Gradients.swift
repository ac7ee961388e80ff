import Kernels
import Tokenization

/// The gradients of all parameters: dense memory for everything but the word embeddings, whose
/// gradient has rows only for the pieces that occurred.
///
/// Where the word embeddings are also a head's decoder, every piece has a row, and all rows are in the
/// dense memory: first the decoder's part is written, then that of the pieces that occurred is added.
///
/// A class because its identity is the memory.
public final class Gradients: @unchecked Sendable {
    /// Laid out as the weights; its word embeddings are used where they are also a decoder.
    public let dense: ParameterBuffer
    private var words: WordRows
    /// Whether the word embeddings are also the decoder of a head.
    private let isTied: Bool
    let views: ModelViews

    public init(_ layout: ParameterLayout) {
        let configuration = layout.configuration
        isTied = configuration.head.predictsPieces
        dense = ParameterBuffer(
            layout,
            touched: isTied ? nil : layout.count - layout.denseStart
        )
        views = ModelViews(dense)
        words = WordRows(
            vocabularySize: configuration.vocabularySize,
            width: configuration.embeddingSize,
            ofAll: isTied ? views.wordEmbeddings : nil
        )
    }

    /// The word pieces that have a gradient row, in order of first occurrence.
    public var wordIDs: [Int32] { words.ids }

    /// The gradient of word piece `wordIDs[index]`, `[E]`.
    public func wordRow(_ index: Int) -> UnsafeMutablePointer<Float> { words.row(index) }

    /// Zeroes what a head that predicts pieces would have written, where nobody asked it to.
    func clearPieces() {
        guard let head = views.predictions else { return }
        head.decoder.clear()
        head.dense.clear()
        head.norm.weight.update(repeating: 0, count: head.norm.size)
        head.norm.bias.update(repeating: 0, count: head.norm.size)
    }

    /// Forgets all word rows; the dense part is overwritten by the next backward pass.
    func reset() { words.reset() }

    /// Makes rows for a batch's pieces and lists, per row, the tokens that add to it.
    func plan(_ ids: [Int32]) -> WordRowPlan { words.plan(ids) }

    /// The word embeddings' gradient as a full matrix, `[V, E]` row-major.
    public func wordEmbeddings() -> [Float] { words.matrix() }
}

extension Linear {
    /// Zeroes gradients.
    fileprivate func clear() {
        weight.update(repeating: 0, count: output * input)
        bias.update(repeating: 0, count: output)
    }
}

/// Per-shard sums of the gradients of biases and layer normalisations, added in shard order at the
/// end, so that the result does not depend on who computed what.
struct VectorGradients: @unchecked Sendable {
    private let memory: FloatBuffer
    private let shardCount: Int
    private let hidden: Int
    private let embedding: Int
    private let inner: Int
    private let classes: Int
    private let layerCount: Int
    /// Floats of the embeddings and the head.
    private let endStride: Int

    init(configuration: BertConfiguration, shardCount: Int) {
        hidden = configuration.hiddenSize
        embedding = configuration.embeddingSize
        inner = configuration.intermediateSize
        classes = configuration.labels.count
        layerCount = configuration.hiddenLayerCount
        self.shardCount = shardCount
        endStride = Self.endCount(configuration)
        memory = FloatBuffer(count: Self.count(configuration, shardCount: shardCount))
    }

    private static func endCount(_ configuration: BertConfiguration) -> Int {
        2 * configuration.embeddingSize + 2 * configuration.hiddenSize
            + configuration.labels.count
    }

    /// The floats of so many shards' sums.
    static func count(_ configuration: BertConfiguration, shardCount: Int) -> Int {
        let layer = 9 * configuration.hiddenSize + configuration.intermediateSize
        return shardCount * (configuration.hiddenLayerCount * layer + endCount(configuration))
    }

    private var layerStride: Int { 9 * hidden + inner }
    private var shardStride: Int { layerCount * layerStride + endStride }

    struct Layer {
        let queryKeyValue: UnsafeMutablePointer<Float>
        let attentionOutput: UnsafeMutablePointer<Float>
        let attentionNorm: LayerNorm
        let intermediate: UnsafeMutablePointer<Float>
        let output: UnsafeMutablePointer<Float>
        let outputNorm: LayerNorm
    }

    func layer(_ layer: Int, shard: Int) -> Layer {
        let base = memory.base + shard * shardStride + layer * layerStride
        return Layer(
            queryKeyValue: base,
            attentionOutput: base + 3 * hidden,
            attentionNorm: LayerNorm(
                weight: base + 4 * hidden,
                bias: base + 5 * hidden,
                size: hidden
            ),
            intermediate: base + 8 * hidden,
            output: base + 8 * hidden + inner,
            outputNorm: LayerNorm(
                weight: base + 6 * hidden,
                bias: base + 7 * hidden,
                size: hidden
            )
        )
    }

    func embeddingNorm(shard: Int) -> LayerNorm {
        let base = memory.base + shard * shardStride + layerCount * layerStride
        return LayerNorm(weight: base, bias: base + embedding, size: embedding)
    }

    func embeddingsProject(shard: Int) -> UnsafeMutablePointer<Float> {
        memory.base + shard * shardStride + layerCount * layerStride + 2 * embedding
    }

    func pooler(shard: Int) -> UnsafeMutablePointer<Float> {
        embeddingsProject(shard: shard) + hidden
    }

    func classifier(shard: Int) -> UnsafeMutablePointer<Float> {
        pooler(shard: shard) + hidden
    }

    /// How many floats `reduce` reads and writes.
    var reducedFloats: Int { memory.count + shardStride }

    /// Writes (or adds) every shard's sums to the gradients, in shard order.
    func reduce(into views: ModelViews, accumulate: Bool) {
        func sum(
            _ target: UnsafeMutablePointer<Float>,
            _ count: Int,
            _ part: (Int) -> UnsafeMutablePointer<Float>
        ) {
            if !accumulate { target.update(repeating: 0, count: count) }
            for shard in 0..<shardCount { Elementwise.add(target, part(shard), count: count) }
        }
        func sum(_ target: LayerNorm, _ part: (Int) -> LayerNorm) {
            sum(target.weight, target.size) { part($0).weight }
            sum(target.bias, target.size) { part($0).bias }
        }
        for (index, layer) in views.layers.enumerated() {
            sum(layer.queryKeyValue.bias, layer.queryKeyValue.output) {
                self.layer(index, shard: $0).queryKeyValue
            }
            sum(layer.attentionOutput.bias, hidden) {
                self.layer(index, shard: $0).attentionOutput
            }
            sum(layer.attentionNorm) { self.layer(index, shard: $0).attentionNorm }
            sum(layer.intermediate.bias, inner) { self.layer(index, shard: $0).intermediate }
            sum(layer.output.bias, hidden) { self.layer(index, shard: $0).output }
            sum(layer.outputNorm) { self.layer(index, shard: $0).outputNorm }
        }
        sum(views.embeddingNorm) { embeddingNorm(shard: $0) }
        if let bias = views.embeddingsProject?.bias {
            sum(bias, hidden) { embeddingsProject(shard: $0) }
        }
        if let bias = views.pooler?.bias { sum(bias, hidden) { pooler(shard: $0) } }
        if let bias = views.classifier?.bias { sum(bias, classes) { classifier(shard: $0) } }
    }
}
