import Kernels
import Testing

@Suite struct LinearTests {
    /// One layer with its reference and data.
    private struct Case {
        let rows: Int
        let reference: ReferenceLinear
        let weight: GuardedFloats
        let bias: GuardedFloats
        let x: [Float]
        let dY: [Float]

        init(rows: Int, input: Int, output: Int) {
            self.rows = rows
            weight = GuardedFloats(normals(output * input, seed: 1))
            bias = GuardedFloats(normals(output, seed: 2))
            x = normals(rows * input, seed: 3)
            dY = normals(rows * output, seed: 4)
            reference = ReferenceLinear(
                input: input,
                output: output,
                weight: doubles(weight.values),
                bias: doubles(bias.values)
            )
        }

        var linear: Linear {
            Linear(
                weight: weight.base,
                bias: bias.base,
                output: reference.output,
                input: reference.input
            )
        }
    }

    private static let shapes: [(rows: Int, input: Int, output: Int)] =
        oddSizes.map { (rows: 3, input: $0, output: 17) }
        + oddSizes.map { (rows: 5, input: 24, output: $0) }
        + [0, 1, 2, 127, 128, 129, 257].map { (rows: $0, input: 26, output: 40) }
        + [(1, 1, 1), (300, 15, 1), (2, 312, 312), (1, 16, 1), (300, 1, 3)]

    @Test(arguments: Self.shapes)
    func `products are those of the definition`(_ shape: (rows: Int, input: Int, output: Int)) {
        let data = Case(rows: shape.rows, input: shape.input, output: shape.output)
        let x = GuardedFloats(data.x)
        let dY = GuardedFloats(data.dY)
        let (rows, input, output) = shape
        let expected = data.reference.backward(doubles(data.dY), doubles(data.x))

        let y = GuardedFloats(count: rows * output)
        data.linear.forward(
            x.matrix(rows: rows, columns: input),
            into: y.matrix(rows: rows, columns: output)
        )
        let error = worstError(y.values, data.reference.forward(doubles(data.x)))
        #expect(error < 2e-6 && y.isIntact, "forward \(error)")

        for accumulate in [false, true] {
            let start = normals(rows * input, seed: 5)
            let dX = accumulate ? GuardedFloats(start) : GuardedFloats(count: rows * input)
            data.linear.backwardInput(
                dY.matrix(rows: rows, columns: output),
                into: dX.matrix(rows: rows, columns: input),
                accumulate: accumulate
            )
            let wanted = accumulate ? sum(start, expected.x) : expected.x
            let error = worstError(dX.values, wanted)
            #expect(error < 2e-6 && dX.isIntact, "input gradient \(error) \(accumulate)")

            let before = normals(output * input, seed: 6)
            let dWeight = accumulate ? GuardedFloats(before) : GuardedFloats(count: output * input)
            Linear(weight: dWeight.base, bias: data.bias.base, output: output, input: input)
                .accumulateWeight(
                    dY.matrix(rows: rows, columns: output),
                    x.matrix(rows: rows, columns: input),
                    accumulate: accumulate
                )
            let wantedWeight = accumulate ? sum(before, expected.weight) : expected.weight
            let weightError = worstError(dWeight.values, wantedWeight)
            #expect(weightError < 2e-6 && dWeight.isIntact, "weight gradient \(weightError)")
        }
    }

    @Test func `operands may be columns of wider matrices`() {
        let (rows, input, output) = (131, 26, 24)
        let data = Case(rows: rows, input: input, output: output)
        func widened(_ values: [Float], _ columns: Int, _ stride: Int) -> GuardedFloats {
            var wide = normals(rows * stride, seed: 7)
            for row in 0..<rows {
                for column in 0..<columns { wide[row * stride + 3 + column] = values[row * columns + column] }
            }
            return GuardedFloats(wide)
        }
        let wideX = widened(data.x, input, 3 * input)
        let wideDY = widened(data.dY, output, output + 7)
        let x = wideX.matrix(rows: rows, columns: input, at: 3, stride: 3 * input)
        let dY = wideDY.matrix(rows: rows, columns: output, at: 3, stride: output + 7)
        let y = GuardedFloats(count: rows * 3 * output)
        let out = y.matrix(rows: rows, columns: output, at: output, stride: 3 * output)
        data.linear.forward(x, into: out)
        #expect(worstError(out.values, data.reference.forward(doubles(data.x))) < 2e-6)
        // What lies between the columns is still unwritten.
        let written = y.values.filter { !$0.isNaN }.count
        #expect(written == rows * output && y.isIntact)

        let expected = data.reference.backward(doubles(data.dY), doubles(data.x))
        let dX = GuardedFloats(count: rows * 2 * input)
        let into = dX.matrix(rows: rows, columns: input, at: 0, stride: 2 * input)
        data.linear.backwardInput(dY, into: into, accumulate: false)
        #expect(worstError(into.values, expected.x) < 2e-6)
        #expect(dX.values.filter { !$0.isNaN }.count == rows * input)

        let dWeight = GuardedFloats(count: output * input)
        Linear(weight: dWeight.base, bias: data.bias.base, output: output, input: input)
            .accumulateWeight(dY, x, accumulate: false)
        #expect(worstError(dWeight.values, expected.weight) < 2e-6)
        #expect([wideX, wideDY, dX, dWeight].areIntact)
    }

    @Test(arguments: [nil, Activation.gelu, .geluTanh, .relu])
    func `packed weights and a fused activation change nothing`(_ activation: Activation?) {
        for rows in [0, 1, 17, 200] {
            let (input, output) = (100, 26)
            let data = Case(rows: rows, input: input, output: output)
            let x = GuardedFloats(data.x)
            let expected = data.reference.forward(doubles(data.x)).map { value in
                activation.map { ReferenceActivation.value($0, value) } ?? value
            }
            for linear in [data.linear, data.linear.packing()] {
                let y = GuardedFloats(count: rows * output)
                linear.forward(
                    x.matrix(rows: rows, columns: input),
                    into: y.matrix(rows: rows, columns: output),
                    activation: activation
                )
                let error = worstError(y.values, expected)
                #expect(error < 4e-6 && y.isIntact, "\(rows) rows: \(error)")
            }
        }
    }

    @Test func `some outputs of a layer are a layer`() {
        let data = Case(rows: 4, input: 17, output: 15)
        let x = GuardedFloats(data.x)
        let y = GuardedFloats(count: 4 * 6)
        data.linear.outputs(5..<11).forward(
            x.matrix(rows: 4, columns: 17),
            into: y.matrix(rows: 4, columns: 6)
        )
        let all = data.reference.forward(doubles(data.x))
        let expected = (0..<4).flatMap { all[$0 * 15 + 5..<$0 * 15 + 11] }
        #expect(worstError(y.values, expected) < 2e-6)
    }

    private func sum(_ a: [Float], _ b: [Double]) -> [Double] { zip(a, b).map { Double($0) + $1 } }
}
