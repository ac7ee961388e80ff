import Kernels
import Testing

/// The references' gradients are those of the references' values.
@Suite struct ReferenceTests {
    @Test func `linear`() {
        let (rows, input, output) = (3, 5, 4)
        let x = doubles(normals(rows * input, seed: 1))
        let linear = ReferenceLinear(
            input: input,
            output: output,
            weight: doubles(normals(input * output, seed: 2)),
            bias: doubles(normals(output, seed: 3))
        )
        let dY = doubles(normals(rows * output, seed: 4))
        let gradient = linear.backward(dY, x)
        let errors = [
            differenceError(at: x, gradient: gradient.x) { dot(linear.forward($0), dY) },
            differenceError(at: linear.weight, gradient: gradient.weight) {
                var moved = linear
                moved.weight = $0
                return dot(moved.forward(x), dY)
            },
            differenceError(at: linear.bias, gradient: gradient.bias) {
                var moved = linear
                moved.bias = $0
                return dot(moved.forward(x), dY)
            },
        ]
        #expect(errors.allSatisfy { $0 <= 1e-6 }, "\(errors)")
    }

    @Test func `layer normalisation`() {
        let (rows, columns) = (3, 7)
        let x = doubles(normals(rows * columns, seed: 5))
        let norm = ReferenceLayerNorm(
            weight: doubles(normals(columns, seed: 6)),
            bias: doubles(normals(columns, seed: 7)),
            epsilon: 0.01
        )
        let dY = doubles(normals(rows * columns, seed: 8))
        let gradient = norm.backward(dY, x)
        let errors = [
            differenceError(at: x, gradient: gradient.x) { dot(norm.forward($0), dY) },
            differenceError(at: norm.weight, gradient: gradient.weight) {
                var moved = norm
                moved.weight = $0
                return dot(moved.forward(x), dY)
            },
            differenceError(at: norm.bias, gradient: gradient.bias) {
                var moved = norm
                moved.bias = $0
                return dot(moved.forward(x), dY)
            },
        ]
        #expect(errors.allSatisfy { $0 <= 1e-5 }, "\(errors)")
    }

    @Test(arguments: [Activation.gelu, .geluTanh, .relu])
    func `activations`(_ activation: Activation) {
        // Off the grid's zero, where ReLU has no derivative.
        let x = (-40...40).map { Double($0) / 10 + 0.0123 }
        for x in x {
            let error = differenceError(
                at: [x],
                gradient: [ReferenceActivation.slope(activation, x)]
            ) { ReferenceActivation.value(activation, $0[0]) }
            let allowed = activation == .geluTanh ? 1e-5 : 1e-6
            // The slope passes through zero near -0.75: there the difference counts by itself.
            let slope = abs(ReferenceActivation.slope(activation, x))
            #expect(error * slope <= allowed * max(slope, 1e-3), "\(x)")
        }
    }

    @Test(arguments: [1, 5], [false, true])
    func `attention`(_ queries: Int, _ isMasked: Bool) {
        let (length, heads, headSize) = (5, 2, 3)
        let width = heads * headSize
        let dropout = Dropout(probability: isMasked ? 0.4 : 0, seed: 9, step: 1, site: 2)
        let attention = ReferenceAttention(
            queries: queries,
            length: length,
            heads: heads,
            headSize: headSize,
            mask: doubles(
                ReferenceDropout.factors(dropout, first: 0, count: heads * queries * length)
            )
        )
        let q = doubles(normals(queries * width, seed: 10))
        let k = doubles(normals(length * width, seed: 11))
        let v = doubles(normals(length * width, seed: 12))
        let dContext = doubles(normals(queries * width, seed: 13))
        let dScores = doubles(normals(heads * queries * length, seed: 14))
        func loss(_ q: [Double], _ k: [Double], _ v: [Double]) -> Double {
            let out = attention.forward(q: q, k: k, v: v)
            return dot(out.context, dContext) + dot(out.scores, dScores)
        }
        let gradient = attention.backward(q: q, k: k, v: v, dContext: dContext, dScores: dScores)
        let errors = [
            differenceError(at: q, gradient: gradient.q) { loss($0, k, v) },
            differenceError(at: k, gradient: gradient.k) { loss(q, $0, v) },
            differenceError(at: v, gradient: gradient.v) { loss(q, k, $0) },
        ]
        #expect(errors.allSatisfy { $0 <= 1e-5 }, "\(errors)")
    }
}
