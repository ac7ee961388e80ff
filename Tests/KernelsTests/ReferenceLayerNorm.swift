/// Layer normalisation by the definition, with the biased variance.
struct ReferenceLayerNorm {
    var weight: [Double]
    var bias: [Double]
    let epsilon: Double

    private func moments(_ row: ArraySlice<Double>) -> (mean: Double, deviation: Double) {
        let count = Double(row.count)
        let mean = row.reduce(0, +) / count
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        return (mean, (variance + epsilon).squareRoot())
    }

    private func rows(_ x: [Double]) -> [ArraySlice<Double>] {
        stride(from: 0, to: x.count, by: weight.count).map { x[$0..<$0 + weight.count] }
    }

    /// [rows, columns] → [rows, columns]
    func forward(_ x: [Double]) -> [Double] {
        rows(x).flatMap { row in
            let (mean, deviation) = moments(row)
            return zip(row, zip(weight, bias)).map { ($0 - mean) / deviation * $1.0 + $1.1 }
        }
    }

    func backward(
        _ dY: [Double],
        _ x: [Double]
    ) -> (x: [Double], weight: [Double], bias: [Double]) {
        let columns = weight.count
        var dX: [Double] = []
        var dWeight = [Double](repeating: 0, count: columns)
        var dBias = dWeight
        for (row, d) in zip(rows(x), rows(dY)) {
            let (mean, deviation) = moments(row)
            let normalized = row.map { ($0 - mean) / deviation }
            let dNormalized = zip(d, weight).map { $0 * $1 }
            let average = dNormalized.reduce(0, +) / Double(columns)
            let projection = dot(dNormalized, normalized) / Double(columns)
            for (column, d) in d.enumerated() {
                dWeight[column] += d * normalized[column]
                dBias[column] += d
                dX.append(
                    (dNormalized[column] - average - normalized[column] * projection) / deviation
                )
            }
        }
        return (dX, dWeight, dBias)
    }
}
