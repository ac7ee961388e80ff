import CKernels

/// How far a student's values are from a teacher's, with the gradient with respect to the student's.
public enum Divergence {
    /// Σ (a − b)²; gradient = factor · (a − b), or += it.
    public static func squaredDifference(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>,
        count: Int,
        factor: Float,
        accumulate: Bool
    ) -> Double {
        bk_squared_difference(a, b, gradient, count, factor, accumulate ? 1 : 0)
    }

    /// KL(p ‖ q) of one row and the entropy of p, in nats: p = softmax(`teacherScale` · teacher),
    /// q = softmax(`studentScale` · student).
    ///
    /// - Parameter gradient: += factor · (q − p).
    public static func softmax(
        student: UnsafePointer<Float>,
        teacher: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>,
        count: Int,
        studentScale: Float,
        teacherScale: Float,
        factor: Float
    ) -> (divergence: Double, entropy: Double) {
        var entropy = 0.0
        let divergence = bk_softmax_divergence(
            student,
            teacher,
            gradient,
            count,
            studentScale,
            teacherScale,
            factor,
            &entropy
        )
        return (divergence, entropy)
    }

    /// −ln softmax(logits)[target] of one row, in nats.
    ///
    /// - Parameter gradient: += factor · (softmax(logits) − 1 at the target), where there is one.
    public static func crossEntropy(
        _ logits: UnsafePointer<Float>,
        target: Int,
        gradient: UnsafeMutablePointer<Float>?,
        count: Int,
        factor: Float
    ) -> Double {
        precondition((0..<count).contains(target), "a target that is no class")
        return bk_softmax_cross_entropy(logits, target, gradient, count, factor)
    }

    /// Floats of scratch that `relation` needs for sequences of at most `length` tokens.
    public static func relationScratch(length: Int, studentSize: Int, teacherSize: Int) -> Int {
        bk_relation_scratch(length, studentSize, teacherSize)
    }

    /// Σ over rows of KL(softmax(T Tᵀ / √d_T) ‖ softmax(S Sᵀ / √d_S)), for one head of one sequence.
    ///
    /// - Parameters:
    ///   - student: `[n, d_S]`.
    ///   - teacher: `[n, d_T]`.
    ///   - gradient: `[n, d_S]` with the student's stride; += factor · its gradient.
    /// - Source: Wang et al. 2021 (MiniLMv2), section 3.
    public static func relation(
        student: Matrix,
        teacher: Matrix,
        gradient: Matrix,
        factor: Float,
        scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        precondition(student.rows == teacher.rows && gradient.stride == student.stride)
        return bk_relation_divergence(
            student.base,
            student.stride,
            student.columns,
            teacher.base,
            teacher.stride,
            teacher.columns,
            student.rows,
            1 / Float(student.columns).squareRoot(),
            1 / Float(teacher.columns).squareRoot(),
            factor,
            gradient.base,
            scratch
        )
    }
}
