public import Checkpoints

/// The shape and constants of a model and what its task head answers: `config.json`.
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

    /// What a masked-language-model head computes.
    public struct PredictionConstants: Sendable, Equatable {
        public let activation: Activation
        public let layerNormEpsilon: Double

        public init(activation: Activation, layerNormEpsilon: Double) {
            self.activation = activation
            self.layerNormEpsilon = layerNormEpsilon
        }
    }

    /// What the head's outputs mean.
    public enum ProblemType: Sendable, Equatable {
        /// One logit per class, softmax over them.
        case classification
        /// One output, the score itself.
        case regression
    }

    /// What `model_type` calls the model; decides the family.
    public var modelType: ModelType
    /// What is on top of the encoder.
    public var head: Head
    /// H, the width of every hidden state.
    public var hiddenSize: Int
    /// L, the number of encoder layers.
    public var hiddenLayerCount: Int
    /// The number of attention heads before any was pruned; divides `hiddenSize`.
    public var attentionHeadCount: Int
    /// By layer from 0, the heads that were taken away, numbered as before any was. No layer is without heads.
    public var prunedHeads: [Int: Set<Int>]
    /// I, the width of the feed-forward layer.
    public var intermediateSize: Int
    /// V, the rows of the word embeddings.
    public var vocabularySize: Int
    /// P, the rows of the position embeddings; `longestSequence` of them can be used.
    public var maximumPositionCount: Int
    /// The rows of the token type embeddings; 0 when the family has none. A table of one row takes
    /// every token.
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
    /// DistilBERT's dropout before `qa_outputs`; others have no such key.
    public var questionAnsweringDropout: Double?
    /// The standard deviation of new weights.
    public var initializerRange: Double
    public var padTokenID: Int
    /// The pieces that begin and end a text, where the configuration names them.
    public var bosTokenID: Int?
    public var eosTokenID: Int?
    /// The labels in the order of the classifier's outputs; one for regression. Of no meaning for a
    /// head without labels.
    public var labels: [String]
    public var problemType: ProblemType
    /// The masked-language-model head's own constants, where they are not those of the encoder
    /// (KerasHub); no `config.json` can say them.
    public var predictionConstants: PredictionConstants?
    /// Keys of the file that BertKit does not know, kept for inspection and not written back.
    public var raw: [String: JSONValue]
    /// The width of the embeddings where it is not `hiddenSize`.
    private var factorizedSize: Int?

    /// - Parameter embeddingSize: nil for `hiddenSize`.
    public init(
        modelType: ModelType = .bert,
        head: Head = .sequenceClassification,
        hiddenSize: Int,
        embeddingSize: Int? = nil,
        hiddenLayerCount: Int,
        attentionHeadCount: Int,
        prunedHeads: [Int: Set<Int>] = [:],
        intermediateSize: Int,
        vocabularySize: Int,
        maximumPositionCount: Int,
        tokenTypeCount: Int,
        layerNormEpsilon: Double,
        activation: Activation,
        hiddenDropoutProbability: Double,
        attentionDropoutProbability: Double,
        classifierDropout: Double?,
        questionAnsweringDropout: Double? = nil,
        initializerRange: Double,
        padTokenID: Int,
        bosTokenID: Int? = nil,
        eosTokenID: Int? = nil,
        labels: [String],
        problemType: ProblemType,
        raw: [String: JSONValue] = [:]
    ) {
        self.modelType = modelType
        self.head = head
        self.hiddenSize = hiddenSize
        self.hiddenLayerCount = hiddenLayerCount
        self.attentionHeadCount = attentionHeadCount
        self.prunedHeads = prunedHeads
        self.intermediateSize = intermediateSize
        self.vocabularySize = vocabularySize
        self.maximumPositionCount = maximumPositionCount
        self.tokenTypeCount = tokenTypeCount
        self.layerNormEpsilon = layerNormEpsilon
        self.activation = activation
        self.hiddenDropoutProbability = hiddenDropoutProbability
        self.attentionDropoutProbability = attentionDropoutProbability
        self.classifierDropout = classifierDropout
        self.questionAnsweringDropout = questionAnsweringDropout
        self.initializerRange = initializerRange
        self.padTokenID = padTokenID
        self.bosTokenID = bosTokenID
        self.eosTokenID = eosTokenID
        self.labels = labels
        self.problemType = problemType
        self.raw = raw
        if let embeddingSize { self.embeddingSize = embeddingSize }
    }

    /// The width of the embeddings. ELECTRA may have it narrower than `hiddenSize`, with
    /// `embeddings_project` between; otherwise it follows `hiddenSize`.
    public var embeddingSize: Int {
        get { factorizedSize ?? hiddenSize }
        set { factorizedSize = newValue == hiddenSize ? nil : newValue }
    }
}
