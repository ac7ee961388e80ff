import Bert
import Checkpoints
import Tensors
import Tokenization

/// The JSON files of a KerasHub preset.
///
/// Labels have no place in them: a classifier knows how many classes there are, not what they mean.
struct KerasHubPreset {
    let configuration: BertConfiguration
    let elementType: ElementType
    let tokenizer: TokenizerConfiguration?

    /// Names and contents of every file but the weights and the vocabulary.
    var files: [(name: String, value: JSONValue)] {
        var files = [("config.json", backbone), ("metadata.json", metadata)]
        if let task { files.append(("task.json", task)) }
        if tokenizer != nil {
            files.append(("tokenizer.json", bertTokenizer))
            if taskKind != nil { files.append(("preprocessor.json", preprocessor)) }
        }
        return files
    }

    private func object(
        _ module: String,
        _ name: String,
        _ config: [String: JSONValue]
    ) -> JSONValue {
        .object([
            "module": .string("keras_hub.src.models.bert.\(module)"),
            "class_name": .string(name),
            "config": .object(config.merging(["name": .string(module)]) { $1 }),
            "registered_name": .string("keras_hub>\(name)"),
        ])
    }

    private func policy(_ name: String) -> JSONValue {
        .object([
            "module": .string("keras"),
            "class_name": .string("DTypePolicy"),
            "config": .object(["name": .string(name)]),
            "registered_name": .null,
        ])
    }

    private var typeName: String {
        switch elementType {
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        default: "float32"
        }
    }

    private var backbone: JSONValue {
        object(
            "bert_backbone",
            "BertBackbone",
            [
                "trainable": .bool(true),
                "dtype": policy(typeName),
                "vocabulary_size": .integer(configuration.vocabularySize),
                "num_layers": .integer(configuration.hiddenLayerCount),
                "num_heads": .integer(configuration.attentionHeadCount),
                "hidden_dim": .integer(configuration.hiddenSize),
                "intermediate_dim": .integer(configuration.intermediateSize),
                "dropout": .number(configuration.hiddenDropoutProbability),
                "max_sequence_length": .integer(configuration.maximumPositionCount),
                "num_segments": .integer(configuration.tokenTypeCount),
            ]
        )
    }

    private var metadata: JSONValue {
        let count = BertParameters<Shape>(configuration).leaves.reduce(0) { $0 + $1.leaf.count }
        return .object([
            "keras_version": .string("3.15.1"),
            "keras_hub_version": .string("0.32.0"),
            "parameter_count": .integer(count),
            "tasks": .array(["MaskedLM", "TextClassifier", "TextEmbedder"].map(JSONValue.string)),
        ])
    }

    private var taskKind: (module: String, name: String)? {
        switch configuration.head {
        case .sequenceClassification: ("bert_text_classifier", "BertTextClassifier")
        case .maskedLanguageModel: ("bert_masked_lm", "BertMaskedLM")
        default: nil
        }
    }

    private var task: JSONValue? {
        guard let kind = taskKind else { return nil }
        var config: [String: JSONValue] = [
            "backbone": backbone,
            "preprocessor": tokenizer == nil ? .null : preprocessor,
        ]
        if configuration.head == .sequenceClassification {
            config["num_classes"] = .integer(configuration.labels.count)
            config["activation"] = .string("linear")
            config["dropout"] = .number(
                configuration.classifierDropout ?? configuration.hiddenDropoutProbability
            )
        }
        return object(kind.module, kind.name, config)
    }

    private var preprocessor: JSONValue {
        let kind = taskKind ?? ("bert_text_classifier", "BertTextClassifier")
        var config: [String: JSONValue] = [
            "trainable": .bool(true),
            "dtype": policy("float32"),
            "tokenizer": bertTokenizer,
            "config_file": .string("preprocessor.json"),
            "sequence_length": .integer(configuration.maximumPositionCount),
            "truncate": .string("round_robin"),
        ]
        if configuration.head == .maskedLanguageModel {
            config["mask_selection_rate"] = .number(0.15)
            config["mask_selection_length"] = .integer(
                min(96, configuration.maximumPositionCount)
            )
            config["mask_token_rate"] = .number(0.8)
            config["random_token_rate"] = .number(0.1)
        }
        return object("\(kind.module)_preprocessor", "\(kind.name)Preprocessor", config)
    }

    private var bertTokenizer: JSONValue {
        object(
            "bert_tokenizer",
            "BertTokenizer",
            [
                "trainable": .bool(true),
                "dtype": policy("int32"),
                "config_file": .string("tokenizer.json"),
                "vocabulary": .null,
                "sequence_length": .null,
                "lowercase": .bool(tokenizer?.lowercase ?? true),
                // Keras strips accents only where it is told to, Hugging Face with the case.
                "strip_accents": .bool(tokenizer?.stripsAccents ?? true),
                "split": .bool(true),
                "suffix_indicator": .string("##"),
                "oov_token": .string("[UNK]"),
                "special_tokens": .null,
                "special_tokens_in_strings": .bool(false),
            ]
        )
    }
}
