import CKernels
import Kernels
import Testing

/// The kernels of every instruction set that the processor has, against the baseline's.
@Suite struct VersionTests {
    private let versions = KernelVersion.all.map(\.kernels)

    /// The largest difference between what the versions write, in units of the largest value.
    private func spread(_ results: [[Float]]) -> Double {
        guard let first = results.first else { return .infinity }
        return results.map { worstError($0, doubles(first)) }.max() ?? .infinity
    }

    private let drop = bk_dropout(seed: 7, step: 3, site: 5, probability: 0.3)

    @Test(arguments: [1, 15, 16, 33, 312]) func `activations`(_ count: Int) {
        let x = normals(count, seed: 1, deviation: 2)
        let d = normals(count, seed: 2)
        let kinds: [(KeyPath<bk_kernel_version, Map?>, KeyPath<bk_kernel_version, Slope?>)] = [
            (\.bk_gelu_forward, \.bk_gelu_backward),
            (\.bk_gelu_tanh_forward, \.bk_gelu_tanh_backward),
            (\.bk_relu_forward, \.bk_relu_backward),
        ]
        for (forward, backward) in kinds {
            let results = versions.map { version in
                let (out, slopes) = (GuardedFloats(count: count), GuardedFloats(count: count))
                version[keyPath: forward]?(x, out.base, count)
                version[keyPath: backward]?(x, d, slopes.base, count)
                #expect(out.isIntact && slopes.isIntact)
                return out.values + slopes.values
            }
            #expect(spread(results) < 1e-6)
        }
    }

    private typealias Map =
        @convention(c) (
            UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
        ) -> Void
    private typealias Slope =
        @convention(c) (
            UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
        ) -> Void

    @Test func `dropout masks are the same bits`() {
        let results = versions.map { version in
            let values = GuardedFloats([Float](repeating: 1, count: 1000))
            version.bk_dropout_apply?(values.base, 1000, 13, drop)
            return values.values
        }
        #expect(Set(results).count == 1)
    }

    @Test(arguments: [1, 17, 26, 312]) func `layer normalisation`(_ columns: Int) {
        let rows = 3
        let x = normals(rows * columns, seed: 3)
        let residual = normals(rows * columns, seed: 4)
        let weight = normals(columns, seed: 5)
        let bias = normals(columns, seed: 6)
        let d = normals(rows * columns, seed: 7)
        let results = versions.map { version in
            let dense = GuardedFloats(x)
            let (out, dIn) = (
                GuardedFloats(count: rows * columns), GuardedFloats(count: rows * columns)
            )
            let (mean, deviation) = (GuardedFloats(count: rows), GuardedFloats(count: rows))
            let sums = GuardedFloats([Float](repeating: 0, count: 2 * columns))
            version.bk_layer_norm_forward?(
                dense.base,
                residual,
                weight,
                bias,
                1e-2,
                dense.base,
                mean.base,
                deviation.base,
                out.base,
                rows,
                columns,
                11,
                drop,
                0
            )
            version.bk_layer_norm_backward?(
                d,
                dense.base,
                mean.base,
                deviation.base,
                weight,
                dIn.base,
                sums.base,
                sums.base + columns,
                rows,
                columns
            )
            #expect([dense, out, dIn, mean, deviation, sums].areIntact)
            return out.values + dIn.values + sums.values
        }
        #expect(spread(results) < 3e-6)
    }

    @Test(arguments: [1, 15, 17, 100]) func `sums, scales and checks`(_ count: Int) {
        let (x, y) = (normals(3 * count, seed: 13), normals(count, seed: 14))
        let results = versions.map { version in
            let values = GuardedFloats(y)
            version.bk_add?(values.base, x, count)
            version.bk_scale?(values.base, 0.7, count)
            version.bk_add_bias?(values.base, y, 1, count)
            version.bk_add_column_sums?(x, count, values.base, 3, count)
            #expect(version.bk_all_finite?(values.base, count) == 1)
            let table = GuardedFloats(count: 2 * count)
            let rows: [Int32] = [2, 0]
            version.bk_embedding_sum?(rows, rows, rows, x, x, x, table.base, 2, count)
            #expect(values.isIntact && table.isIntact)
            let squares = Float(version.bk_sum_of_squares?(x, 3 * count) ?? .nan)
            return values.values + table.values + [squares]
        }
        #expect(spread(results) < 1e-6)
    }

    @Test(arguments: [1, 17, 100]) func `AdamW`(_ count: Int) {
        let step = bk_adamw(
            beta1: 0.9,
            beta2: 0.999,
            rest1: 0.1,
            rest2: 0.001,
            epsilon: 1e-8,
            step_size: 0.1,
            second_correction: 30,
            decay: 0.01,
            gradient_scale: 0.5
        )
        let (x, d) = (normals(count, seed: 15), normals(count, seed: 16))
        let results = versions.map { version in
            let weight = GuardedFloats(x)
            let first = GuardedFloats([Float](repeating: 0, count: count))
            let second = GuardedFloats([Float](repeating: 0, count: count))
            version.bk_adamw_step?(weight.base, first.base, second.base, d, count, step)
            version.bk_adamw_idle_steps?(
                weight.base,
                first.base,
                second.base,
                count,
                [step, step],
                2
            )
            #expect([weight, first, second].areIntact)
            return weight.values + first.values + second.values
        }
        #expect(spread(results) < 1e-6)
    }

    @Test(arguments: [1, 15, 17, 40]) func `divergences`(_ length: Int) {
        let (x, y) = (normals(13 * length, seed: 18), normals(13 * length, seed: 19))
        let results = versions.map { version in
            let squares = GuardedFloats(x)
            let sum = version.bk_squared_difference?(x, y, squares.base, x.count, 0.3, 1) ?? .nan
            let row = GuardedFloats(x)
            var entropy = 0.0
            let divergence =
                version.bk_softmax_divergence?(x, y, row.base, x.count, 0.5, 2, 0.7, &entropy)
                ?? .nan
            let gradient = GuardedFloats(x)
            let size = bk_relation_scratch(length, 5, 7)
            let scratch = GuardedFloats(count: size)
            let relation =
                version.bk_relation_divergence?(
                    x,
                    13,
                    5,
                    y,
                    13,
                    7,
                    length,
                    0.4,
                    0.3,
                    0.9,
                    gradient.base,
                    scratch.base
                ) ?? .nan
            let hard = GuardedFloats(x)
            let crossed =
                version.bk_softmax_cross_entropy?(y, length / 2, hard.base, x.count, 0.6) ?? .nan
            #expect([squares, row, gradient, scratch, hard].areIntact)
            let sums = [sum, divergence, entropy, relation, crossed].map { Float($0) }
            return squares.values + row.values + gradient.values + hard.values + sums
        }
        #expect(spread(results) < 3e-6)
    }

    @Test func `what the package calls is the best version`() throws {
        let best = try #require(versions.last)
        let x = normals(1000, seed: 17)
        let (direct, bound) = (GuardedFloats(count: 1000), GuardedFloats(count: 1000))
        best.bk_gelu_forward?(x, direct.base, 1000)
        Activation.gelu.forward(x, bound.base, count: 1000)
        #expect(direct.values == bound.values)
    }
}
