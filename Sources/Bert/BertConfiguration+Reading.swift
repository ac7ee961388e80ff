import Checkpoints
public import Diagnostics
public import Foundation

/// A `config.json` as it was read.
public struct BertConfigurationFile: Sendable {
    public let configuration: BertConfiguration
    /// The classes the file names, such as `BertForSequenceClassification`.
    public let architectures: [String]
    /// Values that the file leaves out and Hugging Face's documented default stands in for, as
    /// sentences. Sizes, the activation and the epsilon have no defaults.
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
        try Self.checkKind(&fields)
        architectures = try fields.strings("architectures")

        let hidden = try fields.size("hidden_size", 1...65_536)
        let heads = try fields.size("num_attention_heads", 1...65_536)
        guard hidden.isMultiple(of: heads) else {
            throw fields.problem(
                "\"hidden_size\" \(hidden) is not a multiple of \"num_attention_heads\" \(heads)"
            )
        }
        let vocabulary = try fields.size("vocab_size", 1...10_000_000)
        let (labels, problem) = try Self.labels(&fields)
        let activation = try Self.activation(&fields)
        var configuration = BertConfiguration(
            hiddenSize: hidden,
            hiddenLayerCount: try fields.size("num_hidden_layers", 1...1_000),
            attentionHeadCount: heads,
            intermediateSize: try fields.size("intermediate_size", 1...1_000_000),
            vocabularySize: vocabulary,
            maximumPositionCount: try fields.size("max_position_embeddings", 1...1_000_000),
            tokenTypeCount: try fields.size("type_vocab_size", 1...1_000),
            layerNormEpsilon: try fields.number("layer_norm_eps", 1e-30...1),
            activation: activation,
            hiddenDropoutProbability: try fields.dropout("hidden_dropout_prob", default: 0.1),
            attentionDropoutProbability: try fields.dropout(
                "attention_probs_dropout_prob",
                default: 0.1
            ),
            classifierDropout: try fields.optionalDropout("classifier_dropout"),
            initializerRange: try fields.number("initializer_range", 0...1, default: 0.02),
            padTokenID: try fields.size("pad_token_id", 0...vocabulary - 1, default: 0),
            labels: labels,
            problemType: problem
        )
        configuration.raw = fields.unread
        self.configuration = configuration
        assumptions = fields.assumptions
    }

    /// Refuses models that are not what this package computes.
    private static func checkKind(_ fields: inout Fields) throws(Failure) {
        let kind = try fields.text("model_type")
        guard kind == "bert" else {
            let isKeras = fields.has("registered_name")
            throw fields.problem(
                kind.map { "\"model_type\" is \"\(printable($0))\", not \"bert\"" }
                    ?? (isKeras
                        ? "this is a Keras configuration, not Hugging Face's"
                        : "there is no \"model_type\"")
            )
        }
        let positions = try fields.text("position_embedding_type") ?? "absolute"
        guard positions == "absolute" else {
            throw fields.problem(
                "\"position_embedding_type\" is \"\(printable(positions))\", not \"absolute\""
            )
        }
        for key in ["is_decoder", "add_cross_attention"] where try fields.flag(key) {
            throw fields.problem("\"\(key)\" is true: this is not an encoder")
        }
        if case .object(let pruned)? = fields.take("pruned_heads"), !pruned.isEmpty {
            throw fields.problem("\"pruned_heads\" is not empty: pruned models are not read")
        }
        // Written by the library about itself; they change no number here.
        for key in [
            "transformers_version", "dtype", "torch_dtype", "use_cache", "bos_token_id",
            "eos_token_id", "tie_word_embeddings",
        ] { _ = fields.take(key) }
    }

    private static func activation(
        _ fields: inout Fields
    ) throws(Failure) -> BertConfiguration.Activation {
        switch try fields.text("hidden_act") {
        case "gelu": return .gelu
        case "relu": return .relu
        case "gelu_new": return .geluTanh(name: "gelu_new")
        case "gelu_pytorch_tanh": return .geluTanh(name: "gelu_pytorch_tanh")
        case nil: throw fields.problem("there is no \"hidden_act\"")
        case let other?:
            throw fields.problem(
                "\"hidden_act\" is \"\(printable(other))\"; BertKit computes gelu, gelu_new, "
                    + "gelu_pytorch_tanh and relu"
            )
        }
    }
}
