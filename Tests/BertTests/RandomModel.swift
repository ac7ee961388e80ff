import Bert
import Kernels
import Randomness
import Tokenization

/// A model of several shards' work with random weights, and batches for it.
enum RandomModel {
    static let configuration = BertConfiguration(
        hiddenSize: 48,
        hiddenLayerCount: 3,
        attentionHeadCount: 4,
        intermediateSize: 100,
        vocabularySize: 211,
        maximumPositionCount: 80,
        tokenTypeCount: 2,
        layerNormEpsilon: 1e-12,
        activation: .gelu,
        hiddenDropoutProbability: 0.1,
        attentionDropoutProbability: 0.1,
        classifierDropout: nil,
        initializerRange: 0.2,
        padTokenID: 0,
        labels: ["a", "b", "c"],
        problemType: .classification
    )

    static func model() -> BertModel { BertModel(configuration, seed: 3) }

    /// Random ids; the lengths are random up to 70 unless given.
    static func encodings(_ count: Int, seed: UInt64, lengths: [Int] = []) -> [Encoding] {
        var random = Philox(seed: seed, purpose: .sampling)
        return (0..<count).map { index in
            let length = index < lengths.count ? lengths[index] : Int.random(in: 2...70, using: &random)
            let split = Int.random(in: 1...length, using: &random)
            return Encoding(
                ids: (0..<length).map { _ in Int32.random(in: 0..<211, using: &random) },
                tokenTypes: (0..<length).map { $0 < split ? 0 : 1 },
                truncated: 0
            )
        }
    }

    static func batch(_ count: Int, seed: UInt64) -> PackedBatch {
        PackedBatch(encodings(count, seed: seed))
    }

    /// A gradient of the logits that no symmetry hides.
    static func cotangent(_ batch: PackedBatch) -> OutputGradients {
        var random = Philox(seed: 77, purpose: .sampling)
        let count = batch.sequenceCount * configuration.labels.count
        return OutputGradients(logits: (0..<count).map { _ in random.nextUniform() - 0.5 })
    }
}
