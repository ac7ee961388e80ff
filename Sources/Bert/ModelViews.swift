import Kernels
import Tensors

/// One encoder layer's parameters (or their gradients) where they lie.
struct LayerViews: Sendable {
    /// Query, key and value as one layer, `[3A, H]`.
    var queryKeyValue: Linear
    /// Its parts, for a layer of which only the first token's output is wanted.
    var query: Linear
    var keyValue: Linear
    var attentionOutput: Linear
    var attentionNorm: LayerNorm
    var intermediate: Linear
    var output: Linear
    var outputNorm: LayerNorm

    /// A, the width of queries, keys and values.
    var attentionWidth: Int { query.output }

    /// The same layer with its weights also in the form that products of a precision read fastest.
    ///
    /// - Parameter firstTokenOnly: whether a pass may want its first tokens' outputs alone.
    func packing(firstTokenOnly: Bool, _ precision: Precision) -> LayerViews {
        var result = self
        result.queryKeyValue = queryKeyValue.packing(precision)
        if firstTokenOnly {
            result.query = query.packing(precision)
            result.keyValue = keyValue.packing(precision)
        }
        result.attentionOutput = attentionOutput.packing(precision)
        result.intermediate = intermediate.packing(precision)
        result.output = output.packing(precision)
        return result
    }

    /// The matrices that are not read where they lie any more.
    var packedMatrices: [Linear] {
        [queryKeyValue, query, keyValue, attentionOutput, intermediate, output]
            .filter { $0.packed != nil }
    }
}

/// A head that predicts word pieces: `decoder`'s weight is the word embeddings.
struct PredictionViews: Sendable {
    var dense: Linear  // [E, H]
    let norm: LayerNorm
    var decoder: Linear  // [V, E]

    /// The same head with the decoder's weights also in the form that products of a precision read
    /// fastest.
    func packing(_ precision: Precision) -> PredictionViews {
        var result = self
        result.decoder = decoder.packing(precision)
        return result
    }
}

/// A whole model's parameters (or their gradients) where they lie.
struct ModelViews: @unchecked Sendable {
    let wordEmbeddings: UnsafeMutablePointer<Float>
    let positionEmbeddings: UnsafeMutablePointer<Float>
    let tokenTypeEmbeddings: UnsafeMutablePointer<Float>?
    /// Added where a family has no token types.
    private let zeros: FloatBuffer?
    let embeddingNorm: LayerNorm
    let embeddingsProject: Linear?
    var layers: [LayerViews]
    let pooler: Linear?
    var predictions: PredictionViews?
    let seqRelationship: Linear?
    let discriminatorDense: Linear?
    let discriminatorPrediction: Linear?
    let classifier: Linear?
    let qaOutputs: Linear?

    init(_ buffer: ParameterBuffer) {
        func linear(_ slots: BertParameters<ParameterSlot>.Linear) -> Linear {
            Linear(
                weight: buffer.pointer(slots.weight),
                bias: buffer.pointer(slots.bias),
                output: slots.weight.shape[0],
                input: slots.weight.shape[1]
            )
        }
        func norm(_ slots: BertParameters<ParameterSlot>.LayerNorm) -> LayerNorm {
            LayerNorm(
                weight: buffer.pointer(slots.weight),
                bias: buffer.pointer(slots.bias),
                size: slots.weight.shape[0]
            )
        }
        let slots = buffer.layout.slots
        let words = slots.embeddings.wordEmbeddings.weight
        wordEmbeddings = buffer.pointer(words)
        positionEmbeddings = buffer.pointer(slots.embeddings.positionEmbeddings.weight)
        tokenTypeEmbeddings = slots.embeddings.tokenTypeEmbeddings.map { buffer.pointer($0.weight) }
        zeros = tokenTypeEmbeddings == nil ? FloatBuffer(count: words.shape[1]) : nil
        embeddingNorm = norm(slots.embeddings.layerNorm)
        embeddingsProject = slots.embeddingsProject.map(linear)
        layers = slots.encoder.layer.map { layer in
            let query = linear(layer.attention.selfAttention.query)
            let width = query.output
            let all = Linear(
                weight: query.weight,
                bias: query.bias,
                output: 3 * width,
                input: query.input
            )
            return LayerViews(
                queryKeyValue: all,
                query: query,
                keyValue: all.outputs(width..<3 * width),
                attentionOutput: linear(layer.attention.output.dense),
                attentionNorm: norm(layer.attention.output.layerNorm),
                intermediate: linear(layer.intermediate.dense),
                output: linear(layer.output.dense),
                outputNorm: norm(layer.output.layerNorm)
            )
        }
        pooler = slots.pooler.map { linear($0.dense) }
        predictions = slots.predictions.map { predictions in
            PredictionViews(
                dense: linear(predictions.transform.dense),
                norm: norm(predictions.transform.layerNorm),
                decoder: Linear(
                    weight: buffer.pointer(words),
                    bias: buffer.pointer(predictions.bias),
                    output: words.shape[0],
                    input: words.shape[1]
                )
            )
        }
        seqRelationship = slots.seqRelationship.map(linear)
        discriminatorDense = slots.discriminatorPredictions.map { linear($0.dense) }
        discriminatorPrediction = slots.discriminatorPredictions.map { linear($0.densePrediction) }
        classifier = slots.classifier.map(linear)
        qaOutputs = slots.qaOutputs.map(linear)
    }
    /// The table that token types are looked up in: one row of zeros where there is none.
    var typeTable: UnsafeMutablePointer<Float> {
        guard let table = tokenTypeEmbeddings ?? zeros?.base else {
            preconditionFailure("neither token types nor zeros")
        }
        return table
    }
}
