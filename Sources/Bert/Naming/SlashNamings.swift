import Checkpoints

/// How Hugging Face's TensorFlow classes name BERT's tensors, in `tf_model.h5`, in a whole Keras 2
/// model, and in safetensors of format `tf`.
///
/// Every Keras kernel is `[input, output]`, the transpose of PyTorch's weight; tables, biases and
/// layer normalisations are the same in both.
enum HuggingFaceTensorFlowNaming {
    /// Rewrites a name to PyTorch's key by Hugging Face's own rule, from a component on that
    /// belongs to the model. Nothing depends on what stands before it: the layer, the model's
    /// name (which counts up when a process builds several), whatever a user wrapped round it.
    static func meaning(of stored: String) -> StoredMeaning {
        var components = stored.split(separator: "/", omittingEmptySubsequences: false)[...]
        if components.first == "optimizer_weights" {
            return .ignored(rule: IgnoreRule.optimizer)
        }
        guard let last = components.popLast() else { return .unknown }
        let variable = last.hasSuffix(":0") ? last.dropLast(2) : last
        let ending: Substring
        switch variable {
        case "kernel", "weight", "embeddings", "gamma": ending = "weight"
        case "bias", "beta": ending = "bias"
        default: return .unknown
        }
        let transform: KeyMap.Transform = variable == "kernel" ? .transpose : .identity
        // A layer may be called as the module inside it is: the first reading that is one counts.
        for start in components.indices where modules.contains(String(components[start])) {
            let key = (components[start...].flatMap(parts) + [ending]).joined(separator: ".")
            let meaning = PyTorchNaming.meaning(of: key).transformed(transform)
            guard meaning != .unknown else { continue }
            // A head that is tied to the embeddings keeps them a second time in its own group.
            let holder = components.first { $0 != "model_weights" } ?? ""
            if case .parameter(let canonical, let transform) = meaning,
                canonical.hasPrefix("embeddings."), headGroups.contains(String(holder))
            {
                return .copy(canonical: canonical, transform)
            }
            return meaning
        }
        return .unknown
    }

    private static let headGroups: Set<String> = [
        "mlm___cls", "lm_head", "vocab_projector", "generator_lm_head",
    ]

    /// The components with which a name inside a model may begin.
    private static let modules: Set<String> = [
        "embeddings", "encoder", "transformer", "pooler", "mlm___cls", "nsp___cls", "lm_head",
        "classifier", "qa_outputs", "pre_classifier", "vocab_transform", "vocab_layer_norm",
        "vocab_projector", "discriminator_predictions", "generator_predictions",
        "generator_lm_head", "embeddings_project",
    ]

    /// `layer_._3` is `layer` and `3`; `mlm___cls` is `cls`.
    private static func parts(_ component: Substring) -> [Substring] {
        if let marker = component.firstRange(of: "_._") {
            return [component[..<marker.lowerBound], component[marker.upperBound...]]
        }
        if let marker = component.firstRange(of: "___") {
            return [component[marker.upperBound...]]
        }
        return [component]
    }
}

/// The names of Google's original BERT code, in TensorFlow 1 checkpoints.
enum GoogleNaming {
    static func meaning(of stored: String) -> StoredMeaning {
        let components = stored.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = components.last else { return .unknown }
        if ["adam_m", "adam_v", "AdamWeightDecayOptimizer", "Adam", "Adam_1"].contains(last)
            || ["global_step", "beta1_power", "beta2_power"].contains(stored)
        {
            return .ignored(rule: IgnoreRule.optimizer)
        }
        if stored == "save_counter" { return .ignored(rule: IgnoreRule.metric) }
        if let canonical = outputs[stored] { return .parameter(canonical: canonical, .identity) }
        guard ["bert", "cls"].contains(components[0]) else { return .unknown }
        var path: [Substring] = []
        for component in components.dropLast() {
            if component.hasPrefix("layer_"), Int(component.dropFirst(6)) != nil {
                path += ["layer", component.dropFirst(6)]
            } else {
                path.append(component)
            }
        }
        var transform = KeyMap.Transform.identity
        switch last {
        case "kernel":
            path.append("weight")
            transform = .transpose
        case "gamma": path.append("weight")
        case "bias", "beta": path.append("bias")
        case "word_embeddings", "position_embeddings", "token_type_embeddings":
            path += [last, "weight"]
        default: return .unknown
        }
        return PyTorchNaming.meaning(of: path.joined(separator: ".")).transformed(transform)
    }

    /// Outputs are named after their use, and their weights are `[output, input]` already.
    private static let outputs = [
        "cls/predictions/output_bias": "cls.predictions.bias",
        "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
        "cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
        "output_weights": "classifier.weight",
        "output_bias": "classifier.bias",
        "cls/squad/output_weights": "qa_outputs.weight",
        "cls/squad/output_bias": "qa_outputs.bias",
    ]
}
