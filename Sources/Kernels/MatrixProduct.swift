import COneDNN
import COpenBLAS

/// An operand of a product: elements of `type`, with the distances between neighbours along each axis,
/// one of which is 1.
struct Operand {
    let base: UnsafeRawPointer
    let row: Int
    let column: Int
    var type = BK_FLOAT32

    static func rows(_ matrix: Matrix) -> Operand {
        Operand(base: matrix.base, row: matrix.stride, column: 1)
    }

    static func transposed(_ matrix: Matrix) -> Operand {
        Operand(base: matrix.base, row: 1, column: matrix.stride)
    }
}

/// C = A · B or C += A · B, in single precision or of bfloat16 operands.
///
/// - Parameters:
///   - inner: A's columns and B's rows.
///   - c: the result, `[m, n]`.
func multiply(_ a: Operand, _ b: Operand, inner: Int, into c: Matrix, accumulate: Bool) {
    switch MatrixBackend.current {
    case .oneDNN:
        run(
            bk_product(
                m: Int32(c.rows),
                n: Int32(c.columns),
                k: Int32(inner),
                a_row: Int32(a.row),
                a_column: Int32(a.column),
                b_row: Int32(b.row),
                b_column: Int32(b.column),
                c_row: Int32(c.stride),
                has_bias: 0,
                activation: 0,
                accumulate: accumulate ? 1 : 0,
                a_type: Int32(a.type),
                b_type: Int32(b.type),
                c_type: Int32(BK_FLOAT32)
            ),
            a.base,
            b.base,
            nil,
            nil,
            c.base
        )
    case .openBLAS:
        precondition(a.type == BK_FLOAT32 && b.type == BK_FLOAT32, "OpenBLAS multiplies floats")
        // In a matrix of one row or column both strides may be 1; only its extent tells which is which.
        bk_openblas_sgemm(
            a.column == 1 && a.row >= inner ? 0 : 1,
            b.column == 1 && b.row >= c.columns ? 0 : 1,
            Int32(c.rows),
            Int32(c.columns),
            Int32(inner),
            1,
            a.base.assumingMemoryBound(to: Float.self),
            Int32(max(a.row, a.column)),
            b.base.assumingMemoryBound(to: Float.self),
            Int32(max(b.row, b.column)),
            accumulate ? 1 : 0,
            c.base,
            Int32(c.stride)
        )
    }
}

extension Matrix {
    /// The product of two matrices, in single precision.
    ///
    /// - Parameters:
    ///   - one: `[m, k]`.
    ///   - other: `[k, n]`.
    ///   - result: `[m, n]`, overwritten.
    public static func multiply(_ one: Matrix, _ other: Matrix, into result: Matrix) {
        precondition(
            one.columns == other.rows && result.rows == one.rows
                && result.columns == other.columns,
            "[\(one.rows), \(one.columns)] by [\(other.rows), \(other.columns)]"
        )
        Linear.forEachBlock(0..<one.rows) { rows in
            Kernels.multiply(
                .rows(one.slice(rows)),
                .rows(other),
                inner: one.columns,
                into: result.slice(rows),
                accumulate: false
            )
        }
    }
}

/// Carries out a product through oneDNN.
func run(
    _ shape: bk_product,
    _ a: UnsafeRawPointer,
    _ b: UnsafeRawPointer?,
    _ packed: OpaquePointer?,
    _ bias: UnsafePointer<Float>?,
    _ c: UnsafeMutableRawPointer
) {
    var shape = shape
    let status = bk_product_run(&shape, a, b, packed, bias, c)
    precondition(status == 0, "oneDNN refused a matrix product (status \(status)): \(shape)")
}

extension Linear {
    /// Rows a product takes at once: few enough shapes to compile, and operands that stay in cache.
    public static let blockHeight = 128

    /// Splits rows into equal blocks of at most `height`.
    public static func forEachBlock(
        _ rows: Range<Int>,
        height: Int = blockHeight,
        _ body: (Range<Int>) -> Void
    ) {
        let count = rows.count
        let blocks = (count + height - 1) / height
        for block in 0..<blocks {
            body((block * count / blocks..<(block + 1) * count / blocks).shifted(rows.lowerBound))
        }
    }
}

extension Range<Int> {
    fileprivate func shifted(_ distance: Int) -> Range<Int> {
        lowerBound + distance..<upperBound + distance
    }
}
