/// How much arithmetic an encoder does.
public enum EncoderCost {
    /// Floating-point operations per token of a forward pass of the encoder's layers, a multiply
    /// and an add counting two:
    ///
    /// L · (2·(4·d² + 2·d·f) + 4·l·d)
    ///
    /// for L layers of width d with an intermediate width f at a mean length of l tokens: query,
    /// key, value and output projections are 4·d², the two feed-forward products 2·d·f; scores and
    /// their product with the values are 2·l·d each. Embeddings, pooler, head, softmax, GELU and
    /// LayerNorm are left out, as the papers of the field do. At l = 128, BERT-base has 22.35
    /// billion per sequence.
    public static func operationsPerToken(
        layerCount: Int,
        hiddenSize: Int,
        intermediateSize: Int,
        meanLength: Double
    ) -> Double {
        let d = Double(hiddenSize)
        let f = Double(intermediateSize)
        return Double(layerCount) * (2 * (4 * d * d + 2 * d * f) + 4 * meanLength * d)
    }
}
