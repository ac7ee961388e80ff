import CKernels
import COneDNN
import COpenBLAS
import Glibc

/// Which library carries out matrix products.
public enum MatrixBackend: String, Sendable {
    case oneDNN = "oneDNN"
    case openBLAS = "OpenBLAS"

    /// oneDNN where the build has it, unless `BERTKIT_MATRIX_BACKEND=openblas` says otherwise.
    public static let current: MatrixBackend = {
        if bk_onednn_available() == 0 { return .openBLAS }
        if let name = getenv("BERTKIT_MATRIX_BACKEND"), String(cString: name) == "openblas" {
            return .openBLAS
        }
        return .oneDNN
    }()

    /// Name and version, for logs.
    public static var description: String {
        switch current {
        case .oneDNN: "oneDNN \(String(cString: bk_onednn_version()))"
        case .openBLAS: String(cString: bk_openblas_description())
        }
    }
}

/// The function a feed-forward layer applies to its intermediate values.
public enum Activation: Sendable, Hashable {
    case gelu
    case geluTanh
    case relu

    var postOperation: Int32 {
        switch self {
        case .gelu: 1
        case .geluTanh: 2
        case .relu: 3
        }
    }

    /// out = activation(in), element by element.
    public func forward(
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        switch self {
        case .gelu: bk_gelu_forward(input, output, count)
        case .geluTanh: bk_gelu_tanh_forward(input, output, count)
        case .relu: bk_relu_forward(input, output, count)
        }
    }

    /// dIn = dOut · activation′(in), element by element; dIn may be dOut.
    public func backward(
        _ input: UnsafePointer<Float>,
        _ dOutput: UnsafePointer<Float>,
        _ dInput: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        switch self {
        case .gelu: bk_gelu_backward(input, dOutput, dInput, count)
        case .geluTanh: bk_gelu_tanh_backward(input, dOutput, dInput, count)
        case .relu: bk_relu_backward(input, dOutput, dInput, count)
        }
    }
}

/// A weight matrix in the layout the matrix library multiplies fastest; made once for weights that
/// will not change.
public final class PackedWeight: @unchecked Sendable {
    fileprivate let handle: OpaquePointer

    /// - Returns: nil where the library in use has no such layout.
    init?(_ weight: Linear) {
        guard MatrixBackend.current == .oneDNN else { return nil }
        let shape = weight.product(rows: 64, inputStride: weight.input, outputStride: weight.output)
        guard let handle = bk_packed_create(shape, weight.weight) else { return nil }
        self.handle = handle
    }

    deinit { bk_packed_destroy(handle) }
}

/// A linear layer's weights where they lie: `weight` `[output, input]`, `bias` `[output]`.
public struct Linear: @unchecked Sendable {
    public let weight: UnsafeMutablePointer<Float>
    public let bias: UnsafeMutablePointer<Float>
    public let output: Int
    public let input: Int
    public private(set) var packed: PackedWeight?

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

    /// The same layer with its weights also kept in the library's own layout.
    public func packing() -> Linear {
        var result = self
        result.packed = PackedWeight(self)
        return result
    }

    /// Output rows `range` as a layer of their own.
    public func outputs(_ range: Range<Int>) -> Linear {
        Linear(
            weight: weight + range.lowerBound * input,
            bias: bias + range.lowerBound,
            output: range.count,
            input: input
        )
    }

    fileprivate func product(rows: Int, inputStride: Int, outputStride: Int) -> bk_product {
        bk_product(
            m: Int32(rows),
            n: Int32(output),
            k: Int32(input),
            a_row: Int32(inputStride),
            a_column: 1,
            b_row: 1,
            b_column: Int32(input),
            c_row: Int32(outputStride),
            has_bias: 1,
            activation: 0,
            accumulate: 0
        )
    }
}

/// Rows a product takes at once: few enough shapes to compile, and operands that stay in cache.
private let blockHeight = 128

/// Splits `count` into equal blocks of at most `height`.
private func forEachBlock(_ count: Int, height: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let blocks = (count + height - 1) / height
    for block in 0..<blocks { body(block * count / blocks..<(block + 1) * count / blocks) }
}

extension Linear {
    /// out = x · weightᵀ + bias, then `activation` when one is given.
    ///
    /// - Parameters:
    ///   - x: `[m, input]`.
    ///   - out: `[m, output]`, overwritten.
    public func forward(_ x: Matrix, into out: Matrix, activation: Activation? = nil) {
        precondition(x.columns == input && out.columns == output && x.rows == out.rows)
        forEachBlock(x.rows, height: blockHeight) { rows in
            let (x, out) = (x.slice(rows), out.slice(rows))
            switch MatrixBackend.current {
            case .oneDNN:
                var shape = product(rows: x.rows, inputStride: x.stride, outputStride: out.stride)
                shape.activation = activation?.postOperation ?? 0
                run(shape, x.base, weight, packed?.handle, bias, out.base)
            case .openBLAS:
                for row in 0..<out.rows {
                    (out.base + row * out.stride).update(from: bias, count: output)
                }
                bk_openblas_sgemm(
                    0,
                    1,
                    Int32(x.rows),
                    Int32(output),
                    Int32(input),
                    1,
                    x.base,
                    Int32(x.stride),
                    weight,
                    Int32(input),
                    1,
                    out.base,
                    Int32(out.stride)
                )
                if let activation {
                    for row in 0..<out.rows {
                        let line = out.base + row * out.stride
                        activation.forward(line, line, count: output)
                    }
                }
            }
        }
    }

    /// dX = dY · weight, or dX += dY · weight.
    ///
    /// - Parameters:
    ///   - dOutput: `[m, output]`.
    ///   - dInput: `[m, input]`.
    public func backwardInput(_ dOutput: Matrix, into dInput: Matrix, accumulate: Bool) {
        precondition(
            dOutput.columns == output && dInput.columns == input && dOutput.rows == dInput.rows
        )
        forEachBlock(dOutput.rows, height: blockHeight) { rows in
            let (dOutput, dInput) = (dOutput.slice(rows), dInput.slice(rows))
            multiply(
                rows: dOutput.rows,
                columns: input,
                inner: output,
                dOutput.base,
                (dOutput.stride, 1),
                weight,
                (input, 1),
                dInput.base,
                dInput.stride,
                accumulate: accumulate
            )
        }
    }

    /// weight = dYᵀ · X, or += it: this layer holds gradients.
    ///
    /// - Parameters:
    ///   - dOutput: `[T, output]`.
    ///   - x: `[T, input]`, the rows the forward pass saw.
    public func accumulateWeight(_ dOutput: Matrix, _ x: Matrix, accumulate: Bool) {
        precondition(dOutput.columns == output && x.columns == input && dOutput.rows == x.rows)
        var accumulate = accumulate
        forEachBlock(x.rows, height: 2 * blockHeight) { rows in
            let (dOutput, x) = (dOutput.slice(rows), x.slice(rows))
            multiply(
                rows: output,
                columns: input,
                inner: x.rows,
                dOutput.base,
                (1, dOutput.stride),
                x.base,
                (x.stride, 1),
                weight,
                input,
                accumulate: accumulate
            )
            accumulate = true
        }
        if !accumulate { weight.update(repeating: 0, count: output * input) }
    }
}

/// C[rows, columns] = A · B (+ C), A and B by their strides along each axis, one of which is 1.
private func multiply(
    rows: Int,
    columns: Int,
    inner: Int,
    _ a: UnsafePointer<Float>,
    _ aStrides: (Int, Int),
    _ b: UnsafePointer<Float>,
    _ bStrides: (Int, Int),
    _ c: UnsafeMutablePointer<Float>,
    _ cStride: Int,
    accumulate: Bool
) {
    switch MatrixBackend.current {
    case .oneDNN:
        let shape = bk_product(
            m: Int32(rows),
            n: Int32(columns),
            k: Int32(inner),
            a_row: Int32(aStrides.0),
            a_column: Int32(aStrides.1),
            b_row: Int32(bStrides.0),
            b_column: Int32(bStrides.1),
            c_row: Int32(cStride),
            has_bias: 0,
            activation: 0,
            accumulate: accumulate ? 1 : 0
        )
        run(shape, a, b, nil, nil, c)
    case .openBLAS:
        // In a matrix of one row or column both strides may be 1; only its extent tells which is which.
        bk_openblas_sgemm(
            aStrides.1 == 1 && aStrides.0 >= inner ? 0 : 1,
            bStrides.1 == 1 && bStrides.0 >= columns ? 0 : 1,
            Int32(rows),
            Int32(columns),
            Int32(inner),
            1,
            a,
            Int32(max(aStrides.0, aStrides.1)),
            b,
            Int32(max(bStrides.0, bStrides.1)),
            accumulate ? 1 : 0,
            c,
            Int32(cStride)
        )
    }
}

private func run(
    _ shape: bk_product,
    _ a: UnsafePointer<Float>,
    _ b: UnsafePointer<Float>,
    _ packed: OpaquePointer?,
    _ bias: UnsafePointer<Float>?,
    _ c: UnsafeMutablePointer<Float>
) {
    var shape = shape
    let status = bk_product_run(&shape, a, b, packed, bias, c)
    precondition(status == 0, "oneDNN refused a matrix product (status \(status)): \(shape)")
}
