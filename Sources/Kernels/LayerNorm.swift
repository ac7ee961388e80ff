import CKernels

/// Where a dropout mask's random numbers come from: a place in the Philox stream, so that any worker
/// can make any part of it, and the backward pass makes it again.
public struct Dropout: Sendable {
    public static let none = Dropout(probability: 0, seed: 0, step: 0, site: 0)

    /// The chance of an element being dropped, in [0, 1).
    public let probability: Float
    public let seed: UInt64
    public let step: UInt32
    /// Which mask of the step: unique per layer and use.
    public let site: UInt32

    public init(probability: Float, seed: UInt64, step: UInt32, site: UInt32) {
        precondition(probability >= 0 && probability < 1)
        (self.probability, self.seed, self.step, self.site) = (probability, seed, step, site)
    }

    var constants: bk_dropout {
        // The last counter word separates dropout from the generator's other purposes (3 there).
        bk_dropout(seed: seed, step: step, site: site << 8 | 3, probability: probability)
    }

    /// Multiplies elements `first...` of the mask onto consecutive values.
    public func apply(to values: UnsafeMutablePointer<Float>, count: Int, first: Int) {
        guard probability > 0 else { return }
        bk_dropout_apply(values, count, UInt64(first), constants)
    }
}

/// A layer normalisation's parameters (or their gradients) where they lie, both `[H]`.
public struct LayerNorm: @unchecked Sendable {
    public let weight: UnsafeMutablePointer<Float>
    public let bias: UnsafeMutablePointer<Float>
    public let size: Int

    public init(
        weight: UnsafeMutablePointer<Float>,
        bias: UnsafeMutablePointer<Float>,
        size: Int
    ) {
        (self.weight, self.bias, self.size) = (weight, bias, size)
    }

    /// What the backward pass needs of each row.
    public struct Saved: @unchecked Sendable {
        /// The normalised rows' input, `[m, H]`.
        public let sum: Matrix
        public let mean: UnsafeMutablePointer<Float>
        /// 1 / √(variance + ε).
        public let reciprocalDeviation: UnsafeMutablePointer<Float>

        public init(
            sum: Matrix,
            mean: UnsafeMutablePointer<Float>,
            reciprocalDeviation: UnsafeMutablePointer<Float>
        ) {
            (self.sum, self.mean) = (sum, mean)
            self.reciprocalDeviation = reciprocalDeviation
        }
    }

    /// out = LayerNorm(dropout(dense) + residual).
    ///
    /// - Parameters:
    ///   - dense: `[m, H]`; dropped in place.
    ///   - residual: `[m, H]`, or nil.
    ///   - saved: filled for the backward pass when given; its `sum` may be `dense`.
    ///   - firstRow: the place of row 0 in the batch, for the dropout mask.
    ///   - dropoutAfter: drops elements of the result instead, as BERT's embeddings do.
    public func forward(
        dense: Matrix,
        residual: Matrix?,
        epsilon: Float,
        saved: Saved?,
        into out: Matrix,
        firstRow: Int,
        dropout: Dropout,
        dropoutAfter: Bool = false
    ) {
        precondition(dense.stride == size && out.stride == size && dense.rows == out.rows)
        bk_layer_norm_forward(
            dense.base,
            residual?.base,
            weight,
            bias,
            epsilon,
            saved?.sum.base,
            saved?.mean,
            saved?.reciprocalDeviation,
            out.base,
            dense.rows,
            size,
            firstRow,
            dropout.constants,
            dropoutAfter ? 1 : 0
        )
    }

    /// The gradient of the normalised sum, and `gradients` += those of the parameters.
    ///
    /// - Parameter dInput: `[m, H]`, overwritten; may be `dOutput`.
    public func backward(
        _ dOutput: Matrix,
        saved: Saved,
        into dInput: Matrix,
        gradients: LayerNorm
    ) {
        bk_layer_norm_backward(
            dOutput.base,
            saved.sum.base,
            saved.mean,
            saved.reciprocalDeviation,
            weight,
            dInput.base,
            gradients.weight,
            gradients.bias,
            dOutput.rows,
            size
        )
    }
}
