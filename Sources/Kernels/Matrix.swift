/// A row-major matrix in memory that somebody else owns.
///
/// Kernels work on views; whoever makes one keeps the memory alive while it is used, and no two
/// tasks that run at once may write the same rows.
public struct Matrix: @unchecked Sendable {
    public let base: UnsafeMutablePointer<Float>
    public let rows: Int
    public let columns: Int
    /// The distance between rows in elements.
    public let stride: Int

    public init(
        _ base: UnsafeMutablePointer<Float>,
        rows: Int,
        columns: Int,
        stride: Int? = nil
    ) {
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride ?? columns
    }

    /// Rows `range` as a view of their own.
    @inlinable
    public func slice(_ range: Range<Int>) -> Matrix {
        Matrix(
            base + range.lowerBound * stride,
            rows: range.count,
            columns: columns,
            stride: stride
        )
    }

    /// The elements row after row, copied.
    public var values: [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * columns)
        for row in 0..<rows {
            result.append(
                contentsOf: UnsafeBufferPointer(start: base + row * stride, count: columns)
            )
        }
        return result
    }
}
