import CKernels

/// Loops over consecutive floats.
public enum Elementwise {
    /// a += b.
    public static func add(
        _ a: UnsafeMutablePointer<Float>,
        _ b: UnsafePointer<Float>,
        count: Int
    ) {
        bk_add(a, b, count)
    }

    /// a *= factor.
    public static func scale(_ a: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
        bk_scale(a, factor, count)
    }

    /// The sum of squares, accumulated in double precision in a fixed order.
    public static func sumOfSquares(_ a: UnsafePointer<Float>, count: Int) -> Double {
        bk_sum_of_squares(a, count)
    }

    public static func allFinite(_ a: UnsafePointer<Float>, count: Int) -> Bool {
        bk_all_finite(a, count) != 0
    }

    /// sums[columns] += the rows of `rows`, in row order.
    public static func addColumnSums(_ rows: Matrix, to sums: UnsafeMutablePointer<Float>) {
        bk_add_column_sums(rows.base, rows.stride, sums, rows.rows, rows.columns)
    }

    /// out[r] = word[ids[r]] + position[positions[r]] + type[types[r]], rows of H.
    public static func embeddingSum(
        ids: UnsafePointer<Int32>,
        positions: UnsafePointer<Int32>,
        types: UnsafePointer<Int32>,
        word: UnsafePointer<Float>,
        position: UnsafePointer<Float>,
        type: UnsafePointer<Float>,
        into out: Matrix
    ) {
        bk_embedding_sum(
            ids,
            positions,
            types,
            word,
            position,
            type,
            out.base,
            out.rows,
            out.columns
        )
    }
}

/// The constants of one AdamW step.
///
/// - Source: Loshchilov & Hutter 2019 (decoupled decay), with Adam's bias correction and ε outside
///   the square root, as `torch.optim.AdamW`.
public struct AdamWStep: Sendable {
    let constants: bk_adamw

    /// - Parameters:
    ///   - number: t, from 1.
    ///   - decay: λ; the weight loses the fraction learningRate · λ.
    ///   - gradientScale: multiplies the gradient first (clipping).
    public init(
        number: Int,
        learningRate: Double,
        beta1: Double,
        beta2: Double,
        epsilon: Double,
        decay: Double,
        gradientScale: Double
    ) {
        let first = 1 - power(beta1, number)
        let second = 1 - power(beta2, number)
        constants = bk_adamw(
            beta1: Float(beta1),
            beta2: Float(beta2),
            rest1: Float(1 - beta1),
            rest2: Float(1 - beta2),
            epsilon: Float(epsilon),
            step_size: Float(learningRate / first),
            second_correction: Float(1 / second.squareRoot()),
            decay: Float(learningRate * decay),
            gradient_scale: Float(gradientScale)
        )
    }

    /// Updates `count` weights and their moments.
    public func apply(
        weight: UnsafeMutablePointer<Float>,
        first: UnsafeMutablePointer<Float>,
        second: UnsafeMutablePointer<Float>,
        gradient: UnsafePointer<Float>,
        count: Int
    ) {
        bk_adamw_step(weight, first, second, gradient, count, constants)
    }

    /// Applies steps whose gradient was zero, in order.
    public static func applyIdle(
        _ steps: ArraySlice<AdamWStep>,
        weight: UnsafeMutablePointer<Float>,
        first: UnsafeMutablePointer<Float>,
        second: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        steps.withUnsafeBufferPointer { steps in
            steps.withMemoryRebound(to: bk_adamw.self) { constants in
                bk_adamw_idle_steps(
                    weight,
                    first,
                    second,
                    count,
                    constants.baseAddress,
                    constants.count
                )
            }
        }
    }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= factor }
        factor *= factor
        rest >>= 1
    }
    return result
}
