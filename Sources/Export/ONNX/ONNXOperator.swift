import Foundation
import Kernels
import Tensors

/// The operators that written graphs have, as ONNX's operator documents define them for opset 18.
enum ONNXOperator: String {
    case abs = "Abs"
    case add = "Add"
    case cast = "Cast"
    case cumulativeSum = "CumSum"
    case dequantizeLinear = "DequantizeLinear"
    case divide = "Div"
    case dynamicQuantizeLinear = "DynamicQuantizeLinear"
    case equal = "Equal"
    case erf = "Erf"
    case gather = "Gather"
    case layerNormalization = "LayerNormalization"
    case matrixProduct = "MatMul"
    case byteProduct = "MatMulInteger"
    case maximum = "Max"
    case multiply = "Mul"
    case not = "Not"
    case quantizeLinear = "QuantizeLinear"
    case reduceMaximum = "ReduceMax"
    case relu = "Relu"
    case reshape = "Reshape"
    case shape = "Shape"
    case slice = "Slice"
    case softmax = "Softmax"
    case subtract = "Sub"
    case tanh = "Tanh"
    case transpose = "Transpose"
    case unsqueeze = "Unsqueeze"

    typealias Value = ONNXInterpreter.Value

    /// - Precondition: the arguments are as the operator demands.
    func compute(_ node: ONNXGraph.Node, _ x: [Value]) -> [Value] {
        let first = x[0]
        func result(_ tensor: Tensor, _ type: ONNXGraph.DataType? = nil) -> [Value] {
            [Value(tensor: tensor, type: type ?? first.type)]
        }
        func each(_ body: (Float) -> Float) -> [Value] {
            result(Tensor(shape: first.tensor.shape, values: first.tensor.values.map(body)))
        }
        switch self {
        case .add: return result(first.tensor.combined(x[1].tensor, +))
        case .subtract: return result(first.tensor.combined(x[1].tensor, -))
        case .multiply: return result(first.tensor.combined(x[1].tensor, *))
        case .divide: return result(first.tensor.combined(x[1].tensor, /))
        case .maximum: return result(first.tensor.combined(x[1].tensor) { $0 > $1 ? $0 : $1 })
        case .equal: return result(first.tensor.combined(x[1].tensor) { $0 == $1 ? 1 : 0 })
        case .abs: return each { $0.magnitude }
        case .erf: return each { erff($0) }
        case .tanh: return each { tanhf($0) }
        case .relu: return each { $0 > 0 ? $0 : 0 }
        case .not: return each { 1 - $0 }
        case .cast:
            let type = node.integer("to").flatMap(ONNXGraph.DataType.init(rawValue:))
            return result(first.tensor, type)
        case .shape:
            let all = first.dimensions
            let range = (node.integer("start") ?? 0)..<(node.integer("end") ?? all.count)
            let sizes = all[range].map { Float($0) }
            return result(Tensor(shape: [sizes.count], values: sizes), .int64)
        case .unsqueeze:
            var dimensions = first.dimensions
            for axis in x[1].tensor.values { dimensions.insert(1, at: Int(axis)) }
            return result(Tensor(shape: Shape(dimensions), values: first.tensor.values))
        case .reshape:
            // 0 is the size that the axis has.
            let dimensions = x[1].tensor.values.enumerated().map { axis, size in
                size == 0 ? first.dimensions[axis] : Int(size)
            }
            return result(Tensor(shape: Shape(dimensions), values: first.tensor.values))
        case .slice: return result(first.tensor.rows(x[1].tensor, x[2].tensor))
        case .cumulativeSum: return result(first.tensor.sumsAlongRows())
        case .gather:
            return result(first.tensor.gathered(x[1].tensor, axis: node.integer("axis") ?? 0))
        case .transpose: return result(first.tensor.transposed(node.integers("perm") ?? []))
        case .matrixProduct: return result(first.tensor.product(x[1].tensor))
        case .softmax: return result(first.tensor.softmax())
        case .layerNormalization:
            return result(
                first.tensor.normalized(
                    weight: x[1].tensor,
                    bias: x[2].tensor,
                    epsilon: node.float("epsilon") ?? 1e-5
                )
            )
        case .reduceMaximum:
            let width = first.dimensions.last ?? 1
            let most = stride(from: 0, to: first.tensor.values.count, by: width).map {
                first.tensor.values[$0..<$0 + width].max() ?? 0
            }
            return result(Tensor(shape: Shape(first.dimensions.dropLast() + [1]), values: most))
        case .dynamicQuantizeLinear:
            let range = first.tensor.values.reduce((low: Float(0), high: Float(0))) {
                (min($0.low, $1), max($0.high, $1))
            }
            let scale = (range.high - range.low) / 255
            let zero = Self.byte((-range.low / scale).rounded(.toNearestOrEven))
            return [
                Value(tensor: Self.quantized(first.tensor, scale, zero), type: .uint8),
                Value(tensor: Tensor(shape: [], values: [scale]), type: .float),
                Value(tensor: Tensor(shape: [], values: [zero]), type: .uint8),
            ]
        case .quantizeLinear:
            let (scale, zero) = (x[1].tensor.values[0], x[2].tensor.values[0])
            return result(Self.quantized(first.tensor, scale, zero), .uint8)
        case .dequantizeLinear:
            // A scale for each column, or one for all; 0 is byte 0 where no other is named.
            let zero = x.count > 2 ? x[2].tensor : Tensor(shape: [], values: [0])
            return result(first.tensor.combined(zero, -).combined(x[1].tensor, *), .float)
        case .byteProduct:
            return result(first.tensor.combined(x[2].tensor, -).product(x[1].tensor), .int64)
        }
    }

    private static func byte(_ value: Float) -> Float { max(0, min(255, value)) }

    private static func quantized(_ tensor: Tensor, _ scale: Float, _ zero: Float) -> Tensor {
        Tensor(
            shape: tensor.shape,
            values: tensor.values.map { byte(($0 / scale).rounded(.toNearestOrEven) + zero) }
        )
    }
}

extension Tensor {
    fileprivate init(_ dimensions: [Int], _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let shape = Shape(dimensions)
        let values = [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
            count = shape.count
            if let base = buffer.baseAddress, count > 0 { body(base) }
        }
        self.init(shape: shape, values: values)
    }

    /// Values side by side, each axis of size 1 repeated as often as the other's is long.
    @inline(__always)
    fileprivate func combined(_ other: Tensor, _ body: (Float, Float) -> Float) -> Tensor {
        let rank = max(shape.rank, other.shape.rank)
        func padded(_ shape: Shape) -> [Int] {
            [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions
        }
        let (one, two) = (padded(shape), padded(other.shape))
        let dimensions = zip(one, two).map { one, two in
            precondition(one == two || one == 1 || two == 1, "\(shape) beside \(other.shape)")
            return one == 1 ? two : one
        }
        func steps(_ sizes: [Int]) -> [Int] {
            var step = 1
            var steps = [Int](repeating: 0, count: rank)
            for axis in sizes.indices.reversed() {
                if sizes[axis] > 1 { steps[axis] = step }
                step *= sizes[axis]
            }
            return steps
        }
        let (first, second) = (steps(one), steps(two))
        let width = dimensions.last ?? 1
        let (across, over) = (first.last ?? 0, second.last ?? 0)
        return values.withUnsafeBufferPointer { left in
            other.values.withUnsafeBufferPointer { right in
                Tensor(dimensions) { out in
                    var place = 0
                    forEachRow(dimensions, first, second) { a, b in
                        if across == 1, over == 1 {
                            for column in 0..<width {
                                out[place + column] = body(left[a + column], right[b + column])
                            }
                        } else {
                            for column in 0..<width {
                                out[place + column] = body(
                                    left[a + across * column],
                                    right[b + over * column]
                                )
                            }
                        }
                        place += width
                    }
                }
            }
        }
    }

    /// Where each row of the last axis begins in two tensors with these steps, in order.
    @inline(__always)
    private func forEachRow(
        _ dimensions: [Int],
        _ first: [Int],
        _ second: [Int],
        _ body: (Int, Int) -> Void
    ) {
        let axes = dimensions.count - 1
        var index = [Int](repeating: 0, count: max(0, axes))
        let count = dimensions.dropLast().reduce(1, *)
        var (a, b) = (0, 0)
        for _ in 0..<count {
            body(a, b)
            for axis in (0..<max(0, axes)).reversed() {
                index[axis] += 1
                a += first[axis]
                b += second[axis]
                guard index[axis] == dimensions[axis] else { break }
                a -= first[axis] * index[axis]
                b -= second[axis] * index[axis]
                index[axis] = 0
            }
        }
    }

    /// Rows from one number to another.
    fileprivate func rows(_ start: Tensor, _ end: Tensor) -> Tensor {
        let rows = Int(start.values[0])..<min(shape[0], Int(end.values[0]))
        let width = shape.dimensions.dropFirst().reduce(1, *)
        return Tensor(
            shape: Shape([rows.count] + shape.dimensions.dropFirst()),
            values: Array(values[rows.lowerBound * width..<rows.upperBound * width])
        )
    }

    /// Of a matrix, every value with those before it in its row.
    fileprivate func sumsAlongRows() -> Tensor {
        var result = self
        for index in values.indices where index % shape[1] != 0 {
            result.values[index] += result.values[index - 1]
        }
        return result
    }

    fileprivate func gathered(_ indices: Tensor, axis: Int) -> Tensor {
        let outer = shape.dimensions[..<axis].reduce(1, *)
        let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
        let rows = indices.values.map { Int($0) }
        let dimensions =
            shape.dimensions[..<axis] + indices.shape.dimensions + shape.dimensions[(axis + 1)...]
        return values.withUnsafeBufferPointer { source in
            Tensor(Array(dimensions)) { out in
                var target = out
                for block in 0..<outer {
                    for row in rows {
                        precondition(row >= 0 && row < shape[axis], "row \(row) of \(shape)")
                        let start = (block * shape[axis] + row) * inner
                        target.update(from: source.baseAddress! + start, count: inner)
                        target += inner
                    }
                }
            }
        }
    }

    fileprivate func transposed(_ axes: [Int]) -> Tensor {
        let dimensions = axes.map { shape[$0] }
        let steps = shape.dimensions.indices.map { shape.dimensions[($0 + 1)...].reduce(1, *) }
        let moved = axes.map { steps[$0] }
        let (width, step) = (dimensions.last ?? 1, moved.last ?? 1)
        return values.withUnsafeBufferPointer { source in
            Tensor(dimensions) { out in
                var place = 0
                forEachRow(dimensions, moved, moved) { start, _ in
                    for column in 0..<width {
                        out[place + column] = source[start + step * column]
                    }
                    place += width
                }
            }
        }
    }

    /// Matrices by one matrix, or by as many.
    fileprivate func product(_ other: Tensor) -> Tensor {
        let (rows, depth) = (shape[shape.rank - 2], shape[shape.rank - 1])
        let columns = other.shape[other.shape.rank - 1]
        let isShared = other.shape.rank == 2
        let blocks = shape.dimensions.dropLast(2).reduce(1, *)
        let dimensions = Array(shape.dimensions.dropLast() + [columns])
        return withMatrices(other) { left, right in
            Tensor(dimensions) { out in
                let height = isShared ? blocks * rows : rows
                for block in 0..<(isShared ? 1 : blocks) {
                    Matrix.multiply(
                        Matrix(left + block * rows * depth, rows: height, columns: depth),
                        Matrix(right + block * depth * columns, rows: depth, columns: columns),
                        into: Matrix(out + block * rows * columns, rows: height, columns: columns)
                    )
                }
            }
        }
    }

    /// The values of both where they are; views of matrices are of memory that may be written, and these are
    /// not.
    private func withMatrices<Result>(
        _ other: Tensor,
        _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Result
    ) -> Result {
        values.withUnsafeBufferPointer { one in
            other.values.withUnsafeBufferPointer { two in
                body(
                    UnsafeMutablePointer(mutating: one.baseAddress!),
                    UnsafeMutablePointer(mutating: two.baseAddress!)
                )
            }
        }
    }

    fileprivate func softmax() -> Tensor {
        let width = shape.dimensions.last ?? 1
        var result = self
        result.values.withUnsafeMutableBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: width) {
                let row = UnsafeMutableBufferPointer(rebasing: values[start..<start + width])
                let most = row.max() ?? 0
                var sum: Float = 0
                for index in row.indices {
                    row[index] = expf(row[index] - most)
                    sum += row[index]
                }
                for index in row.indices { row[index] /= sum }
            }
        }
        return result
    }

    fileprivate func normalized(weight: Tensor, bias: Tensor, epsilon: Float) -> Tensor {
        let width = shape.dimensions.last ?? 1
        let rows = values.count / max(1, width)
        return weight.withMatrices(bias) { weight, bias in
            withMatrices(self) { source, _ in
                Tensor(shape.dimensions) { out in
                    LayerNorm(weight: weight, bias: bias, size: width).forward(
                        dense: Matrix(source, rows: rows, columns: width),
                        residual: nil,
                        epsilon: epsilon,
                        saved: nil,
                        into: Matrix(out, rows: rows, columns: width),
                        firstRow: 0,
                        dropout: .none
                    )
                }
            }
        }
    }
}
