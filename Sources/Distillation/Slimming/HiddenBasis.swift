import Bert
import Diagnostics
import Kernels
package import Tensors

/// Which h directions of a teacher's H hidden dimensions a student's are.
///
/// With orthonormal rows B `[h, H]` a student's state is B x, and B^T of it stands for x in every
/// matrix that reads one: W becomes W B^T. Matrices that write hidden states become B W. Both are
/// exact for states in the span of B; what leaves it is lost.
enum HiddenBasis {
    /// Some of the dimensions as they are.
    case selection([Int])
    /// B, `[h, H]`, with orthonormal rows.
    case projection(Tensor)

    var size: Int {
        switch self {
        case .selection(let indexes): indexes.count
        case .projection(let basis): basis.shape[0]
        }
    }

    /// X B^T: `[R, H]` to `[R, h]`.
    func columns(_ matrix: Tensor, _ pool: WorkerPool) -> Tensor {
        switch self {
        case .selection(let indexes): return matrix.columns(indexes)
        case .projection(let basis):
            let input = FloatBuffer(count: matrix.values.count)
            input.base.update(from: matrix.values, count: matrix.values.count)
            let rows = input.matrix(rows: matrix.shape[0], columns: matrix.shape[1])
            let result = project(rows, basis, pool)
            return Tensor(
                shape: [rows.rows, size],
                values: result.matrix(rows: rows.rows, columns: size).values
            )
        }
    }

    /// B X: `[H, C]` to `[h, C]`.
    func rows(_ matrix: Tensor, _ pool: WorkerPool) -> Tensor {
        switch self {
        case .selection(let indexes): matrix.rows(indexes)
        case .projection: columns(matrix.transposed(), pool).transposed()
        }
    }

    /// B v: `[H]` to `[h]`.
    func vector(_ vector: Tensor, _ pool: WorkerPool) -> Tensor {
        let row = Tensor(shape: [1, vector.shape[0]], values: vector.values)
        return Tensor(shape: [size], values: columns(row, pool).values)
    }

    /// A layer normalisation over the student's dimensions. Exact in neither case, since mean and
    /// variance are of fewer dimensions; of a projection only the diagonal of B diag(weight) B^T is
    /// kept, scaled for the share of the states' energy that the span holds.
    func norm(
        _ norm: BertParameters<Tensor>.LayerNorm,
        energy: Double,
        _ pool: WorkerPool
    ) -> BertParameters<Tensor>.LayerNorm {
        let bias = vector(norm.bias, pool)
        guard case .projection(let basis) = self else {
            return .init(weight: vector(norm.weight, pool), bias: bias)
        }
        let width = basis.shape[1]
        let factor = (energy * Double(width) / Double(size)).squareRoot()
        let weight = (0..<size).map { row in
            let sum = (0..<width).reduce(0.0) { sum, column in
                let element = Double(basis.values[row * width + column])
                return sum + element * element * Double(norm.weight.values[column])
            }
            return Float(factor * sum)
        }
        return .init(weight: Tensor(shape: [size], values: weight), bias: bias)
    }
}

/// X B^T, `[R, h]`, on the workers.
func project(_ x: Matrix, _ basis: Tensor, _ pool: WorkerPool) -> FloatBuffer {
    let (size, width) = (basis.shape[0], basis.shape[1])
    let weights = FloatBuffer(count: basis.values.count)
    weights.base.update(from: basis.values, count: basis.values.count)
    let zeros = FloatBuffer(count: size)
    let result = FloatBuffer(count: x.rows * size)
    let linear = Linear(weight: weights.base, bias: zeros.base, output: size, input: width)
    let out = result.matrix(rows: x.rows, columns: size)
    let step = 8 * Linear.blockHeight
    pool.run((x.rows + step - 1) / step) { task, _ in
        let rows = task * step..<min((task + 1) * step, x.rows)
        linear.forward(x.slice(rows), into: out.slice(rows))
    }
    withExtendedLifetime((weights, zeros)) {}
    return result
}

extension Tensor {
    /// Some rows of a matrix, or elements of a vector, in the order given.
    package func rows(_ indexes: [Int]) -> Tensor {
        let width = shape.count == 0 ? 0 : shape.count / shape[0]
        var shape = shape
        shape.dimensions[0] = indexes.count
        return Tensor(
            shape: shape,
            values: indexes.flatMap { values[$0 * width..<($0 + 1) * width] }
        )
    }

    /// Some columns of a matrix.
    package func columns(_ indexes: [Int]) -> Tensor {
        let (rows, width) = (shape[0], shape[1])
        var result: [Float] = []
        result.reserveCapacity(rows * indexes.count)
        for row in 0..<rows {
            for index in indexes { result.append(values[row * width + index]) }
        }
        return Tensor(shape: [rows, indexes.count], values: result)
    }
}
