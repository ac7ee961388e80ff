/// The traversal of the tree: the one place where canonical names are made, in model order.
extension BertParameters {
    /// The same tree with every leaf replaced.
    ///
    /// - Parameter transform: called once per leaf in model order, with the canonical name
    ///   (`encoder.layer.3.attention.self.query.weight`).
    public func map<Result, E: Error>(
        _ transform: (_ name: String, _ leaf: Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result> {
        .init(
            embeddings: try embeddings.map(at: "embeddings", transform),
            embeddingsProject: try embeddingsProject?.map(at: "embeddings_project", transform),
            encoder: try encoder.map(at: "encoder", transform),
            pooler: try pooler?.map(at: "pooler", transform),
            predictions: try predictions?.map(at: "cls.predictions", transform),
            seqRelationship: try seqRelationship?.map(at: "cls.seq_relationship", transform),
            discriminatorPredictions: try discriminatorPredictions?.map(
                at: "discriminator_predictions",
                transform
            ),
            classifier: try classifier?.map(at: "classifier", transform),
            qaOutputs: try qaOutputs?.map(at: "qa_outputs", transform)
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

extension BertParameters.Embedding {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Embedding {
        .init(weight: try transform(path + ".weight", weight))
    }
}

extension BertParameters.Embeddings {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Embeddings {
        .init(
            wordEmbeddings: try wordEmbeddings.map(at: path + ".word_embeddings", transform),
            positionEmbeddings: try positionEmbeddings.map(
                at: path + ".position_embeddings",
                transform
            ),
            tokenTypeEmbeddings: try tokenTypeEmbeddings?.map(
                at: path + ".token_type_embeddings",
                transform
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

extension BertParameters.Pooler {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Pooler {
        .init(dense: try dense.map(at: path + ".dense", transform))
    }
}

extension BertParameters.Predictions {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.Predictions {
        .init(
            bias: try transform(path + ".bias", bias),
            transform: try self.transform.map(at: path + ".transform", transform)
        )
    }
}

extension BertParameters.DiscriminatorPredictions {
    func map<Result, E: Error>(
        at path: String,
        _ transform: (String, Leaf) throws(E) -> Result
    ) throws(E) -> BertParameters<Result>.DiscriminatorPredictions {
        .init(
            dense: try dense.map(at: path + ".dense", transform),
            densePrediction: try densePrediction.map(at: path + ".dense_prediction", transform)
        )
    }
}
