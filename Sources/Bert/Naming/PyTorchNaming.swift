import Checkpoints

/// PyTorch's keys, as Hugging Face's classes of BERT and of its relatives have them.
///
/// Other layouts spell the same keys in their own way: `HuggingFaceTensorFlowNaming` and
/// `GoogleNaming` are rewritten to these first.
public enum PyTorchNaming {
    /// What a key says.
    static func meaning(of key: String) -> StoredMeaning {
        var parts = key.split(separator: ".", omittingEmptySubsequences: false)[...]
        // DataParallel's wrapper, then the model inside a model with a head.
        while let first = parts.first, parts.count > 1, wrappers.contains(String(first)) {
            parts.removeFirst()
        }
        guard let last = parts.last else { return .unknown }
        let variable: Substring
        switch last {
        case "weight", "gamma": variable = "weight"
        case "bias", "beta": variable = "bias"
        case "position_ids", "token_type_ids":
            return parts.dropLast().elementsEqual(["embeddings"])
                ? .ignored(rule: IgnoreRule.buffer) : .unknown
        default: return .unknown
        }
        let module = parts.dropLast()
        guard let first = module.first else { return .unknown }
        let isLayerNorm = module.last == "LayerNorm"
        guard isLayerNorm || last == "weight" || last == "bias" else { return .unknown }
        func parameter(_ name: String) -> StoredMeaning {
            .parameter(canonical: "\(name).\(variable)", .identity)
        }
        switch first {
        case "embeddings": return embedding(module.dropFirst(), variable)
        case "encoder", "transformer":
            return layer(module.dropFirst()).map(parameter) ?? .unknown
        default: break
        }
        let path = module.joined(separator: ".")
        if let rule = trainingOnly(first) { return .ignored(rule: rule) }
        if variable == "weight", tiedDecoders.contains(path) {
            return .copy(canonical: wordEmbeddings, .identity)
        }
        if variable == "bias", let bias = outputBiases[path] {
            return path.hasSuffix("decoder")
                ? .copy(canonical: bias, .identity) : .parameter(canonical: bias, .identity)
        }
        return heads[path].map(parameter) ?? .unknown
    }

    static let wordEmbeddings = "embeddings.word_embeddings.weight"

    private static let wrappers: Set<String> = [
        "module", "bert", "distilbert", "roberta", "electra", "camembert", "xlm_roberta",
    ]

    /// The matrices that turn hidden states into words: the word embeddings again.
    private static let tiedDecoders: Set<String> = [
        "cls.predictions.decoder", "lm_head.decoder", "vocab_projector", "generator_lm_head",
    ]

    private static let outputBiases = [
        "cls.predictions": "cls.predictions.bias",
        "cls.predictions.decoder": "cls.predictions.bias",
        "lm_head": "cls.predictions.bias",
        "lm_head.decoder": "cls.predictions.bias",
        "vocab_projector": "cls.predictions.bias",
        "generator_lm_head": "cls.predictions.bias",
    ]

    /// Modules beside the encoder, and what they are called here.
    private static let heads = [
        "pooler.dense": "pooler.dense",
        "pre_classifier": "pooler.dense",
        "classifier.dense": "pooler.dense",
        "sequence_summary.summary": "pooler.dense",
        "classifier": "classifier",
        "classifier.out_proj": "classifier",
        "qa_outputs": "qa_outputs",
        "cls.predictions.transform.dense": "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm": "cls.predictions.transform.LayerNorm",
        "vocab_transform": "cls.predictions.transform.dense",
        "vocab_layer_norm": "cls.predictions.transform.LayerNorm",
        "lm_head.dense": "cls.predictions.transform.dense",
        "lm_head.layer_norm": "cls.predictions.transform.LayerNorm",
        "generator_predictions.dense": "cls.predictions.transform.dense",
        "generator_predictions.LayerNorm": "cls.predictions.transform.LayerNorm",
        "cls.seq_relationship": "cls.seq_relationship",
        "discriminator_predictions.dense": "discriminator_predictions.dense",
        "discriminator_predictions.dense_prediction": "discriminator_predictions.dense_prediction",
        "embeddings_project": "embeddings_project",
    ]

    private static func trainingOnly(_ module: Substring) -> String? {
        module == "fit_dense" || module == "fit_denses" ? IgnoreRule.teacherProjection : nil
    }

    private static func embedding(
        _ path: ArraySlice<Substring>,
        _ variable: Substring
    ) -> StoredMeaning {
        guard path.count == 1, let table = path.first else { return .unknown }
        switch (table, variable) {
        case ("word_embeddings", "weight"), ("position_embeddings", "weight"),
            ("token_type_embeddings", "weight"), ("LayerNorm", _):
            return .parameter(canonical: "embeddings.\(table).\(variable)", .identity)
        default: return .unknown
        }
    }

    /// `layer.3.attention.self.query`, and DistilBERT's spelling of the same.
    private static func layer(_ path: ArraySlice<Substring>) -> String? {
        guard path.count > 2, path.first == "layer",
            let index = Int(path[path.startIndex + 1]), index >= 0,
            String(index) == path[path.startIndex + 1],
            let module = layerModules[path.dropFirst(2).joined(separator: ".")]
        else { return nil }
        return "encoder.layer.\(index).\(module)"
    }

    private static let layerModules: [String: String] = {
        var modules = distilBertModules
        for name in distilBertModules.values { modules[name] = name }
        return modules
    }()

    static let distilBertModules = [
        "attention.q_lin": "attention.self.query",
        "attention.k_lin": "attention.self.key",
        "attention.v_lin": "attention.self.value",
        "attention.out_lin": "attention.output.dense",
        "sa_layer_norm": "attention.output.LayerNorm",
        "ffn.lin1": "intermediate.dense",
        "ffn.lin2": "output.dense",
        "output_layer_norm": "output.LayerNorm",
    ]
}
