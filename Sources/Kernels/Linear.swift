import COneDNN

/// A linear layer's weights where they lie: `weight` `[output, input]`, `bias` `[output]`.
public struct Linear: @unchecked Sendable {
    public let weight: UnsafeMutablePointer<Float>
    public let bias: UnsafeMutablePointer<Float>
    public let output: Int
    public let input: Int
    public private(set) var packed: PackedWeight?
    /// The weights rounded to bfloat16, for products of that precision with weights that change.
    public var rounded: RoundedWeight?

    public init(
        weight: UnsafeMutablePointer<Float>,
        bias: UnsafeMutablePointer<Float>,
        output: Int,
        input: Int
    ) {
        self.weight = weight
        self.bias = bias
        self.output = output
        self.input = input
    }

    /// The same layer with its weights also in the form that products of `precision` read fastest.
    ///
    /// - Precondition: the weights do not change while the result is used.
    public func packing(_ precision: Precision = .f32) -> Linear {
        var result = self
        result.packed = PackedWeight(self, precision: precision)
        return result
    }

    /// Output rows `range` as a layer of their own, in single precision.
    public func outputs(_ range: Range<Int>) -> Linear {
        Linear(
            weight: weight + range.lowerBound * input,
            bias: bias + range.lowerBound,
            output: range.count,
            input: input
        )
    }

    // MARK: Slices

    /// Outputs that are computed together: a few of the library's own blocks, so that a lone
    /// sequence's products can be shared out among workers.
    private static let sliceWidth = 192

    /// The parts that `forward` can compute one by one. They depend on the shape alone, so that
    /// results do not depend on who computes which.
    public var sliceCount: Int { (output + Linear.sliceWidth - 1) / Linear.sliceWidth }

    /// The outputs of a slice.
    public func slice(_ index: Int) -> Range<Int> {
        let start = index * Linear.sliceWidth
        return start..<min(start + Linear.sliceWidth, output)
    }

    /// The product of packed rows with `outputs` of the weights.
    func product(rows: Int, outputs: Int, type: Int) -> bk_product {
        bk_product(
            m: Int32(rows),
            n: Int32(outputs),
            k: Int32(input),
            a_row: Int32(input),
            a_column: 1,
            b_row: 1,
            b_column: Int32(input),
            c_row: Int32(outputs),
            has_bias: type == BK_UINT8 ? 0 : 1,
            activation: 0,
            accumulate: 0,
            a_type: Int32(type),
            b_type: Int32(type == BK_UINT8 ? BK_INT8 : type),
            c_type: Int32(type == BK_UINT8 ? BK_INT32 : BK_FLOAT32)
        )
    }
}
