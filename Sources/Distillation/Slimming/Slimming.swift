import Bert
import Kernels
import Tensors

/// A teacher's weights in fewer dimensions.
struct Slimming {
    typealias Parameters = BertParameters<Tensor>

    let teacher: BertModel
    /// The student's.
    let configuration: BertConfiguration
    let basis: HiddenBasis
    /// The share of the hidden states' energy in the basis.
    let energy: Double
    /// nil takes the first of everything.
    let scores: ImportanceScores?
    let pool: WorkerPool

    func parameters(_ layers: [Int]) -> Parameters {
        let source = teacher.parameters
        var result = source
        result.embeddings.wordEmbeddings.weight = columns(source.embeddings.wordEmbeddings.weight)
        result.embeddings.positionEmbeddings.weight = columns(
            source.embeddings.positionEmbeddings.weight
        )
        if let types = source.embeddings.tokenTypeEmbeddings?.weight {
            result.embeddings.tokenTypeEmbeddings?.weight = columns(types)
        }
        result.embeddings.layerNorm = norm(source.embeddings.layerNorm)
        result.encoder.layer = layers.enumerated().map { own, number in
            layer(source.encoder.layer[number], number: number, own: own)
        }
        // The pooler's outputs pass through a function of each one alone: they are chosen, not mixed.
        let pooled = best(configuration.hiddenSize, of: scores?.pooled)
        if let pooler = source.pooler {
            result.pooler?.dense.weight = columns(pooler.dense.weight.rows(pooled))
            result.pooler?.dense.bias = pooler.dense.bias.rows(pooled)
        }
        if let classifier = source.classifier {
            // A token classifier has no pooler: it reads hidden states.
            result.classifier?.weight =
                source.pooler == nil
                ? columns(classifier.weight) : classifier.weight.columns(pooled)
        }
        return result
    }

    private func layer(_ source: Parameters.Layer, number: Int, own: Int) -> Parameters.Layer {
        let scores = scores?.layers[number]
        let heads = best(configuration.headCount(ofLayer: own), of: scores?.heads)
        let queries = dimensions(heads, scores?.queries)
        let values = dimensions(heads, scores?.values)
        let neurons = best(configuration.intermediateSize, of: scores?.neurons)
        var result = source
        let projections = source.attention.selfAttention
        let ratio = Double(configuration.headSize) / Double(teacher.configuration.headSize)
        result.attention.selfAttention.query = reading(projections.query, rows: queries)
            .scaled(Float(ratio.squareRoot()))
        result.attention.selfAttention.key = reading(projections.key, rows: queries)
        result.attention.selfAttention.value = reading(projections.value, rows: values)
        result.attention.output = writing(source.attention.output, columns: values)
        result.intermediate.dense = reading(source.intermediate.dense, rows: neurons)
        result.output = writing(source.output, columns: neurons)
        return result
    }

    /// A layer from the hidden width to some of its outputs.
    private func reading(_ linear: Parameters.Linear, rows: [Int]) -> Parameters.Linear {
        .init(weight: columns(linear.weight.rows(rows)), bias: linear.bias.rows(rows))
    }

    /// A layer from some of its inputs to the hidden width, with the normalisation behind it.
    private func writing(_ output: Parameters.Output, columns: [Int]) -> Parameters.Output {
        .init(
            dense: .init(
                weight: basis.rows(output.dense.weight.columns(columns), pool),
                bias: basis.vector(output.dense.bias, pool)
            ),
            layerNorm: norm(output.layerNorm)
        )
    }

    private func columns(_ matrix: Tensor) -> Tensor { basis.columns(matrix, pool) }

    private func norm(_ norm: Parameters.LayerNorm) -> Parameters.LayerNorm {
        basis.norm(norm, energy: energy, pool)
    }

    private func best(_ count: Int, of scores: (some Collection<Double>)?) -> [Int] {
        guard let scores else { return Array(0..<count) }
        return ImportanceScores.best(count, of: scores)
    }

    /// The best dimensions of every chosen head.
    private func dimensions(_ heads: [Int], _ scores: [Double]?) -> [Int] {
        let size = teacher.configuration.headSize
        return heads.flatMap { head in
            let own = scores.map { $0[head * size..<(head + 1) * size] }
            return best(configuration.headSize, of: own).map { head * size + $0 }
        }
    }

    /// What a person is told.
    func origin(_ method: SlimmingMethod, layers: [Int]) -> [String] {
        let (own, other) = (configuration, teacher.configuration)
        let list = layers.map(String.init).joined(separator: ", ")
        let share = "\(Int((energy * 100).rounded())) %"
        let width =
            switch method {
            case .leading: "the first \(own.hiddenSize) of \(other.hiddenSize) hidden dimensions"
            case .importance:
                "the \(own.hiddenSize) most important of \(other.hiddenSize) hidden dimensions"
            case .pca:
                "\(own.hiddenSize) principal directions of \(other.hiddenSize) hidden dimensions, with "
                    + "\(share) of their energy"
            case .svd:
                "\(own.hiddenSize) singular directions of \(other.hiddenSize)-wide word embeddings, "
                    + "with \(share) of their energy"
            }
        let parts = method == .leading ? "the first" : "the most important"
        return [
            "slimmed from the teacher's layers \(list): \(width)",
            "\(parts) \(own.headCountPhrase) of \(other.headCountPhrase) heads, each "
                + "\(own.headSize) of \(other.headSize) wide, and \(own.intermediateSize) of "
                + "\(other.intermediateSize) neurons",
        ]
    }
}

extension BertParameters<Tensor>.Linear {
    fileprivate func scaled(_ factor: Float) -> Self {
        guard factor != 1 else { return self }
        return .init(
            weight: Tensor(shape: weight.shape, values: weight.values.map { $0 * factor }),
            bias: Tensor(shape: bias.shape, values: bias.values.map { $0 * factor })
        )
    }
}
