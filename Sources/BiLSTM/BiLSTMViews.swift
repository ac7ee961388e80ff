import Bert
import Kernels

/// A BiLSTM's parameters, or their gradients, where they lie.
struct BiLSTMViews: @unchecked Sendable {
    /// `[V, E]`
    let embedding: UnsafeMutablePointer<Float>
    let embeddingSize: Int
    let units: Int
    /// Forwards and backwards, `[4U, E]` with the bias.
    var input: [Linear]
    /// `[4U, U]`, without a bias of their own.
    var recurrent: [Linear]
    /// `[F, 2U]`, of pairs `[F, 8U]`.
    var hidden: Linear
    /// `[C, F]`
    let output: Linear

    init(_ layout: BiLSTMLayout, base: UnsafeMutablePointer<Float>) {
        let configuration = layout.configuration
        let (units, width) = (configuration.units, configuration.embeddingSize)
        func place(_ name: String) -> UnsafeMutablePointer<Float> { base + layout[name].offset }
        embedding = place("embedding.weight")
        embeddingSize = width
        self.units = units
        input = [0, 1].map { direction in
            Linear(
                weight: place(BiLSTMLayout.name(.input, direction)),
                bias: place(BiLSTMLayout.name(.bias, direction)),
                output: 4 * units,
                input: width
            )
        }
        recurrent = [0, 1].map { direction in
            Linear(
                weight: place(BiLSTMLayout.name(.recurrent, direction)),
                // Not read: the sum of both products has the input's.
                bias: place(BiLSTMLayout.name(.bias, direction)),
                output: 4 * units,
                input: units
            )
        }
        hidden = Linear(
            weight: place("hidden.weight"),
            bias: place("hidden.bias"),
            output: configuration.hiddenSize,
            input: configuration.featureCount
        )
        output = Linear(
            weight: place("output.weight"),
            bias: place("output.bias"),
            output: configuration.labels.count,
            input: configuration.hiddenSize
        )
    }
}
