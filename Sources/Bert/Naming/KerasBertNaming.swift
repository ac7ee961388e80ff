import Checkpoints

/// The layer names of the keras-bert and bert4keras packages, in Keras 2 weights files.
///
/// keras-bert counts layers from 1 (`Encoder-1-…`) and names its variables; bert4keras counts from
/// 0 (`Transformer-0-…`) and leaves its projections with Keras' automatic names, in which only the
/// order says which is which.
struct KerasBertNaming {
    /// For each layer, its automatic names in the order in which they were made.
    private let denseLayers: [Substring: [Substring]]

    init(_ names: [String]) {
        var found: [Substring: Set<Substring>] = [:]
        for name in names {
            guard let (layer, path) = Self.split(name), path.count == 2,
                Self.number(ofDense: path[0]) != nil
            else { continue }
            found[layer, default: []].insert(path[0])
        }
        denseLayers = found.mapValues { names in
            names.sorted { (Self.number(ofDense: $0) ?? 0) < (Self.number(ofDense: $1) ?? 0) }
        }
    }

    /// The layer's name and what follows it. A file has it twice: as group and in the weight's name.
    private static func split(_ name: String) -> (layer: Substring, path: [Substring])? {
        var components = name.split(separator: "/")
        if components.first == "model_weights" { components.removeFirst() }
        guard components.count > 1, let layer = components.first else { return nil }
        let path = components.drop { $0 == layer }
        return (layer, Array(path))
    }

    /// 0 for `dense`, 3 for `dense_3`.
    private static func number(ofDense name: Substring) -> Int? {
        guard name.hasPrefix("dense") else { return nil }
        let rest = name.dropFirst("dense".count)
        return rest.isEmpty ? 0 : rest.first == "_" ? Int(rest.dropFirst()) : nil
    }

    func meaning(of name: String) -> StoredMeaning {
        if name.hasPrefix("optimizer_weights/") { return .ignored(rule: IgnoreRule.optimizer) }
        guard let (layer, path) = Self.split(name), let last = path.last else { return .unknown }
        let variable = last.hasSuffix(":0") ? last.dropLast(2) : last
        if let (index, part) = Self.encoderLayer(layer) {
            return encoder("encoder.layer.\(index)", part, layer, path, variable)
        }
        guard path.count == 1 else { return .unknown }
        switch (layer, variable) {
        case ("Embedding-Token", "embeddings"):
            return .parameter(canonical: PyTorchNaming.wordEmbeddings, .identity)
        case ("Embedding-Segment", "embeddings"):
            return .parameter(canonical: "embeddings.token_type_embeddings.weight", .identity)
        case ("Embedding-Position", "embeddings"):
            return .parameter(canonical: "embeddings.position_embeddings.weight", .identity)
        case ("MLM-Sim", "bias"), ("MLM-Bias", "bias"), ("MLM-Bias", "beta"):
            return .parameter(canonical: "cls.predictions.bias", .identity)
        default:
            guard let canonical = Self.layers[layer] else { return .unknown }
            return Self.linear(canonical, variable)
        }
    }

    private static let layers: [Substring: String] = [
        "Embedding-Norm": "embeddings.LayerNorm",
        "MLM-Dense": "cls.predictions.transform.dense",
        "MLM-Norm": "cls.predictions.transform.LayerNorm",
        "NSP-Dense": "pooler.dense",
        "Pooler-Dense": "pooler.dense",
        "Pooler": "pooler.dense",
        "NSP": "cls.seq_relationship",
        "NSP-Proba": "cls.seq_relationship",
    ]

    private static func linear(_ canonical: String, _ variable: Substring) -> StoredMeaning {
        switch variable {
        case "kernel": .parameter(canonical: canonical + ".weight", .transpose)
        case "gamma": .parameter(canonical: canonical + ".weight", .identity)
        case "bias", "beta": .parameter(canonical: canonical + ".bias", .identity)
        default: .unknown
        }
    }

    /// The layer's index from 0 and its part, of `Encoder-1-FeedForward` or
    /// `Transformer-0-FeedForward`.
    private static func encoderLayer(_ name: Substring) -> (index: Int, part: Substring)? {
        for (prefix, first) in [("Encoder-", 1), ("Transformer-", 0)] where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            let digits = rest.prefix { $0 != "-" }
            guard let number = Int(digits), number >= first, String(number) == digits else {
                return nil
            }
            return (number - first, rest.dropFirst(digits.count + 1))
        }
        return nil
    }

    private func encoder(
        _ prefix: String,
        _ part: Substring,
        _ layer: Substring,
        _ path: [Substring],
        _ variable: Substring
    ) -> StoredMeaning {
        switch part {
        case "MultiHeadSelfAttention-Norm":
            return Self.linear("\(prefix).attention.output.LayerNorm", variable)
        case "FeedForward-Norm": return Self.linear("\(prefix).output.LayerNorm", variable)
        case "MultiHeadSelfAttention", "FeedForward": break
        default: return .unknown
        }
        let modules =
            part == "FeedForward"
            ? ["intermediate.dense", "output.dense"]
            : [
                "attention.self.query", "attention.self.key", "attention.self.value",
                "attention.output.dense",
            ]
        if path.count == 2 {
            guard let names = denseLayers[layer], names.count == modules.count,
                let place = names.firstIndex(of: path[0])
            else { return .unknown }
            return Self.linear("\(prefix).\(modules[place])", variable)
        }
        // keras-bert's `…_Wq` and `…_bq`, `…_W1` and `…_b1`.
        let letters: [Substring] = part == "FeedForward" ? ["1", "2"] : ["q", "k", "v", "o"]
        let ending = variable.split(separator: "_").last ?? ""
        guard let place = letters.firstIndex(of: ending.dropFirst()) else { return .unknown }
        switch ending.first {
        case "W":
            return .parameter(canonical: "\(prefix).\(modules[place]).weight", .transpose)
        case "b": return .parameter(canonical: "\(prefix).\(modules[place]).bias", .identity)
        default: return .unknown
        }
    }
}
