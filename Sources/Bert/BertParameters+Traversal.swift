/// The traversal of the tree: the one place where canonical names are made, in model order.
extension BertParameters {
    /// The same tree with every leaf replaced.
    ///
    /// - Parameter transform: called once per leaf in model order, with the canonical name
    ///   (`encoder.layer.3.attention.self.query.weight`).
    public func map<Result, E: Error>(
        _ transform: (_ name: String, _ leaf: Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result> {
        let embeddings = try self.embeddings.map(at: "embeddings", transform)
        let encoder = try self.encoder.map(at: "encoder", transform)
        var pooler: BertParameters<Result>.Pooler?
        if let present = self.pooler {
            pooler = .init(dense: try present.dense.map(at: "pooler.dense", transform))
        }
        var classifier: BertParameters<Result>.Linear?
        if let present = self.classifier {
            classifier = try present.map(at: "classifier", transform)
        }
        return BertParameters<Result>(
            embeddings: embeddings,
            encoder: encoder,
            pooler: pooler,
            classifier: classifier
        )
    }

    /// Every leaf with its canonical name, in model order.
    public var leaves: [(name: String, leaf: Leaf)] {
        var leaves: [(name: String, leaf: Leaf)] = []
        _ = map { name, leaf in leaves.append((name, leaf)) }
        return leaves
    }
}

extension BertParameters.Linear {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Linear {
        .init(
            weight: try transform(path + ".weight", weight),
            bias: try transform(path + ".bias", bias)
        )
    }
}

extension BertParameters.LayerNorm {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.LayerNorm {
        .init(
            weight: try transform(path + ".weight", weight),
            bias: try transform(path + ".bias", bias)
        )
    }
}

extension BertParameters.Embeddings {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Embeddings {
        .init(
            wordEmbeddings: .init(
                weight: try transform(path + ".word_embeddings.weight", wordEmbeddings.weight)
            ),
            positionEmbeddings: .init(
                weight: try transform(
                    path + ".position_embeddings.weight",
                    positionEmbeddings.weight
                )
            ),
            tokenTypeEmbeddings: .init(
                weight: try transform(
                    path + ".token_type_embeddings.weight",
                    tokenTypeEmbeddings.weight
                )
            ),
            layerNorm: try layerNorm.map(at: path + ".LayerNorm", transform)
        )
    }
}

extension BertParameters.Encoder {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Encoder {
        var layers: [BertParameters<Result>.Layer] = []
        layers.reserveCapacity(layer.count)
        for (index, one) in layer.enumerated() {
            layers.append(try one.map(at: "\(path).layer.\(index)", transform))
        }
        return .init(layer: layers)
    }
}

extension BertParameters.Layer {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Layer {
        .init(
            attention: .init(
                selfAttention: .init(
                    query: try attention.selfAttention.query.map(
                        at: path + ".attention.self.query",
                        transform
                    ),
                    key: try attention.selfAttention.key.map(
                        at: path + ".attention.self.key",
                        transform
                    ),
                    value: try attention.selfAttention.value.map(
                        at: path + ".attention.self.value",
                        transform
                    )
                ),
                output: try attention.output.map(at: path + ".attention.output", transform)
            ),
            intermediate: .init(
                dense: try intermediate.dense.map(at: path + ".intermediate.dense", transform)
            ),
            output: try output.map(at: path + ".output", transform)
        )
    }
}

extension BertParameters.Output {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Output {
        .init(
            dense: try dense.map(at: path + ".dense", transform),
            layerNorm: try layerNorm.map(at: path + ".LayerNorm", transform)
        )
    }
}
