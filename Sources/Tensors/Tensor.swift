/// A dense, row-major tensor of 32-bit floats in memory.
public struct Tensor: Sendable, Equatable {
    public let shape: Shape
    public var values: [Float]

    /// - Precondition: `values.count == shape.count`.
    public init(shape: Shape, values: [Float]) {
        precondition(
            values.count == shape.count,
            "\(values.count) values for shape \(shape)"
        )
        self.shape = shape
        self.values = values
    }

    public init(repeating value: Float, shape: Shape) {
        self.shape = shape
        self.values = [Float](repeating: value, count: shape.count)
    }
}

extension Tensor {
    /// The matrix transpose, `[R, C]` to `[C, R]`.
    ///
    /// - Precondition: the tensor has rank 2.
    public func transposed() -> Tensor {
        precondition(shape.rank == 2, "transposing shape \(shape)")
        let (rows, columns) = (shape[0], shape[1])
        let result = [Float](unsafeUninitializedCapacity: values.count) { target, count in
            values.withUnsafeBytes { source in
                ElementType.float32.transpose(
                    source,
                    into: UnsafeMutableRawBufferPointer(
                        start: target.baseAddress,
                        count: source.count
                    ),
                    rows: rows,
                    columns: columns
                )
            }
            count = values.count
        }
        return Tensor(shape: [columns, rows], values: result)
    }
}
