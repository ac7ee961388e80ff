import CKernels
import Kernels
import Testing

@Suite struct PrecisionTests {
    private let versions = KernelVersion.all.map(\.kernels)

    /// Rounded to eight significant bits, ties to even, by arithmetic instead of bits.
    private func rounded(_ value: Float) -> Double {
        guard value.isFinite, value != 0 else { return Double(value) }
        let scale = Double(sign: .plus, exponent: max(value.exponent, -126) - 7, significand: 1)
        return (Double(value) / scale).rounded(.toNearestOrEven) * scale
    }

    @Test(arguments: [1, 16, 33]) func `bfloat16 is the nearest, ties to even`(_ columns: Int) {
        var values = normals(3 * columns, seed: 1)
        let special: [Float] = [
            0, -0, .infinity, -.infinity, .nan, 1 + 0x1p-8, 1 + 3 * 0x1p-8, -1 - 0x1p-8, 0x1p-133,
            .leastNonzeroMagnitude, 1e38,
        ]
        for (index, value) in special.enumerated() where index < values.count {
            values[index] = value
        }
        for version in versions {
            var halves = [UInt16](repeating: 7, count: values.count + 1)
            version.bk_to_bfloat16?(values, columns, 3, columns, &halves)
            #expect(halves.removeLast() == 7)
            for (value, half) in zip(values, halves) {
                let found = Float(bitPattern: UInt32(half) << 16)
                if value.isNaN {
                    #expect(found.isNaN)
                } else {
                    #expect(Double(found) == rounded(value) && found.sign == value.sign)
                }
            }
        }
    }

    @Test(arguments: [1, 15, 16, 40, 312])
    func `rows become bytes over their own range, to half a step`(_ columns: Int) {
        let rows = 5
        var values = normals(rows * columns, seed: 2)
        for column in 0..<columns {
            values[columns + column] = -3
            values[2 * columns + column] = 0
        }
        for version in versions {
            var bytes = [UInt8](repeating: 9, count: values.count + 1)
            var (scales, lows) = (
                [Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows)
            )
            version.bk_quantize_rows?(
                values,
                columns,
                rows,
                columns,
                &bytes,
                columns,
                &scales,
                &lows
            )
            #expect(bytes.removeLast() == 9)
            for row in 0..<rows {
                let line = values[row * columns..<(row + 1) * columns]
                #expect(lows[row] == line.min())
                for (value, byte) in zip(line, bytes[row * columns..<(row + 1) * columns]) {
                    let error =
                        Double(lows[row]) + Double(scales[row]) * Double(byte) - Double(value)
                    #expect(abs(error) <= 0.501 * Double(scales[row]))
                }
                if columns > 1, row != 1, row != 2 {
                    #expect(bytes[row * columns..<(row + 1) * columns].max() == 255)
                }
            }
        }
    }

    @Test(arguments: [1, 15, 16, 384, 1540]) func `sums of bytes are exact`(_ inner: Int) {
        let (m, n) = (3, 5)
        // The largest sums there can be, and ordinary ones.
        let a = (0..<m * inner).map { UInt8($0 < inner ? 255 : $0 * 37 % 256) }
        let b = (0..<n * inner).map { Int8($0 < inner ? -127 : $0 * 53 % 255 - 127) }
        let expected = (0..<m * n).map { index in
            (0..<inner).reduce(0) {
                $0 + Int(a[index / n * inner + $1]) * Int(b[index % n * inner + $1])
            }
        }
        for version in versions {
            var sums = [Int32](repeating: 0, count: m * n)
            version.bk_byte_product?(a, b, &sums, m, n, inner)
            #expect(sums.map(Int.init) == expected)
        }
    }

    @Test(arguments: [1, 16, 33]) func `the quick GELU is within its promise`(_ columns: Int) {
        let values = stride(from: Float(-9), to: 9, by: 0.01).map { $0 }
        let rows = values.count / columns
        for version in versions {
            var out = [Float](repeating: 0, count: rows * columns)
            version.bk_gelu_quick?(values, rows, columns, &out, columns)
            for (x, y) in zip(values, out) {
                #expect(abs(Double(y) - ReferenceActivation.value(.gelu, Double(x))) < 7e-5)
            }
        }
    }

    /// Weights and inputs of one layer, and what it gives for operands that were rounded.
    private struct Case {
        let (rows, input, output): (Int, Int, Int)
        let weight: GuardedFloats
        let bias: GuardedFloats
        let x: GuardedFloats

        init(_ rows: Int, _ input: Int, _ output: Int) {
            (self.rows, self.input, self.output) = (rows, input, output)
            weight = GuardedFloats(normals(output * input, seed: 1, deviation: 0.1))
            bias = GuardedFloats(normals(output, seed: 2))
            x = GuardedFloats(normals(rows * input, seed: 3))
        }

        var linear: Linear {
            Linear(weight: weight.base, bias: bias.base, output: output, input: input)
        }

        func reference(_ round: (GuardedFloats, Int) -> [Double]) -> ReferenceLinear {
            ReferenceLinear(
                input: input,
                output: output,
                weight: round(weight, input),
                bias: doubles(bias.values)
            )
        }

        func forward(
            _ linear: Linear,
            _ activation: Activation? = nil,
            slices: Bool = false
        ) -> [Float] {
            let y = GuardedFloats(count: rows * output)
            let (x, out) = (
                x.matrix(rows: rows, columns: input), y.matrix(rows: rows, columns: output)
            )
            if slices {
                for slice in (0..<linear.sliceCount).reversed() {
                    linear.forward(x, into: out, activation: activation, slices: slice..<slice + 1)
                }
            } else {
                linear.forward(x, into: out, activation: activation)
            }
            #expect(y.isIntact)
            return y.values
        }
    }

    private static let shapes = [
        (1, 16, 24), (3, 17, 200), (25, 100, 26), (129, 26, 312), (200, 312, 385), (5, 1, 1),
        (2, 384, 192),
    ]

    private func activated(_ values: [Double], _ activation: Activation?) -> [Double] {
        values.map { value in activation.map { ReferenceActivation.value($0, value) } ?? value }
    }

    @Test(arguments: shapes)
    func `int8 products are those of the rounded operands`(_ shape: (Int, Int, Int)) {
        let data = Case(shape.0, shape.1, shape.2)
        // Weights: one scale an output, the largest weight ±127. Inputs: 255 steps over a row's range.
        let reference = data.reference { weight, input in
            stride(from: 0, to: weight.count, by: input).flatMap { start in
                let row = doubles(Array(weight.values[start..<start + input]))
                let scale = (row.map { abs($0) }.max() ?? 0) / 127
                return row.map { scale == 0 ? 0 : ($0 / scale).rounded(.toNearestOrEven) * scale }
            }
        }
        let inputs = stride(from: 0, to: data.x.count, by: data.input).flatMap { start in
            let row = doubles(Array(data.x.values[start..<start + data.input]))
            let (low, high) = (row.min() ?? 0, row.max() ?? 0)
            let scale = (high - low) / 255
            return row.map {
                scale == 0 ? low : low + (($0 - low) / scale).rounded(.toNearestOrEven) * scale
            }
        }
        for activation in [nil, Activation.gelu, .geluTanh, .relu] {
            let linear = data.linear.packing(.int8)
            let expected = activated(reference.forward(inputs), activation)
            // A value between two steps may fall either way.
            let error = worstError(data.forward(linear, activation), expected)
            #expect(error < 4e-3, "\(error)")
            #expect(
                data.forward(linear, activation) == data.forward(linear, activation, slices: true)
            )
        }
        let plain = data.reference { weight, _ in doubles(weight.values) }
        let whole = worstError(
            data.forward(data.linear.packing(.int8)),
            plain.forward(doubles(data.x.values))
        )
        #expect(whole < 0.03, "against f32: \(whole)")
    }

    @Test(.enabled(if: Precision.bf16.isAvailable, "no bf16 products here"), arguments: shapes)
    func `bf16 products are those of the rounded operands`(_ shape: (Int, Int, Int)) {
        let data = Case(shape.0, shape.1, shape.2)
        let reference = data.reference { weight, _ in weight.values.map(rounded) }
        let inputs = data.x.values.map(rounded)
        for activation in [nil, Activation.gelu, .geluTanh, .relu] {
            let linear = data.linear.packing(.bf16)
            let error = worstError(
                data.forward(linear, activation),
                activated(reference.forward(inputs), activation)
            )
            #expect(error < 7e-5, "\(error)")
            #expect(
                worstError(
                    data.forward(linear, activation, slices: true),
                    doubles(data.forward(linear, activation))
                ) < 7e-5
            )
        }
    }

    @Test(.enabled(if: Precision.bf16.isAvailable, "no bf16 products here"), arguments: shapes)
    func `bf16 gradients are those of the rounded operands`(_ shape: (Int, Int, Int)) {
        let (rows, input, output) = shape
        let data = Case(rows, input, output)
        let dY = GuardedFloats(normals(rows * output, seed: 4))
        let reference = data.reference { weight, _ in weight.values.map(rounded) }
        let expected = reference.backward(dY.values.map(rounded), data.x.values.map(rounded))
        var linear = data.linear
        let weights = RoundedWeight(linear)
        for piece in 0..<weights.pieceCount { weights.refresh(piece) }
        linear.rounded = weights
        let forward = worstError(
            data.forward(linear),
            reference.forward(data.x.values.map(rounded))
        )
        #expect(forward < 2e-6, "\(forward)")
        for accumulate in [false, true] {
            let start = normals(rows * input, seed: 5)
            let dX = accumulate ? GuardedFloats(start) : GuardedFloats(count: rows * input)
            linear.backwardInput(
                dY.matrix(rows: rows, columns: output),
                into: dX.matrix(rows: rows, columns: input),
                accumulate: accumulate
            )
            let wanted = accumulate ? zip(start, expected.x).map { Double($0) + $1 } : expected.x
            #expect(worstError(dX.values, wanted) < 2e-6 && dX.isIntact)
        }
        // In two parts, left alone where they are not.
        for accumulate in [false, true] {
            let start = normals(output * input, seed: 6)
            let dWeight = GuardedFloats(start)
            for inputs in [0..<input / 2, input / 2..<input] {
                Linear(weight: dWeight.base, bias: data.bias.base, output: output, input: input)
                    .accumulateWeight(
                        dY.matrix(rows: rows, columns: output),
                        data.x.matrix(rows: rows, columns: input),
                        accumulate: accumulate,
                        inputs: inputs,
                        precision: .bf16
                    )
            }
            let wanted =
                accumulate ? zip(start, expected.weight).map { Double($0) + $1 } : expected.weight
            #expect(worstError(dWeight.values, wanted) < 2e-6 && dWeight.isIntact)
        }
    }

    @Test(arguments: Precision.allCases)
    func `each precision says what computes it`(_ precision: Precision) {
        #expect(precision.orFallback == (precision.isAvailable ? precision : .f32))
        let words = precision.explanation
        #expect(words.hasPrefix(precision.isAvailable ? precision.rawValue : "f32 by"))
        if !precision.isAvailable { #expect(words.contains("because")) }
    }
}
