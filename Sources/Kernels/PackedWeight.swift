import CKernels
import COneDNN

/// A weight matrix in the form in which products of a precision read it fastest; made once for
/// weights that will not change.
///
/// A class because its identity is the memory.
public final class PackedWeight: @unchecked Sendable {
    public let precision: Precision
    /// The library's own layout of the whole matrix; nil where it has none.
    let whole: OpaquePointer?
    /// The same of each slice of outputs, in the same memory if the layout allows it.
    let slices: [OpaquePointer]
    let bytes: ByteWeight?
    /// For the processor's own matrix instructions; nil where a library multiplies.
    let panels: WeightPanels?

    static let librarysByteProducts =
        MatrixBackend.current == .oneDNN && bk_onednn_multiplies(Int32(BK_UINT8)) != 0

    /// - Returns: nil where the weights as they are are best.
    init?(_ linear: Linear, precision: Precision) {
        self.precision = precision
        if precision != .f32, MatrixBackend.usesTiles {
            let bytes = precision == .int8 ? ByteWeight(linear) : nil
            self.bytes = bytes
            panels =
                bytes.map { WeightPanels($0.takeValues(), linear) }
                ?? WeightPanels(rounding: linear)
            (whole, slices) = (nil, [])
            return
        }
        panels = nil
        switch precision {
        case .f32, .bf16:
            guard MatrixBackend.current == .oneDNN, precision.isAvailable else { return nil }
            bytes = nil
            (whole, slices) = PackedWeight.pack(
                linear,
                precision == .f32 ? BK_FLOAT32 : BK_BFLOAT16,
                from: linear.weight,
                BK_FLOAT32
            )
        case .int8:
            let bytes = ByteWeight(linear)
            if PackedWeight.librarysByteProducts {
                let values = bytes.takeValues()
                defer { values.deallocate() }
                (whole, slices) = PackedWeight.pack(linear, BK_UINT8, from: values, BK_INT8)
            } else {
                (whole, slices) = (nil, [])
            }
            self.bytes = bytes
        }
    }

    /// - Parameters:
    ///   - type: of the products' first operand.
    ///   - values: the weights, `[output, input]`, of type `stored`.
    private static func pack<Value>(
        _ linear: Linear,
        _ type: Int,
        from values: UnsafePointer<Value>,
        _ stored: Int
    ) -> (whole: OpaquePointer, slices: [OpaquePointer]) {
        func create(_ shape: bk_product, _ values: UnsafePointer<Value>) -> OpaquePointer {
            guard let handle = bk_packed_create(shape, values, Int32(stored)) else {
                preconditionFailure("oneDNN refused to lay out a weight: \(shape)")
            }
            return handle
        }
        let rows = Linear.blockHeight
        let whole = create(linear.product(rows: rows, outputs: linear.output, type: type), values)
        let slices = (0..<linear.sliceCount).map { index in
            let range = linear.slice(index)
            let shape = linear.product(rows: rows, outputs: range.count, type: type)
            return bk_packed_columns(whole, shape, Int32(range.lowerBound))
                ?? create(shape, values + range.lowerBound * linear.input)
        }
        return (whole, slices)
    }

    deinit {
        for slice in slices { bk_packed_destroy(slice) }
        if let whole { bk_packed_destroy(whole) }
    }
}

/// Weights rounded to bytes, with a scale for each output: w ≈ scale · byte, symmetric about zero.
final class ByteWeight: @unchecked Sendable {
    /// `[output, input]`; nil once a library has them in a layout of its own.
    private(set) var values: UnsafeMutablePointer<Int8>?
    /// `[output]`.
    let scales: FloatBuffer
    /// scale · the sum of an output's bytes, `[output]`: what the lowest value of a token's range
    /// contributes for each unit.
    let sums: FloatBuffer

    init(_ linear: Linear) {
        let values = UnsafeMutablePointer<Int8>.allocate(capacity: linear.output * linear.input)
        self.values = values
        scales = FloatBuffer(count: linear.output)
        sums = FloatBuffer(count: linear.output)
        for output in 0..<linear.output {
            let start = output * linear.input
            var sum: Int32 = 0
            let scale = bk_round_to_bytes(
                linear.weight + start,
                values + start,
                linear.input,
                &sum
            )
            scales.base[output] = scale
            sums.base[output] = scale * Float(sum)
        }
    }

    /// The bytes, which are the caller's from now on.
    fileprivate func takeValues() -> UnsafeMutablePointer<Int8> {
        guard let values else { preconditionFailure("bytes taken twice") }
        self.values = nil
        return values
    }

    deinit { values?.deallocate() }
}
