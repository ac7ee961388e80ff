import Checkpoints
import Tensors

/// Keras 3's object paths: every object is a group, its variables are `vars/0`, `vars/1` ….
///
/// KerasHub's BERT and Hugging Face's TensorFlow classes (saved by tf_keras) both come in this
/// layout; they differ in the objects' names, and in the attention kernels, which KerasHub splits
/// by head.
struct KerasObjectNaming {
    /// Marks the task's file of a KerasHub preset in the names of a store that joins its files.
    static let taskPrefix = "task.weights.h5/"

    /// Whether the encoder lies in an object of its own, so that the outermost layers are the task's.
    private let isNested: Bool
    /// KerasNLP before 0.5 had plain tables: `embedding` for pieces, `embedding_1` for types.
    private let hasPlainTables: Bool

    init(_ names: [String]) {
        isNested = names.contains { name in
            Self.containers.contains { name.contains("/\($0)/") }
        }
        hasPlainTables = !names.contains { $0.contains("/reversible_embedding/") }
    }

    private static let containers = [
        "bert_backbone", "tf_bert_main_layer", "tf_bert_model", "functional",
    ]

    func meaning(of entry: TensorEntry) -> StoredMeaning {
        var name = entry.name[...]
        let isTask = name.hasPrefix(Self.taskPrefix)
        if isTask { name = name.dropFirst(Self.taskPrefix.count) }
        let components = name.split(separator: "/")
        guard components.count > 2, components[components.count - 2] == "vars",
            let variable = components.last.flatMap({ Int($0) })
        else { return .unknown }
        if components[0] == "optimizer" { return .ignored(rule: IgnoreRule.optimizer) }
        if ["metrics", "_metrics", "_compile_metrics"].contains(String(components[0])) {
            return .ignored(rule: IgnoreRule.metric)
        }
        let path = components.dropLast(2).filter {
            $0 != "layers" && $0 != "_layer_checkpoint_dependencies"
        }
        let inner = path.drop { Self.containers.contains(String($0)) }
        guard let first = inner.first else { return .unknown }
        let isInside = inner.count < path.count
        if first == "dense" || first == "logits", inner.count == 1 {
            let isHead = isTask || isNested && !isInside
            return linear(isHead ? "classifier" : "pooler.dense", variable, .transpose)
        }
        if first == "masked_lm_head" { return languageModel(inner.dropFirst(), variable) }
        if first == "encoder" || path.contains("tf_bert_main_layer") {
            return huggingFace(inner, variable)
        }
        return kerasHub(inner, variable, entry.shape)
    }

    private func linear(
        _ canonical: String,
        _ variable: Int,
        _ kernel: KeyMap.Transform,
        bias: KeyMap.Transform = .identity
    ) -> StoredMeaning {
        switch variable {
        case 0: .parameter(canonical: "\(canonical).weight", kernel)
        case 1: .parameter(canonical: "\(canonical).bias", bias)
        default: .unknown
        }
    }

    private func table(_ name: String, _ variable: Int) -> StoredMeaning {
        variable == 0
            ? .parameter(canonical: "embeddings.\(name)_embeddings.weight", .identity) : .unknown
    }

    private func languageModel(_ path: ArraySlice<Substring>, _ variable: Int) -> StoredMeaning {
        let transform = "cls.predictions.transform"
        switch path.joined(separator: "/") {
        case "" where variable == 0:
            return .parameter(canonical: "cls.predictions.bias", .identity)
        case "_intermediate_dense": return linear("\(transform).dense", variable, .transpose)
        case "_intermediate_layer_norm":
            return linear("\(transform).LayerNorm", variable, .identity)
        default: return .unknown
        }
    }

    /// `transformer_encoder` is layer 0, `transformer_encoder_3` layer 3.
    private func index(_ component: Substring, _ name: String) -> Int? {
        guard component.hasPrefix(name) else { return nil }
        let rest = component.dropFirst(name.count)
        if rest.isEmpty { return 0 }
        guard rest.first == "_", let index = Int(rest.dropFirst()), index > 0,
            String(index) == rest.dropFirst()
        else { return nil }
        return index
    }

    private func kerasHub(
        _ path: ArraySlice<Substring>,
        _ variable: Int,
        _ shape: Shape
    ) -> StoredMeaning {
        guard let first = path.first else { return .unknown }
        let rest = path.dropFirst().joined(separator: "/")
        if rest.isEmpty {
            switch first {
            case "reversible_embedding": return table("word", variable)
            case "embedding": return table(hasPlainTables ? "word" : "token_type", variable)
            case "embedding_1": return table("token_type", variable)
            case "position_embedding": return table("position", variable)
            case "layer_normalization": return linear("embeddings.LayerNorm", variable, .identity)
            default: return .unknown
            }
        }
        guard let layer = index(first, "transformer_encoder") else { return .unknown }
        let prefix = "encoder.layer.\(layer)"
        switch rest {
        case "_self_attention_layer/query_dense", "_self_attention_layer/key_dense",
            "_self_attention_layer/value_dense":
            let projection = rest.dropFirst("_self_attention_layer/".count).dropLast(6)
            let heads = shape.rank > 1 ? shape[shape.rank - 2] : 0
            return linear(
                "\(prefix).attention.self.\(projection)",
                variable,
                .splitOutput(heads: heads),
                bias: .splitBias(heads: heads)
            )
        case "_self_attention_layer/output_dense":
            return linear(
                "\(prefix).attention.output.dense",
                variable,
                .splitInput(heads: shape.rank > 0 ? shape[0] : 0)
            )
        case "_self_attention_layer_norm":
            return linear("\(prefix).attention.output.LayerNorm", variable, .identity)
        case "_feedforward_intermediate_dense":
            return linear("\(prefix).intermediate.dense", variable, .transpose)
        case "_feedforward_output_dense":
            return linear("\(prefix).output.dense", variable, .transpose)
        case "_feedforward_layer_norm":
            return linear("\(prefix).output.LayerNorm", variable, .identity)
        default: return .unknown
        }
    }

    private func huggingFace(_ path: ArraySlice<Substring>, _ variable: Int) -> StoredMeaning {
        switch path.first {
        case "embeddings":
            if path.count == 1 {
                let tables = ["word", "token_type", "position"]
                guard tables.indices.contains(variable) else { return .unknown }
                return table(tables[variable], 0)
            }
            return path.dropFirst().elementsEqual(["LayerNorm"])
                ? linear("embeddings.LayerNorm", variable, .identity) : .unknown
        case "pooler":
            return path.dropFirst().elementsEqual(["dense"])
                ? linear("pooler.dense", variable, .transpose) : .unknown
        case "encoder":
            let path = path.dropFirst().drop { $0 == "layer" }
            guard let layer = path.first.flatMap({ index($0, "tf_bert_layer") }) else {
                return .unknown
            }
            let prefix = "encoder.layer.\(layer)"
            let rest = path.dropFirst().joined(separator: "/")
            switch rest {
            case "attention/self_attention/query", "attention/self_attention/key",
                "attention/self_attention/value":
                let projection = rest.dropFirst("attention/self_attention/".count)
                return linear("\(prefix).attention.self.\(projection)", variable, .transpose)
            case "attention/dense_output/dense":
                return linear("\(prefix).attention.output.dense", variable, .transpose)
            case "attention/dense_output/LayerNorm":
                return linear("\(prefix).attention.output.LayerNorm", variable, .identity)
            case "intermediate/dense":
                return linear("\(prefix).intermediate.dense", variable, .transpose)
            case "bert_output/dense": return linear("\(prefix).output.dense", variable, .transpose)
            case "bert_output/LayerNorm":
                return linear("\(prefix).output.LayerNorm", variable, .identity)
            default: return .unknown
            }
        default: return .unknown
        }
    }
}
