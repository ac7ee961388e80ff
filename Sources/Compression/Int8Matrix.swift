import Checkpoints
import Kernels
import Tensors

/// A matrix of signed bytes with a scale for each row: an output of a linear layer, or a row of a table.
struct Int8Matrix: Sendable {
    /// `[R, C]`
    let shape: Shape
    /// `[R, C]` row-major, −127…127.
    let bytes: [Int8]
    /// `[R]`
    let scales: [Float]

    /// Rounds each row symmetrically, its largest magnitude to ±127.
    ///
    /// - Precondition: the tensor is a matrix of finite values.
    init(rounding matrix: Tensor) {
        precondition(matrix.shape.rank == 2, "\(matrix.shape) is no matrix")
        shape = matrix.shape
        let (rows, columns) = (shape[0], shape[1])
        var scales = [Float](repeating: 0, count: rows)
        bytes = [Int8](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            matrix.values.withUnsafeBufferPointer { values in
                for row in 0..<rows {
                    let range = row * columns..<(row + 1) * columns
                    scales[row] = ByteRounding.round(
                        UnsafeBufferPointer(rebasing: values[range]),
                        into: UnsafeMutableBufferPointer(rebasing: buffer[range])
                    )
                }
            }
            count = rows * columns
        }
        self.scales = scales
    }

    /// What is computed with: byte · scale.
    var tensor: Tensor {
        let columns = shape[1]
        let values = [Float](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            for row in 0..<shape[0] {
                for index in row * columns..<(row + 1) * columns {
                    buffer[index] = Float(bytes[index]) * scales[row]
                }
            }
            count = bytes.count
        }
        return Tensor(shape: shape, values: values)
    }

    /// The bytes of the transposed matrix, `[C, R]`.
    var transposedBytes: [Int8] {
        let (rows, columns) = (shape[0], shape[1])
        return [Int8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            for row in 0..<rows {
                for column in 0..<columns {
                    buffer[column * rows + row] = bytes[row * columns + column]
                }
            }
            count = bytes.count
        }
    }

    /// Bytes and scales.
    var byteCount: Int { bytes.count + scales.count * ElementType.float32.byteCount }
}
