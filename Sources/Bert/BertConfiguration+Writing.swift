public import Checkpoints

extension BertConfiguration {
    /// The configuration as `BertForSequenceClassification` of transformers writes it, with every
    /// key, those at their default included: several readers have no defaults.
    ///
    /// The tanh GELU is always called `gelu_new`, the one name that TensorFlow's classes know.
    public var json: JSONValue {
        var identifiers: [String: JSONValue] = [:]
        var names: [String: JSONValue] = [:]
        for (index, label) in labels.enumerated() {
            identifiers[label] = .integer(index)
            names[String(index)] = .string(label)
        }
        let activationName =
            switch activation {
            case .gelu: "gelu"
            case .geluTanh: "gelu_new"
            case .relu: "relu"
            }
        return .object([
            "add_cross_attention": .bool(false),
            "architectures": .array([.string("BertForSequenceClassification")]),
            "attention_probs_dropout_prob": .number(attentionDropoutProbability),
            "bos_token_id": .null,
            "classifier_dropout": classifierDropout.map(JSONValue.number) ?? .null,
            // Version 4 of transformers reads the one, version 5 the other.
            "dtype": .string("float32"),
            "torch_dtype": .string("float32"),
            "eos_token_id": .null,
            "hidden_act": .string(activationName),
            "hidden_dropout_prob": .number(hiddenDropoutProbability),
            "hidden_size": .integer(hiddenSize),
            "id2label": .object(names),
            "initializer_range": .number(initializerRange),
            "intermediate_size": .integer(intermediateSize),
            "is_decoder": .bool(false),
            "label2id": .object(identifiers),
            "layer_norm_eps": .number(layerNormEpsilon),
            "max_position_embeddings": .integer(maximumPositionCount),
            "model_type": .string("bert"),
            "num_attention_heads": .integer(attentionHeadCount),
            "num_hidden_layers": .integer(hiddenLayerCount),
            "pad_token_id": .integer(padTokenID),
            "position_embedding_type": .string("absolute"),
            "problem_type": .string(
                problemType == .regression ? "regression" : "single_label_classification"
            ),
            "tie_word_embeddings": .bool(true),
            "transformers_version": .string("4.57.6"),
            "type_vocab_size": .integer(tokenTypeCount),
            "use_cache": .bool(true),
            "vocab_size": .integer(vocabularySize),
        ])
    }
}
