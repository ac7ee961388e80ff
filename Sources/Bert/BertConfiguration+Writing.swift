public import Checkpoints
public import Tensors

extension BertConfiguration {
    /// The configuration as the library's class of this model and head writes it, for weights in
    /// 32-bit floats.
    public var json: JSONValue { json(elementType: .float32) }

    /// The configuration as the library's class of this model and head writes it, with every key,
    /// those at their default included: several readers have no defaults.
    ///
    /// The tanh GELU is always called `gelu_new`, the one name that TensorFlow's classes know.
    ///
    /// - Parameter elementType: what the weights beside it are stored as.
    /// - Precondition: the element type is a floating-point one.
    public func json(elementType: ElementType) -> JSONValue {
        var members = shared(elementType)
        members.merge(family == .distilbert ? distilbertMembers : bertMembers) { $1 }
        if family == .electra { members.merge(electraMembers) { $1 } }
        if head.hasLabels { members.merge(labelMembers) { $1 } }
        members["pruned_heads"] = prunedHeadsJSON
        if head == .sequenceClassification {
            members["problem_type"] = .string(
                problemType == .regression ? "regression" : "single_label_classification"
            )
        }
        return .object(members)
    }

    /// What every family's file has, under the family's own names.
    private func shared(_ elementType: ElementType) -> [String: JSONValue] {
        let keys = ConfigurationKeys(family)
        let activationName =
            switch activation {
            case .gelu: "gelu"
            case .geluTanh: "gelu_new"
            case .relu: "relu"
            }
        let elementName = Self.name(of: elementType)
        return [
            "architectures": .array([.string(head.architecture(of: modelType))]),
            // Version 4 of transformers reads the one, version 5 the other.
            "dtype": .string(elementName),
            "torch_dtype": .string(elementName),
            "initializer_range": .number(initializerRange),
            "max_position_embeddings": .integer(maximumPositionCount),
            "model_type": .string(modelType.rawValue),
            "pad_token_id": .integer(padTokenID),
            "tie_word_embeddings": .bool(true),
            "transformers_version": .string("4.57.6"),
            "vocab_size": .integer(vocabularySize),
            keys.hiddenSize: .integer(hiddenSize),
            keys.hiddenLayerCount: .integer(hiddenLayerCount),
            keys.attentionHeadCount: .integer(attentionHeadCount),
            keys.intermediateSize: .integer(intermediateSize),
            keys.activation: .string(activationName),
            keys.hiddenDropout: .number(hiddenDropoutProbability),
            keys.attentionDropout: .number(attentionDropoutProbability),
            keys.classifierDropout: classifierDropout.map(JSONValue.number) ?? .null,
        ]
    }

    private var bertMembers: [String: JSONValue] {
        [
            "add_cross_attention": .bool(false),
            "bos_token_id": bosTokenID.map(JSONValue.integer) ?? .null,
            "eos_token_id": eosTokenID.map(JSONValue.integer) ?? .null,
            "is_decoder": .bool(false),
            "layer_norm_eps": .number(layerNormEpsilon),
            "position_embedding_type": .string("absolute"),
            "type_vocab_size": .integer(tokenTypeCount),
            "use_cache": .bool(true),
        ]
    }

    private var distilbertMembers: [String: JSONValue] {
        [
            "qa_dropout": .number(questionAnsweringDropout ?? 0.1),
            // Its class has no rule for an absent probability.
            "seq_classif_dropout": .number(classifierDropout ?? hiddenDropoutProbability),
            "sinusoidal_pos_embds": .bool(false),
        ]
    }

    private var electraMembers: [String: JSONValue] {
        [
            "embedding_size": .integer(embeddingSize),
            "summary_activation": .string("gelu"),
            "summary_last_dropout": .number(0.1),
            "summary_type": .string("first"),
            "summary_use_proj": .bool(true),
        ]
    }

    private var labelMembers: [String: JSONValue] {
        var identifiers: [String: JSONValue] = [:]
        var names: [String: JSONValue] = [:]
        for (index, label) in labels.enumerated() {
            identifiers[label] = .integer(index)
            names[String(index)] = .string(label)
        }
        return ["id2label": .object(names), "label2id": .object(identifiers)]
    }

    private static func name(of elementType: ElementType) -> String {
        switch elementType {
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .float32: "float32"
        case .float64: "float64"
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool:
            preconditionFailure("weights of \(elementType)")
        }
    }
}
