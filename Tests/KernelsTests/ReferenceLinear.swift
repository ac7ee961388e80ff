/// y = x Wᵀ + b by the definition.
struct ReferenceLinear {
    let input: Int
    let output: Int
    var weight: [Double]  // [output, input]
    var bias: [Double]  // [output]

    /// [rows, input] → [rows, output]
    func forward(_ x: [Double]) -> [Double] {
        let rows = x.count / input
        var y = [Double](repeating: 0, count: rows * output)
        for row in 0..<rows {
            for o in 0..<output {
                var sum = bias[o]
                for i in 0..<input { sum += x[row * input + i] * weight[o * input + i] }
                y[row * output + o] = sum
            }
        }
        return y
    }

    func backward(
        _ dY: [Double],
        _ x: [Double]
    ) -> (x: [Double], weight: [Double], bias: [Double]) {
        let rows = x.count / input
        var dX = [Double](repeating: 0, count: x.count)
        var dWeight = [Double](repeating: 0, count: weight.count)
        var dBias = [Double](repeating: 0, count: output)
        for row in 0..<rows {
            for o in 0..<output {
                let d = dY[row * output + o]
                dBias[o] += d
                for i in 0..<input {
                    dX[row * input + i] += d * weight[o * input + i]
                    dWeight[o * input + i] += d * x[row * input + i]
                }
            }
        }
        return (dX, dWeight, dBias)
    }
}
