import Kernels
import Testing

@Suite struct LayerNormTests {
    enum Drop: CaseIterable { case none, before, after }

    @Test(arguments: oddSizes, [0, 1, 3, 33])
    func `forward and backward are those of the definition`(_ columns: Int, _ rows: Int) {
        let weight = GuardedFloats(normals(columns, seed: 1))
        let bias = GuardedFloats(normals(columns, seed: 2))
        let norm = LayerNorm(weight: weight.base, bias: bias.base, size: columns)
        let epsilon = 1e-3
        let reference = ReferenceLayerNorm(
            weight: doubles(weight.values),
            bias: doubles(bias.values),
            epsilon: epsilon
        )
        let x = normals(rows * columns, seed: 3)
        let residual = normals(rows * columns, seed: 4)
        let firstRow = 5

        for drop in Drop.allCases {
            for hasResidual in [false, true] {
                let dropout = Dropout(
                    probability: drop == .none ? 0 : 0.3, seed: 6, step: 7, site: 8
                )
                let mask = doubles(
                    ReferenceDropout.factors(
                        dropout,
                        first: UInt64(firstRow * columns),
                        count: rows * columns
                    )
                )
                let sum = zip(doubles(x), zip(mask, residual)).map {
                    (drop == .before ? $0 * $1.0 : $0) + (hasResidual ? Double($1.1) : 0)
                }
                let normalized = reference.forward(sum)
                let expected = drop == .after ? zip(normalized, mask).map { $0 * $1 } : normalized

                let dense = GuardedFloats(x)
                let base = GuardedFloats(residual)
                let out = GuardedFloats(count: rows * columns)
                let mean = GuardedFloats(count: rows)
                let reciprocal = GuardedFloats(count: rows)
                let saved = LayerNorm.Saved(
                    sum: dense.matrix(rows: rows, columns: columns),
                    mean: mean.base,
                    reciprocalDeviation: reciprocal.base
                )
                for keeps in [true, false] {
                    if !keeps { for (index, value) in x.enumerated() { dense.base[index] = value } }
                    norm.forward(
                        dense: dense.matrix(rows: rows, columns: columns),
                        residual: hasResidual ? base.matrix(rows: rows, columns: columns) : nil,
                        epsilon: Float(epsilon),
                        saved: keeps ? saved : nil,
                        into: out.matrix(rows: rows, columns: columns),
                        firstRow: firstRow,
                        dropout: dropout,
                        dropoutAfter: drop == .after
                    )
                    let error = worstError(out.values, expected)
                    #expect(error < 3e-6, "\(drop) residual \(hasResidual) kept \(keeps)")
                    #expect(worstError(dense.values, sum) < 1e-6)
                    let all = [weight, bias, dense, base, out, mean, reciprocal]
                    #expect(all.areIntact)
                }

                // From here as if the dropout behind were undone already.
                let d = normals(rows * columns, seed: 5)
                let gradient = reference.backward(doubles(d), sum)
                for isInPlace in [false, true] {
                    let dOut = GuardedFloats(d)
                    let dIn = isInPlace ? dOut : GuardedFloats(count: rows * columns)
                    let start = normals(columns, seed: 9)
                    let (dWeight, dBias) = (GuardedFloats(start), GuardedFloats(start))
                    norm.backward(
                        dOut.matrix(rows: rows, columns: columns),
                        saved: saved,
                        into: dIn.matrix(rows: rows, columns: columns),
                        gradients: LayerNorm(
                            weight: dWeight.base,
                            bias: dBias.base,
                            size: columns
                        )
                    )
                    func added(_ b: [Double]) -> [Double] { zip(start, b).map { Double($0) + $1 } }
                    // The gradient of a row of one is zero: a difference of two values that the
                    // reciprocal deviation, 1 / √ε, scales up with their rounding.
                    let floor = columns == 1 ? 1 / epsilon.squareRoot() : 1e-3
                    let errors = [
                        worstError(dIn.values, gradient.x, floor: floor),
                        worstError(dWeight.values, added(gradient.weight)),
                        worstError(dBias.values, added(gradient.bias)),
                    ]
                    #expect(errors.allSatisfy { $0 < 5e-6 }, "\(errors)")
                    #expect([dOut, dIn, dWeight, dBias].areIntact)
                }
            }
        }
    }

    @Test func `a row far from zero keeps its small deviations`() {
        // The two passes over a row do not cancel as E[x²] − E[x]² would.
        let columns = 312
        let deviations = normals(columns, seed: 10)
        let x = deviations.map { 1000 + $0 }
        let ones = GuardedFloats([Float](repeating: 1, count: columns))
        let zeros = GuardedFloats([Float](repeating: 0, count: columns))
        let dense = GuardedFloats(x)
        let out = GuardedFloats(count: columns)
        LayerNorm(weight: ones.base, bias: zeros.base, size: columns).forward(
            dense: dense.matrix(rows: 1, columns: columns),
            residual: nil,
            epsilon: 1e-12,
            saved: nil,
            into: out.matrix(rows: 1, columns: columns),
            firstRow: 0,
            dropout: .none
        )
        let reference = ReferenceLayerNorm(
            weight: doubles(ones.values),
            bias: doubles(zeros.values),
            epsilon: 1e-12
        )
        #expect(worstError(out.values, reference.forward(doubles(x))) < 1e-4)
        #expect([dense, out, ones, zeros].areIntact)
    }
}
