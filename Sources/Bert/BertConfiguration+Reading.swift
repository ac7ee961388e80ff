import Checkpoints
public import Diagnostics
public import Foundation

/// A `config.json` as it was read.
public struct BertConfigurationFile: Sendable {
    public var configuration: BertConfiguration
    /// The classes the file names, such as `BertForSequenceClassification`.
    public let architectures: [String]
    /// The head of the first of these classes; nil when the file names none, or one that is none of
    /// the library's. The configuration then says `sequenceClassification`, and the tensors decide.
    public let namedHead: Head?
    /// Values that the file leaves out and Hugging Face's documented default stands in for, as
    /// sentences. Sizes and the activation have no defaults; the epsilon is 1e-12, as the first BERT
    /// had it before it was a key: TinyBERT's files leave it out.
    public let assumptions: [String]

    /// Reads a configuration, strictly: a key that is absent, of another type, out of range or in
    /// contradiction with another is a `Failure` that names the file, the key and what was found.
    public init(contentsOf url: URL) throws(Failure) {
        try self.init(bytes: try readFile(url), source: url.relativePath)
    }

    /// - Parameter source: the file, for messages.
    public init(bytes: [UInt8], source: String) throws(Failure) {
        guard case .object(let members) = try JSONValue.parse(bytes, source: source) else {
            throw Failure(.badData, source, "the configuration is not a JSON object")
        }
        var fields = Fields(members, source: source)
        let type = try Self.modelType(&fields)
        let (family, keys) = (type.family, ConfigurationKeys(type.family))
        try Self.checkIsEncoder(&fields)
        architectures = try fields.strings("architectures")
        namedHead = try Self.head(architectures, type, fields)
        let head = namedHead ?? .sequenceClassification
        try Self.checkIsComputed(head, family, &fields)

        let hidden = try fields.size(keys.hiddenSize, 1...65_536)
        let heads = try fields.size(keys.attentionHeadCount, 1...65_536)
        guard hidden.isMultiple(of: heads) else {
            throw fields.problem(
                "\"\(keys.hiddenSize)\" \(hidden) is not a multiple of "
                    + "\"\(keys.attentionHeadCount)\" \(heads)"
            )
        }
        let layers = try fields.size(keys.hiddenLayerCount, 1...1_000)
        let vocabulary = try fields.size("vocab_size", 1...10_000_000)
        let (labels, problem) = try Self.labels(&fields, head)
        let activation = try Self.activation(&fields, keys.activation)
        let isDistilBERT = family == .distilbert
        var configuration = BertConfiguration(
            modelType: type,
            head: head,
            hiddenSize: hidden,
            embeddingSize: family == .electra
                ? try fields.size("embedding_size", 1...65_536) : nil,
            hiddenLayerCount: layers,
            attentionHeadCount: heads,
            prunedHeads: try Self.prunedHeads(&fields, layers: layers, heads: heads),
            intermediateSize: try fields.size(keys.intermediateSize, 1...1_000_000),
            vocabularySize: vocabulary,
            maximumPositionCount: try fields.size("max_position_embeddings", 1...1_000_000),
            tokenTypeCount: isDistilBERT ? 0 : try fields.size("type_vocab_size", 1...1_000),
            layerNormEpsilon: isDistilBERT
                ? 1e-12 : try fields.number("layer_norm_eps", 1e-30...1, default: 1e-12),
            activation: activation,
            hiddenDropoutProbability: try fields.dropout(keys.hiddenDropout, default: 0.1),
            attentionDropoutProbability: try fields.dropout(keys.attentionDropout, default: 0.1),
            classifierDropout: isDistilBERT
                ? try fields.dropout(keys.classifierDropout, default: 0.2)
                : try fields.optionalDropout(keys.classifierDropout),
            questionAnsweringDropout: isDistilBERT
                ? try fields.dropout("qa_dropout", default: 0.1) : nil,
            initializerRange: try fields.number("initializer_range", 0...1, default: 0.02),
            padTokenID: try fields.size(
                "pad_token_id",
                0...vocabulary - 1,
                default: family == .roberta ? min(1, vocabulary - 1) : 0
            ),
            bosTokenID: Self.tokenID("bos_token_id", &fields),
            eosTokenID: Self.tokenID("eos_token_id", &fields),
            labels: labels,
            problemType: problem
        )
        guard configuration.longestSequence > 0 else {
            throw fields.problem(
                "\"max_position_embeddings\" \(configuration.maximumPositionCount) leaves no "
                    + "position: the first is \"pad_token_id\" + 1, "
                    + "\(configuration.firstPosition)"
            )
        }
        configuration.raw = fields.unread
        // What lies as int8 in the weights is told by the weights themselves.
        if Int8Scheme.isNamed(by: configuration.raw[Int8Scheme.key]) {
            configuration.raw[Int8Scheme.key] = nil
        }
        self.configuration = configuration
        assumptions = fields.assumptions
    }

    private static func activation(
        _ fields: inout Fields,
        _ key: String
    ) throws(Failure) -> BertConfiguration.Activation {
        switch try fields.text(key) {
        case "gelu": return .gelu
        case "relu": return .relu
        case "gelu_new": return .geluTanh(name: "gelu_new")
        case "gelu_pytorch_tanh": return .geluTanh(name: "gelu_pytorch_tanh")
        case nil: throw fields.problem("there is no \"\(key)\"")
        case let other?:
            throw fields.problem(
                "\"\(key)\" is \"\(printable(other))\"; BertKit computes gelu, gelu_new, "
                    + "gelu_pytorch_tanh and relu"
            )
        }
    }

    /// These change no number here, so a strange value is no reason to refuse a file.
    private static func tokenID(_ key: String, _ fields: inout Fields) -> Int? {
        guard case .integer(let id)? = fields.take(key), id >= 0 else { return nil }
        return id
    }
}
