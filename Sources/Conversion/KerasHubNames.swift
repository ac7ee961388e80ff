import Bert
import Checkpoints

/// How KerasHub's BERT names, orients and splits its tensors in Keras 3's object paths.
enum KerasHubNames {
    /// Which file of a preset a tensor belongs to.
    enum Place {
        case backbone
        case task
    }

    /// - Parameter isNested: whether the encoder is an object inside a task, as in the weights of a
    ///   whole classifier.
    static func row(
        _ canonical: String,
        _ configuration: BertConfiguration,
        isNested: Bool
    ) -> (row: KeyMap.Row, place: Place)? {
        let heads = configuration.attentionHeadCount
        let parts = canonical.split(separator: ".")
        let isWeight = parts.last == "weight"
        let variable = isWeight ? 0 : 1
        let module = parts.dropLast().joined(separator: ".")
        func made(
            _ path: String,
            _ transform: KeyMap.Transform,
            _ place: Place,
            variable: Int
        ) -> (KeyMap.Row, Place) {
            let prefix = place == .backbone && isNested ? "layers/bert_backbone/layers" : "layers"
            let stored = "\(prefix)/\(path)/vars/\(variable)"
            return (
                KeyMap.Row(canonical: canonical, stored: stored, transform: transform), place
            )
        }
        func linear(_ path: String, _ place: Place = .backbone) -> (KeyMap.Row, Place) {
            made(path, isWeight ? .transpose : .identity, place, variable: variable)
        }
        func norm(_ path: String, _ place: Place = .backbone) -> (KeyMap.Row, Place) {
            made(path, .identity, place, variable: variable)
        }
        switch module {
        case "embeddings.word_embeddings":
            return made("reversible_embedding", .identity, .backbone, variable: 0)
        case "embeddings.position_embeddings":
            return made("position_embedding", .identity, .backbone, variable: 0)
        case "embeddings.token_type_embeddings":
            return made("embedding", .identity, .backbone, variable: 0)
        case "embeddings.LayerNorm": return norm("layer_normalization")
        case "pooler.dense": return linear("dense")
        case "classifier": return linear("dense", .task)
        case "cls.predictions": return made("masked_lm_head", .identity, .task, variable: 0)
        case "cls.predictions.transform.dense":
            return linear("masked_lm_head/_intermediate_dense", .task)
        case "cls.predictions.transform.LayerNorm":
            return norm("masked_lm_head/_intermediate_layer_norm", .task)
        default: break
        }
        guard parts.count > 4, parts[0] == "encoder", let layer = Int(parts[2]) else { return nil }
        let object = "transformer_encoder" + (layer == 0 ? "" : "_\(layer)")
        switch parts[3..<parts.count - 1].joined(separator: ".") {
        case "attention.self.query", "attention.self.key", "attention.self.value":
            return made(
                "\(object)/_self_attention_layer/\(parts[5])_dense",
                isWeight ? .splitOutput(heads: heads) : .splitBias(heads: heads),
                .backbone,
                variable: variable
            )
        case "attention.output.dense":
            return made(
                "\(object)/_self_attention_layer/output_dense",
                isWeight ? .splitInput(heads: heads) : .identity,
                .backbone,
                variable: variable
            )
        case "attention.output.LayerNorm": return norm("\(object)/_self_attention_layer_norm")
        case "intermediate.dense": return linear("\(object)/_feedforward_intermediate_dense")
        case "output.dense": return linear("\(object)/_feedforward_output_dense")
        case "output.LayerNorm": return norm("\(object)/_feedforward_layer_norm")
        default: return nil
        }
    }
}
