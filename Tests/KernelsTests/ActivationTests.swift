import CKernels
import Kernels
import Testing

@Suite struct ActivationTests {
    private static let all = [Activation.gelu, .geluTanh, .relu]

    /// A fine grid over everything that is not yet 0 or x, and values far out.
    private static let inputs: [Float] =
        (-130_000...130_000).map { Float($0) * 1e-4 }
        + [-1e30, -1e4, -100, -14, -1e-6, -1e-30, 0, 1e-30, 1e-6, 14, 100, 1e4, 1e30]

    @Test(arguments: all)
    func `values are near those of the definition, relative to their size`(
        _ activation: Activation
    ) {
        let control = bk_flush_denormals()
        defer { bk_restore_denormals(control) }
        let x = Self.inputs
        let out = GuardedFloats(count: x.count)
        activation.forward(x, out.base, count: x.count)
        var worst = (error: 0.0, at: Float(0))
        for (x, y) in zip(x, out.values) {
            let expected = ReferenceActivation.value(activation, Double(x))
            // Near the smallest float the tail is cut off.
            let error = abs(Double(y) - expected) / max(abs(expected), 1e-30)
            if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, x) }
        }
        #expect(worst.error <= Self.allowed(activation), "\(worst)")
        #expect(out.isIntact)
    }

    /// The relative error of one value. In the tanh form both the tail's argument, a cubic, and its
    /// exponential round; exact GELU has no such argument.
    private static func allowed(_ activation: Activation) -> Double {
        switch activation {
        case .gelu: 6e-6
        case .geluTanh: 2e-5
        case .relu: 0
        }
    }

    @Test(arguments: all)
    func `slopes are near those of the definition`(_ activation: Activation) {
        let x = Self.inputs.filter { abs($0) < 1e5 }
        let d = normals(x.count, seed: 1)
        let dIn = GuardedFloats(d)
        activation.backward(x, dIn.base, dIn.base, count: x.count)
        let expected = zip(x, d).map {
            ReferenceActivation.slope(activation, Double($0)) * Double($1)
        }
        let worst = zip(dIn.values, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
        #expect(worst < 1e-5, "\(worst)")
        #expect(worstError(dIn.values, expected) < 2e-6)
    }

    @Test(arguments: all)
    func `any count, in place, and nothing beyond it`(_ activation: Activation) {
        for count in 0...40 {
            let x = normals(count, seed: UInt64(count), deviation: 2)
            let d = normals(count, seed: 100 + UInt64(count))
            let values = GuardedFloats(x)
            activation.forward(values.base, values.base, count: count)
            let expected = doubles(x).map { ReferenceActivation.value(activation, $0) }
            #expect(worstError(values.values, expected) < 1e-6 && values.isIntact)

            let (input, gradient) = (GuardedFloats(x), GuardedFloats(d))
            activation.backward(input.base, gradient.base, gradient.base, count: count)
            let slopes = zip(x, d).map {
                ReferenceActivation.slope(activation, Double($0)) * Double($1)
            }
            #expect(worstError(gradient.values, slopes) < 2e-6 && gradient.isIntact)
        }
    }

    @Test(arguments: all) func `what is not a number stays so`(_ activation: Activation) {
        for lane in 0..<17 {
            var x = normals(17, seed: 3)
            x[lane] = .nan
            let values = GuardedFloats(x)
            activation.forward(values.base, values.base, count: 17)
            #expect(values.values.enumerated().allSatisfy { $1.isNaN == ($0 == lane) })
        }
    }
}
