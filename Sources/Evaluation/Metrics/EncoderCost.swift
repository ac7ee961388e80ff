public import Bert

/// How much arithmetic an encoder does.
public enum EncoderCost {
    /// Floating-point operations per token of a forward pass of the encoder's layers, a multiply
    /// and an add counting two:
    ///
    /// Σ over layers of 2·(4·d·a + 2·d·f) + 4·l·a
    ///
    /// for layers of width d whose heads are a wide together (d, where none was pruned), with an
    /// intermediate width f at a mean length of l tokens: query, key, value and output projections
    /// are 4·d·a, the two feed-forward products 2·d·f; scores and their product with the values are
    /// 2·l·a each. Embeddings, pooler, head, softmax, GELU and
    /// LayerNorm are left out, as the papers of the field do. At l = 128, BERT-base has 22.35
    /// billion per sequence.
    public static func operationsPerToken(
        _ configuration: BertConfiguration,
        meanLength: Double
    ) -> Double {
        let d = Double(configuration.hiddenSize)
        let f = Double(configuration.intermediateSize)
        return (0..<configuration.hiddenLayerCount).reduce(0) { sum, layer in
            let a = Double(configuration.attentionWidth(ofLayer: layer))
            return sum + 2 * (4 * d * a + 2 * d * f) + 4 * meanLength * a
        }
    }
}
