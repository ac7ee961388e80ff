import Kernels

/// What one encoder layer computes for a batch: views that the forward pass fills and the backward
/// pass reads. With `firstTokenOnly` the queries, and all behind them, have one row per sequence:
/// the classification head reads no other row of the last layer.
///
/// Dimension letters: `docs/numerics.md`; R is T, or B with `firstTokenOnly`.
struct LayerActivations: @unchecked Sendable {
    var firstTokenOnly: Bool
    var input: Matrix  // [T, H]
    /// The rows of the input that have a query, and the residual: `input` itself or its gathered rows.
    var queryInput: Matrix  // [R, H]
    var query: Matrix  // [R, A]
    var key: Matrix  // [T, A]
    var value: Matrix  // [T, A]
    /// Log-sum-exp of each sequence's softmax rows, `[N, queries]` at N · (first query row).
    var logSum: UnsafeMutablePointer<Float>?
    /// Unnormalised attention scores, when somebody asked for them.
    var scores: UnsafeMutablePointer<Float>?
    var context: Matrix  // [R, A]
    var attentionSum: Matrix  // [R, H]
    var attentionStatistics: RowStatistics?
    var attended: Matrix  // [R, H]
    var intermediate: Matrix  // [R, I]
    var activated: Matrix  // [R, I]
    var outputSum: Matrix  // [R, H]
    var outputStatistics: RowStatistics?
    var output: Matrix  // [R, H]

    /// Mean and reciprocal deviation of each row of a layer normalisation's input.
    struct RowStatistics {
        let mean: UnsafeMutablePointer<Float>
        let reciprocalDeviation: UnsafeMutablePointer<Float>

        func saved(_ sum: Matrix, _ rows: Range<Int>) -> LayerNorm.Saved {
            LayerNorm.Saved(
                sum: sum.slice(rows),
                mean: mean + rows.lowerBound,
                reciprocalDeviation: reciprocalDeviation + rows.lowerBound
            )
        }
    }
}

/// The places of a batch's `[N, queries, length]` blocks: scores and dropout masks, of layers of any number
/// of heads.
struct AttentionOffsets: Sendable {
    /// By sequence, the pairs of a query and a key before it; then those of all.
    private let pairs: [Int]

    init(batchOffsets: [Int], firstTokenOnly: Bool) {
        var pairs = [0]
        pairs.reserveCapacity(batchOffsets.count)
        var end = 0
        for sequence in 0..<batchOffsets.count - 1 {
            let length = batchOffsets[sequence + 1] - batchOffsets[sequence]
            end += length * (firstTokenOnly ? 1 : length)
            pairs.append(end)
        }
        self.pairs = pairs
    }

    /// The places of sequences' blocks.
    func places(of sequences: Range<Int>, headCount: Int) -> Range<Int> {
        headCount * pairs[sequences.lowerBound]..<headCount * pairs[sequences.upperBound]
    }

    /// The place of a sequence's first element.
    func place(of sequence: Int, headCount: Int) -> Int { headCount * pairs[sequence] }

    /// The elements of all blocks.
    func count(headCount: Int) -> Int { headCount * pairs[pairs.count - 1] }
}

/// The random masks of one forward and backward pass.
struct DropoutPlan: Sendable {
    let seed: UInt64
    let step: UInt32
    let hidden: Float
    let attention: Float
    /// Behind the attention's output projection: `hidden`, but 0 in DistilBERT.
    let projection: Float
    /// On the first tokens that the pooler reads: `classifier` in RoBERTa and ELECTRA, else 0.
    let first: Float
    let classifier: Float

    static let none = DropoutPlan(
        seed: 0,
        step: 0,
        hidden: 0,
        attention: 0,
        projection: 0,
        first: 0,
        classifier: 0
    )

    var embeddings: Dropout { Dropout(probability: hidden, seed: seed, step: step, site: 0) }
    var pooled: Dropout { Dropout(probability: classifier, seed: seed, step: step, site: 1) }
    var firstTokens: Dropout { Dropout(probability: first, seed: seed, step: step, site: 2) }
    func attention(layer: Int) -> Dropout {
        Dropout(probability: attention, seed: seed, step: step, site: UInt32(4 * layer + 4))
    }
    func attentionOutput(layer: Int) -> Dropout {
        Dropout(probability: projection, seed: seed, step: step, site: UInt32(4 * layer + 5))
    }
    func output(layer: Int) -> Dropout {
        Dropout(probability: hidden, seed: seed, step: step, site: UInt32(4 * layer + 6))
    }
}

extension DropoutPlan {
    /// The masks of a step of training.
    init(_ configuration: BertConfiguration, seed: UInt64, step: UInt32) {
        self.seed = seed
        self.step = step
        hidden = Float(configuration.hiddenDropoutProbability)
        attention = Float(configuration.attentionDropoutProbability)
        // DistilBERT's own dropout of the classifier is that of sequences alone.
        let isSequencesAlone =
            configuration.family == .distilbert && configuration.head == .tokenClassification
        let own = isSequencesAlone ? nil : configuration.classifierDropout
        classifier = Float(own ?? configuration.hiddenDropoutProbability)
        projection = configuration.family == .distilbert ? 0 : hidden
        switch configuration.family {
        case .bert, .distilbert: first = 0
        case .roberta, .electra: first = classifier
        }
    }
}
