import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// A configuration and where it comes from.
struct DescribedConfiguration {
    let file: BertConfigurationFile
    /// The file, or what stands for it, as a message names it.
    let origin: String
    /// What was assumed, as sentences.
    let notes: [String]
}

/// Finds a model's configuration: Hugging Face's `config.json`, KerasHub's, Google's
/// `bert_config.json`, the one inside a Keras file, or what the tensors themselves tell.
///
/// Every other form is rewritten to Hugging Face's keys and then read by the one reader of those.
struct ConfigurationFinder {
    let folder: URL
    let weights: WeightsFinder
    let resolution: NameResolution

    func find(_ given: URL?) throws(Failure) -> DescribedConfiguration {
        if let given { return try read(given) }
        if let archive = weights.archive {
            let value = try archive.configuration()
            return try read(value, "config.json of \(archive.source)")
        }
        for name in Self.names {
            let url = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: url.path) { return try read(url) }
        }
        if let text = weights.store.embeddedConfiguration {
            let source = weights.store.source
            return try read(
                try JSONValue.parse(Array(text.utf8), source: source),
                "the model inside \(source)"
            )
        }
        if let inferred = inferredFromKerasHub() {
            return try read(inferred, "the tensors")
        }
        throw Failure(
            .missingInput,
            folder.relativePath,
            "the folder has no config.json",
            remedy: "The weights alone do not say the number of heads, the activation, the "
                + "epsilon or the labels"
        )
    }

    /// Whether the configuration that would be taken is no JSON object.
    var isDamaged: Bool {
        do throws(Failure) {
            if let archive = weights.archive {
                guard case .object = try archive.configuration() else { return true }
                return false
            }
            for name in Self.names {
                let url = folder.appending(path: name)
                guard FileManager.default.fileExists(atPath: url.path) else { continue }
                let value = try JSONValue.parse(try readFile(url), source: url.relativePath)
                guard case .object = value else { return true }
                return false
            }
            return false
        } catch {
            return true
        }
    }

    private static let names = ["config.json", "bert_config.json"]

    private func read(_ url: URL) throws(Failure) -> DescribedConfiguration {
        let bytes = try readFile(url)
        let value = try JSONValue.parse(bytes, source: url.relativePath)
        return try read(value, url.relativePath)
    }

    private func read(
        _ value: JSONValue,
        _ origin: String
    ) throws(Failure) -> DescribedConfiguration {
        guard case .object(let members) = value else {
            throw Failure(.badData, origin, "the configuration is not a JSON object")
        }
        var notes: [String] = []
        let keys: [String: JSONValue]
        var isKerasHub = false
        if members["model_type"] != nil {
            keys = members
        } else if let backbone = KerasConfiguration(value) {
            keys = huggingFace(backbone)
            isKerasHub = true
            notes.append(
                "\(printable(origin)) is KerasHub's: its BERT computes the tanh GELU and an epsilon "
                    + "of 1e-12"
            )
        } else if let inner = KerasConfiguration.huggingFace(in: value) {
            keys = inner
        } else if members["hidden_size"] != nil {
            var google = members
            google["model_type"] = .string("bert")
            if google["layer_norm_eps"] == nil {
                google["layer_norm_eps"] = .number(1e-12)
                notes.append(
                    "\(printable(origin)) has Google's form, which fixes the epsilon at 1e-12"
                )
            }
            // keras-bert computes the tanh form under the name of the exact one.
            if resolution.isKerasBert, google["hidden_act"] == .string("gelu") {
                google["hidden_act"] = .string("gelu_new")
                notes.append("keras-bert's GELU is the tanh form")
            }
            keys = labelled(google)
        } else {
            throw Failure(
                .badData,
                origin,
                "there is no \"model_type\", and it is not the configuration of a BERT in Keras' or "
                    + "Google's form"
            )
        }
        let bytes = Array(JSONValue.object(relabelled(keys)).text().utf8)
        var file = try BertConfigurationFile(bytes: bytes, source: origin)
        if isKerasHub {
            file.configuration.predictionConstants = .init(
                activation: .gelu,
                layerNormEpsilon: 1e-5
            )
        }
        return DescribedConfiguration(
            file: file,
            origin: origin,
            notes: file.assumptions + notes
        )
    }

    /// As many labels as the head has outputs, for forms that do not know the labels.
    private func labelled(_ keys: [String: JSONValue]) -> [String: JSONValue] {
        var keys = keys
        guard keys["num_labels"] == nil, keys["id2label"] == nil, let count = classCount else {
            return keys
        }
        keys["num_labels"] = .integer(count)
        return keys
    }

    /// A configuration of an encoder alone names labels that say nothing about a head that was put on
    /// top of it later.
    private func relabelled(_ keys: [String: JSONValue]) -> [String: JSONValue] {
        if case .array(let names)? = keys["architectures"], case .string(let name)? = names.first,
            !name.hasSuffix("Model")
        {
            return keys
        }
        var labels: [String] = []
        if case .object(let members)? = keys["id2label"] {
            for case .string(let label) in members.values { labels.append(label) }
        }
        guard labels.allSatisfy({ $0.hasPrefix("LABEL_") }) else { return keys }
        var keys = keys
        keys["id2label"] = nil
        keys["label2id"] = nil
        return labelled(keys)
    }

    private var classCount: Int? {
        var named = resolution
        named.nameHead(hiddenSize: nil)
        let head = named.tensors.first { $0.name == "classifier.weight" }
        return head?.shape.dimensions.first
    }

    private func huggingFace(_ keras: KerasConfiguration) -> [String: JSONValue] {
        labelled([
            "model_type": .string("bert"),
            "vocab_size": .integer(keras.vocabularySize),
            "hidden_size": .integer(keras.hiddenSize),
            "num_hidden_layers": .integer(keras.layerCount),
            "num_attention_heads": .integer(keras.headCount),
            "intermediate_size": .integer(keras.intermediateSize),
            "max_position_embeddings": .integer(keras.positionCount),
            "type_vocab_size": .integer(keras.segmentCount),
            "hidden_act": .string("gelu_new"),
            "layer_norm_eps": .number(1e-12),
            "hidden_dropout_prob": .number(keras.dropout),
            "attention_probs_dropout_prob": .number(keras.dropout),
            "initializer_range": .number(0.02),
            "pad_token_id": .integer(0),
        ])
    }

    /// KerasHub's weights tell everything about the model: heads are an axis of their own, and the
    /// activation and the epsilon never vary. What only training reads, the dropout, they do not.
    private func inferredFromKerasHub() -> JSONValue? {
        func tensor(_ name: String) -> Checkpoint.StoredTensor? {
            resolution.tensors.first { $0.name == name }
        }
        guard resolution.naming == .kerasObjects || resolution.naming == .kerasHubLayers,
            let words = tensor(PyTorchNaming.wordEmbeddings),
            let positions = tensor("embeddings.position_embeddings.weight"),
            let types = tensor("embeddings.token_type_embeddings.weight"),
            let query = tensor("encoder.layer.0.attention.self.query.weight"),
            case .splitOutput(let heads) = query.transform,
            let intermediate = tensor("encoder.layer.0.intermediate.dense.bias"),
            words.shape.rank == 2, positions.shape.rank == 2, types.shape.rank == 2,
            intermediate.shape.rank == 1
        else { return nil }
        let layers = resolution.tensors.count { $0.name.hasSuffix(".intermediate.dense.bias") }
        return .object([
            "class_name": .string("BertBackbone"),
            "config": .object([
                "vocabulary_size": .integer(words.shape[0]),
                "num_layers": .integer(layers),
                "num_heads": .integer(heads),
                "hidden_dim": .integer(words.shape[1]),
                "intermediate_dim": .integer(intermediate.shape[0]),
                "dropout": .number(0.1),
                "max_sequence_length": .integer(positions.shape[0]),
                "num_segments": .integer(types.shape[0]),
            ]),
        ])
    }
}
