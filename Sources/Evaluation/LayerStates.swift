public import Bert
public import Datasets
public import Kernels
import Tensors
public import Tokenization

/// What an encoder's layers put out for some examples, kept for comparisons with another's.
public struct LayerStates: Sendable {
    /// The embeddings, then each layer's output: `[T, H]` each.
    let states: [[Float]]
    let products: [InnerProducts]
    /// By layer, the attention probabilities: sequence after sequence `[N, n, n]`.
    let attentions: [[Float]]
    /// By layer, N.
    let heads: [Int]
    let width: Int
    let lengths: [Int]

    public var layerCount: Int { states.count - 1 }

    /// Tokens beyond which no example is taken.
    public static let fewTokens = 512

    /// Runs the model on a batch of a few hundred tokens.
    ///
    /// - Returns: nil for fewer than 4 tokens, which say nothing of how alike two models are.
    public init?(_ model: BertModel, _ batch: PackedBatch, pool: WorkerPool) {
        guard batch.tokenCount > 3 else { return nil }
        let inference = BertInference(model, pool: pool, packing: false)
        let outputs = inference.outputs(batch, [.hiddenStates, .attentions])
        width = model.configuration.hiddenSize
        heads = (0..<model.configuration.hiddenLayerCount).map {
            model.configuration.headCount(ofLayer: $0)
        }
        let width = width
        states = (outputs.hiddenStates ?? []).map(\.values)
        products = states.map { InnerProducts($0, width: width) }
        attentions = (outputs.attentions ?? []).map(\.values)
        lengths = zip(batch.offsets, batch.offsets.dropFirst()).map { $1 - $0 }
    }

    /// Examples evenly spread over the data, with at most ``fewTokens`` tokens together.
    public static func examples(_ data: EncodedDataset) -> [Int] {
        let mean = max(1, data.tokenCount / max(1, data.count))
        let wanted = min(data.count, max(1, fewTokens / mean))
        var (tokens, examples) = (0, [Int]())
        for index in 0..<wanted {
            let example = index * data.count / wanted
            tokens += data.length(of: example)
            guard tokens <= fewTokens || examples.isEmpty else { break }
            examples.append(example)
        }
        return examples
    }

    /// A student's layers beside these, its teacher's.
    ///
    /// - Parameter layerMap: the layers that are compared, from 1.
    /// - Returns: nil if the student read the texts as other pieces.
    public func similarity(
        to student: LayerStates,
        layerMap: [(student: Int, teacher: Int)]
    ) -> LayerSimilarity? {
        guard student.lengths == lengths else { return nil }
        let pairs = [(student: 0, teacher: 0)] + layerMap
        return LayerSimilarity(
            alignment: products.map { own in student.products.map { own.alignment($0) } },
            pairs: pairs.map { layer, teacher in
                LayerSimilarity.Pair(
                    teacher: teacher,
                    student: layer,
                    cosine: width == student.width
                        ? LayerComparison.meanCosine(
                            states[teacher],
                            student.states[layer],
                            width: width
                        ) : nil,
                    attentionKL: layer == 0
                        ? nil
                        : LayerComparison.attentionKL(
                            teacher: attentions[teacher - 1],
                            heads: heads[teacher - 1],
                            student: student.attentions[layer - 1],
                            heads: student.heads[layer - 1],
                            lengths: lengths
                        )
                )
            },
            tokenCount: lengths.reduce(0, +)
        )
    }
}
