import Checkpoints
import Tensors

/// Layer names of KerasHub's BERT, in Keras' legacy `.h5` files.
enum KerasHubLayerNaming {
    static func meaning(of entry: TensorEntry) -> StoredMeaning {
        let components = entry.name.split(separator: "/")
        guard components.count > 1, let variable = components.last else { return .unknown }
        if components[0] == "optimizer_weights" { return .ignored(rule: IgnoreRule.optimizer) }
        let isWeight = ["kernel", "gamma", "embeddings"].contains(variable)
        guard isWeight || ["bias", "beta"].contains(variable) else { return .unknown }
        let path = components.dropLast()
        func linear(_ canonical: String, _ kernel: KeyMap.Transform) -> StoredMeaning {
            .parameter(
                canonical: "\(canonical).\(isWeight ? "weight" : "bias")",
                isWeight ? kernel : .identity
            )
        }
        if let start = path.lastIndex(where: { $0.hasPrefix("transformer_layer_") }) {
            let number = path[start].dropFirst("transformer_layer_".count)
            guard let index = Int(number), index >= 0, String(index) == number else {
                return .unknown
            }
            return layer(
                "encoder.layer.\(index)",
                path[(start + 1)...].joined(separator: "/"),
                entry.shape,
                isWeight: isWeight
            )
        }
        switch path.last {
        case "token_embedding": return linear("embeddings.word_embeddings", .identity)
        case "position_embedding": return linear("embeddings.position_embeddings", .identity)
        case "segment_embedding": return linear("embeddings.token_type_embeddings", .identity)
        case "embeddings_layer_norm": return linear("embeddings.LayerNorm", .identity)
        case "pooled_dense": return linear("pooler.dense", .transpose)
        case "logits": return linear("classifier", .transpose)
        default: return .unknown
        }
    }

    private static func layer(
        _ prefix: String,
        _ module: String,
        _ shape: Shape,
        isWeight: Bool
    ) -> StoredMeaning {
        func parameter(_ name: String, _ transform: KeyMap.Transform) -> StoredMeaning {
            .parameter(
                canonical: "\(prefix).\(name).\(isWeight ? "weight" : "bias")",
                transform
            )
        }
        switch module {
        case "self_attention_layer/query", "self_attention_layer/key",
            "self_attention_layer/value":
            let heads = shape.rank > 1 ? shape[shape.rank - 2] : 0
            return parameter(
                "attention.self." + module.dropFirst("self_attention_layer/".count),
                isWeight ? .splitOutput(heads: heads) : .splitBias(heads: heads)
            )
        case "self_attention_layer/attention_output":
            let heads = shape.rank > 0 ? shape[0] : 0
            return parameter(
                "attention.output.dense",
                isWeight ? .splitInput(heads: heads) : .identity
            )
        case "self_attention_layer_norm":
            return parameter("attention.output.LayerNorm", .identity)
        case "feedforward_intermediate_dense":
            return parameter("intermediate.dense", isWeight ? .transpose : .identity)
        case "feedforward_output_dense":
            return parameter("output.dense", isWeight ? .transpose : .identity)
        case "feedforward_layer_norm": return parameter("output.LayerNorm", .identity)
        default: return .unknown
        }
    }
}
