import Foundation

/// Computes a written graph in double precision, as the operators' definitions say, slowly.
struct GraphRunner {
    struct Array {
        var shape: [Int]
        var numbers: [Double]

        init(_ shape: [Int], _ numbers: [Double]) {
            precondition(shape.reduce(1, *) == numbers.count, "\(numbers.count) are not \(shape)")
            (self.shape, self.numbers) = (shape, numbers)
        }
    }

    struct Unknown: Error { let operation: String }

    let model: WrittenModel

    func run(_ inputs: [String: Array]) throws -> [String: Array] {
        var values = inputs
        for initializer in model.initializers {
            values[initializer.name] = Array(initializer.dimensions, initializer.numbers)
        }
        for node in model.nodes {
            let arguments = try node.inputs.map { name in
                guard let value = values[name] else { throw Unknown(operation: "value \(name)") }
                return value
            }
            let results = try compute(node, arguments)
            for (name, result) in zip(node.outputs, results) { values[name] = result }
        }
        return values
    }

    private func compute(_ node: WrittenModel.Node, _ x: [Array]) throws -> [Array] {
        func each(_ body: (Double) -> Double) -> [Array] {
            [Array(x[0].shape, x[0].numbers.map(body))]
        }
        func pairs(_ body: (Double, Double) -> Double) -> [Array] { [broadcast(x[0], x[1], body)] }
        switch node.operation {
        case "Add": return pairs(+)
        case "Sub": return pairs(-)
        case "Mul": return pairs(*)
        case "Div": return pairs(/)
        case "Equal": return pairs { $0 == $1 ? 1 : 0 }
        case "Not": return each { 1 - $0 }
        case "Cast": return each { $0 }
        case "Erf": return each { Foundation.erf($0) }
        case "Tanh": return each { Foundation.tanh($0) }
        case "Abs": return each(abs)
        case "Max": return pairs(max)
        case "ReduceMax":
            let width = x[0].shape.last ?? 1
            let most = stride(from: 0, to: x[0].numbers.count, by: width).map {
                x[0].numbers[$0..<$0 + width].max() ?? 0
            }
            return [Array(x[0].shape.dropLast() + [1], most)]
        case "Relu": return each { max(0, $0) }
        case "Shape":
            let range = (node.integer("start") ?? 0)..<(node.integer("end") ?? x[0].shape.count)
            return [Array([range.count], x[0].shape[range].map(Double.init))]
        case "Unsqueeze":
            var shape = x[0].shape
            for axis in x[1].numbers { shape.insert(1, at: Int(axis)) }
            return [Array(shape, x[0].numbers)]
        case "Reshape":
            let shape = x[1].numbers.enumerated().map { $1 == 0 ? x[0].shape[$0] : Int($1) }
            return [Array(shape, x[0].numbers)]
        case "Slice":
            let row = x[0].shape.dropFirst().reduce(1, *)
            let end = Int(x[2].numbers[0])
            return [
                Array([end] + x[0].shape.dropFirst(), Swift.Array(x[0].numbers.prefix(end * row)))
            ]
        case "CumSum":
            var result = x[0]
            let width = x[0].shape[1]
            for index in result.numbers.indices where index % width != 0 {
                result.numbers[index] += result.numbers[index - 1]
            }
            return [result]
        case "Gather": return [gather(x[0], x[1], axis: node.integer("axis") ?? 0)]
        case "Transpose": return [transpose(x[0], node.integers("perm") ?? [])]
        case "MatMul": return [product(x[0], x[1])]
        case "Softmax":
            return [
                rows(x[0]) { row in
                    let most = row.max() ?? 0
                    let powers = row.map { exp($0 - most) }
                    let sum = powers.reduce(0, +)
                    return powers.map { $0 / sum }
                }
            ]
        case "LayerNormalization":
            let epsilon = Double(node.single("epsilon") ?? 1e-5)
            return [
                rows(x[0]) { row in
                    let mean = row.reduce(0, +) / Double(row.count)
                    let variance =
                        row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
                    return row.indices.map {
                        (row[$0] - mean) / (variance + epsilon).squareRoot() * x[1].numbers[$0]
                            + x[2].numbers[$0]
                    }
                }
            ]
        case "DynamicQuantizeLinear":
            let low = min(0, x[0].numbers.min() ?? 0)
            let high = max(0, x[0].numbers.max() ?? 0)
            let scale = (high - low) / 255
            let zero = max(0, min(255, (-low / scale).rounded(.toNearestOrEven)))
            let bytes = x[0].numbers.map {
                max(0, min(255, ($0 / scale).rounded(.toNearestOrEven) + zero))
            }
            return [Array(x[0].shape, bytes), Array([], [scale]), Array([], [zero])]
        case "QuantizeLinear":
            let (scale, zero) = (x[1].numbers[0], x[2].numbers[0])
            return each { max(0, min(255, ($0 / scale).rounded(.toNearestOrEven) + zero)) }
        case "DequantizeLinear":
            if x.count == 3 { return each { ($0 - x[2].numbers[0]) * x[1].numbers[0] } }
            // A scale for each column.
            return [broadcast(x[0], x[1], *)]
        case "MatMulInteger":
            let zero = x[2].numbers[0]
            return [product(Array(x[0].shape, x[0].numbers.map { $0 - zero }), x[1])]
        default: throw Unknown(operation: node.operation)
        }
    }

    private func rows(_ value: Array, _ body: ([Double]) -> [Double]) -> Array {
        let width = value.shape.last ?? 1
        var numbers: [Double] = []
        for start in stride(from: 0, to: value.numbers.count, by: width) {
            numbers += body(Swift.Array(value.numbers[start..<start + width]))
        }
        return Array(value.shape, numbers)
    }

    private func strides(_ shape: [Int], in result: [Int]) -> [Int] {
        let padded = [Int](repeating: 1, count: result.count - shape.count) + shape
        var strides = [Int](repeating: 0, count: result.count)
        var step = 1
        for axis in padded.indices.reversed() {
            strides[axis] = padded[axis] == 1 ? 0 : step
            step *= padded[axis]
        }
        return strides
    }

    private func common(_ one: [Int], _ other: [Int]) -> [Int] {
        let rank = max(one.count, other.count)
        func padded(_ shape: [Int]) -> [Int] {
            [Int](repeating: 1, count: rank - shape.count) + shape
        }
        return zip(padded(one), padded(other)).map { one, other in
            precondition(one == other || one == 1 || other == 1, "\(one) beside \(other)")
            return max(one, other)
        }
    }

    private func broadcast(
        _ one: Array,
        _ other: Array,
        _ body: (Double, Double) -> Double
    ) -> Array {
        let shape = common(one.shape, other.shape)
        let (first, second) = (strides(one.shape, in: shape), strides(other.shape, in: shape))
        let numbers = (0..<shape.reduce(1, *)).map { index in
            var (rest, a, b) = (index, 0, 0)
            for axis in shape.indices.reversed() {
                a += rest % shape[axis] * first[axis]
                b += rest % shape[axis] * second[axis]
                rest /= shape[axis]
            }
            return body(one.numbers[a], other.numbers[b])
        }
        return Array(shape, numbers)
    }

    private func gather(_ value: Array, _ indices: Array, axis: Int) -> Array {
        let outer = value.shape[..<axis].reduce(1, *)
        let inner = value.shape[(axis + 1)...].reduce(1, *)
        let size = value.shape[axis]
        var numbers: [Double] = []
        for block in 0..<outer {
            for index in indices.numbers {
                let start = (block * size + Int(index)) * inner
                numbers += value.numbers[start..<start + inner]
            }
        }
        let shape = value.shape[..<axis] + indices.shape + value.shape[(axis + 1)...]
        return Array(Swift.Array(shape), numbers)
    }

    private func transpose(_ value: Array, _ axes: [Int]) -> Array {
        let shape = axes.map { value.shape[$0] }
        let steps = value.shape.indices.map { value.shape[($0 + 1)...].reduce(1, *) }
        let numbers = (0..<value.numbers.count).map { index in
            var (rest, place) = (index, 0)
            for axis in shape.indices.reversed() {
                place += rest % shape[axis] * steps[axes[axis]]
                rest /= shape[axis]
            }
            return value.numbers[place]
        }
        return Array(shape, numbers)
    }

    private func product(_ one: Array, _ other: Array) -> Array {
        let (rows, depth) = (one.shape[one.shape.count - 2], one.shape[one.shape.count - 1])
        let columns = other.shape[other.shape.count - 1]
        precondition(other.shape[other.shape.count - 2] == depth, "\(one.shape) by \(other.shape)")
        let outer = one.shape.dropLast(2).reduce(1, *)
        // The second factor is one matrix for all, or one for each.
        let isShared = other.shape.count == 2
        var numbers: [Double] = []
        for block in 0..<outer {
            let start = isShared ? 0 : block * depth * columns
            for row in 0..<rows {
                for column in 0..<columns {
                    numbers.append(
                        (0..<depth).reduce(0.0) { sum, k in
                            sum + one.numbers[(block * rows + row) * depth + k]
                                * other.numbers[start + k * columns + column]
                        }
                    )
                }
            }
        }
        return Array(one.shape.dropLast() + [columns], numbers)
    }
}
