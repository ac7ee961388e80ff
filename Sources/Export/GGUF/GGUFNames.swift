import Bert

/// What llama.cpp's `bert` architecture calls the parameters.
enum GGUFNames {
    /// The name of a parameter; nil for one that the architecture has no place for.
    ///
    /// - Parameter hasHead: whether the pooler and the classifier belong to what is exported.
    static func name(of parameter: String, hasHead: Bool) -> String? {
        let parts = parameter.split(separator: ".")
        guard let variable = parts.last else { return nil }
        let module = parts.dropLast().joined(separator: ".")
        if let name = fixed[module] { return "\(name).\(variable)" }
        if hasHead, let name = head[module] { return "\(name).\(variable)" }
        guard parts.count > 3, parts[0] == "encoder", parts[1] == "layer" else { return nil }
        let inner = parts[3..<parts.count - 1].joined(separator: ".")
        return layer[inner].map { "blk.\(parts[2]).\($0).\(variable)" }
    }

    private static let fixed = [
        "embeddings.word_embeddings": "token_embd",
        "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types",
        "embeddings.LayerNorm": "token_embd_norm",
    ]

    /// The runtime computes `cls`, tanh, `cls.output`: BERT's pooler and classifier.
    private static let head = ["pooler.dense": "cls", "classifier": "cls.output"]

    private static let layer = [
        "attention.self.query": "attn_q", "attention.self.key": "attn_k",
        "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
        "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
        "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
    ]

    /// Whether a tensor stays in single precision whatever the matrices are: the runtime adds biases, and
    /// looks positions and token types up, in single precision alone.
    static func isAlwaysSingle(_ name: String, rank: Int) -> Bool {
        rank < 2 || name == "position_embd.weight" || name == "token_types.weight"
    }
}
