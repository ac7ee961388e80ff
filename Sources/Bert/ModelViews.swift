import Kernels
import Tensors

/// One encoder layer's parameters (or their gradients) where they lie.
struct LayerViews: Sendable {
    /// Query, key and value as one layer, `[3H, H]`.
    var queryKeyValue: Linear
    /// Its parts, for a layer of which only the first token's output is wanted.
    var query: Linear
    var keyValue: Linear
    var attentionOutput: Linear
    var attentionNorm: LayerNorm
    var intermediate: Linear
    var output: Linear
    var outputNorm: LayerNorm

    /// The same layer with its weights also in the matrix library's own layout.
    func packing(firstTokenOnly: Bool) -> LayerViews {
        var result = self
        if firstTokenOnly {
            result.query = query.packing()
            result.keyValue = keyValue.packing()
        } else {
            result.queryKeyValue = queryKeyValue.packing()
        }
        result.attentionOutput = attentionOutput.packing()
        result.intermediate = intermediate.packing()
        result.output = output.packing()
        return result
    }
}

/// A whole model's parameters (or their gradients) where they lie.
struct ModelViews: @unchecked Sendable {
    let wordEmbeddings: UnsafeMutablePointer<Float>
    let positionEmbeddings: UnsafeMutablePointer<Float>
    let tokenTypeEmbeddings: UnsafeMutablePointer<Float>
    let embeddingNorm: LayerNorm
    var layers: [LayerViews]
    let pooler: Linear
    let classifier: Linear

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
        guard let pooler = slots.pooler, let classifier = slots.classifier else {
            preconditionFailure("a layout without pooler or classifier")
        }
        wordEmbeddings = buffer.pointer(slots.embeddings.wordEmbeddings.weight)
        positionEmbeddings = buffer.pointer(slots.embeddings.positionEmbeddings.weight)
        tokenTypeEmbeddings = buffer.pointer(slots.embeddings.tokenTypeEmbeddings.weight)
        embeddingNorm = norm(slots.embeddings.layerNorm)
        layers = slots.encoder.layer.map { layer in
            let query = linear(layer.attention.selfAttention.query)
            let hidden = query.input
            let all = Linear(
                weight: query.weight,
                bias: query.bias,
                output: 3 * hidden,
                input: hidden
            )
            return LayerViews(
                queryKeyValue: all,
                query: query,
                keyValue: all.outputs(hidden..<3 * hidden),
                attentionOutput: linear(layer.attention.output.dense),
                attentionNorm: norm(layer.attention.output.layerNorm),
                intermediate: linear(layer.intermediate.dense),
                output: linear(layer.output.dense),
                outputNorm: norm(layer.output.layerNorm)
            )
        }
        self.pooler = linear(pooler.dense)
        self.classifier = linear(classifier)
    }
}
