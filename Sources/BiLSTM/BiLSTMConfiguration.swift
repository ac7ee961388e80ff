public import Bert

/// What a one-layer bidirectional LSTM classifier is.
///
/// Word-piece embeddings, an LSTM in either direction, their final states joined, one hidden layer with
/// ReLU, and the outputs. A model of pairs encodes both texts alike and joins [a, b, a ⊙ b, |a − b|].
///
/// - Source: Tang et al. 2019, "Distilling Task-Specific Knowledge from BERT into Simple Neural
///   Networks".
public struct BiLSTMConfiguration: Sendable, Hashable {
    /// The `model_type` of its `config.json`.
    public static let modelType = "bilstm"

    public var vocabularySize: Int
    /// Of a word piece.
    public var embeddingSize: Int
    /// Of the LSTM in each direction.
    public var units: Int
    /// Of the hidden layer.
    public var hiddenSize: Int
    /// Whether an example is two texts; else it is one.
    public var readsPairs: Bool
    /// Of embeddings and of the hidden layer's outputs in training, in [0, 1).
    public var dropout: Double
    public var labels: [String]
    public var problemType: BertConfiguration.ProblemType

    public init(
        vocabularySize: Int,
        embeddingSize: Int,
        units: Int,
        hiddenSize: Int,
        readsPairs: Bool,
        dropout: Double,
        labels: [String],
        problemType: BertConfiguration.ProblemType
    ) {
        precondition(vocabularySize > 0 && embeddingSize > 0 && units > 0 && hiddenSize > 0)
        precondition(dropout >= 0 && dropout < 1 && !labels.isEmpty)
        self.vocabularySize = vocabularySize
        self.embeddingSize = embeddingSize
        self.units = units
        self.hiddenSize = hiddenSize
        self.readsPairs = readsPairs
        self.dropout = dropout
        self.labels = labels
        self.problemType = problemType
    }

    /// What the hidden layer reads: both directions' final states, of pairs four times as many.
    public var featureCount: Int { readsPairs ? 8 * units : 2 * units }

    /// Floating-point operations per token of a forward pass, a multiply and an add counting two:
    /// 2 · 2 · 4U · (E + U), the input's and the recurrent product in both directions. As for encoders,
    /// embeddings, what is element-wise, and the layers behind the final states are left out.
    public var operationsPerToken: Double {
        16 * Double(units) * Double(embeddingSize + units)
    }
}
