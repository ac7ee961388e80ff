public import Checkpoints

/// The shape and constants of a BERT model and what its task head answers: `config.json`.
public struct BertConfiguration: Sendable, Equatable {
    /// The feed-forward activation. The two GELUs differ by up to 5e-4 per value.
    public enum Activation: Sendable, Equatable {
        /// x · Φ(x) with the error function; `gelu` in Hugging Face configurations.
        case gelu
        /// The tanh approximation, with the name the configuration gave it (`gelu_new` or
        /// `gelu_pytorch_tanh`: the same function).
        case geluTanh(name: String)
        case relu

        /// The name in `config.json`.
        public var name: String {
            switch self {
            case .gelu: "gelu"
            case .geluTanh(let name): name
            case .relu: "relu"
            }
        }
    }

    /// What the head's outputs mean.
    public enum ProblemType: Sendable, Equatable {
        /// One logit per class, softmax over them.
        case classification
        /// One output, the score itself.
        case regression
    }

    /// H, the width of every hidden state.
    public var hiddenSize: Int
    /// L, the number of encoder layers.
    public var hiddenLayerCount: Int
    /// N, the number of attention heads; divides `hiddenSize`.
    public var attentionHeadCount: Int
    /// I, the width of the feed-forward layer.
    public var intermediateSize: Int
    /// V, the rows of the word embeddings.
    public var vocabularySize: Int
    /// P, the rows of the position embeddings: the longest sequence.
    public var maximumPositionCount: Int
    /// T, the rows of the token type embeddings.
    public var tokenTypeCount: Int
    /// Added to the variance in every layer normalisation.
    public var layerNormEpsilon: Double
    public var activation: Activation
    /// Dropout after the embeddings and after each output projection, while training.
    public var hiddenDropoutProbability: Double
    /// Dropout on the attention probabilities, while training.
    public var attentionDropoutProbability: Double
    /// Dropout before the classifier; `nil` means `hiddenDropoutProbability`.
    public var classifierDropout: Double?
    /// The standard deviation of new weights.
    public var initializerRange: Double
    public var padTokenID: Int
    /// The labels in the order of the classifier's outputs; one for regression.
    public var labels: [String]
    public var problemType: ProblemType
    /// Keys of the file that BertKit does not know, kept for inspection and not written back.
    public var raw: [String: JSONValue]

    public init(
        hiddenSize: Int,
        hiddenLayerCount: Int,
        attentionHeadCount: Int,
        intermediateSize: Int,
        vocabularySize: Int,
        maximumPositionCount: Int,
        tokenTypeCount: Int,
        layerNormEpsilon: Double,
        activation: Activation,
        hiddenDropoutProbability: Double,
        attentionDropoutProbability: Double,
        classifierDropout: Double?,
        initializerRange: Double,
        padTokenID: Int,
        labels: [String],
        problemType: ProblemType,
        raw: [String: JSONValue] = [:]
    ) {
        self.hiddenSize = hiddenSize
        self.hiddenLayerCount = hiddenLayerCount
        self.attentionHeadCount = attentionHeadCount
        self.intermediateSize = intermediateSize
        self.vocabularySize = vocabularySize
        self.maximumPositionCount = maximumPositionCount
        self.tokenTypeCount = tokenTypeCount
        self.layerNormEpsilon = layerNormEpsilon
        self.activation = activation
        self.hiddenDropoutProbability = hiddenDropoutProbability
        self.attentionDropoutProbability = attentionDropoutProbability
        self.classifierDropout = classifierDropout
        self.initializerRange = initializerRange
        self.padTokenID = padTokenID
        self.labels = labels
        self.problemType = problemType
        self.raw = raw
    }

    /// D, the width of one attention head.
    public var headSize: Int { hiddenSize / attentionHeadCount }
}
