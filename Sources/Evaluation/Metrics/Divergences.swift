import Foundation

/// How far two distributions over classes are from each other, by the measures of the field; natural
/// logarithms.
public struct Divergences: Sendable, Hashable {
    /// Σ p·(log p − log q): the teacher's p and the student's q.
    public var kl = 0.0
    /// Σ q·(log q − log p).
    public var reverseKL = 0.0
    /// The mean of both sides' KL to their mean (p + q) ÷ 2; at most log 2.
    public var jensenShannon = 0.0
    /// ½ Σ |p − q|, 0...1: the most by which the probability of any event differs.
    public var totalVariation = 0.0

    /// - Parameters:
    ///   - logP: the teacher's log probabilities, [C].
    ///   - logQ: the student's.
    init(_ logP: ArraySlice<Double>, _ logQ: ArraySlice<Double>) {
        for (logP, logQ) in zip(logP, logQ) {
            let (p, q) = (exp(logP), exp(logQ))
            let middle = log((p + q) / 2)
            if logP != -.infinity { kl += p * (logP - logQ) }
            if logQ != -.infinity { reverseKL += q * (logQ - logP) }
            // What underflows to nothing on both sides adds nothing.
            if p > 0 { jensenShannon += p * (logP - middle) / 2 }
            if q > 0 { jensenShannon += q * (logQ - middle) / 2 }
            totalVariation += abs(p - q) / 2
        }
        // Rounding can leave −1e-17 where the two are equal.
        kl = kl.isNaN ? kl : max(0, kl)
        reverseKL = reverseKL.isNaN ? reverseKL : max(0, reverseKL)
        jensenShannon = jensenShannon.isNaN ? jensenShannon : max(0, jensenShannon)
    }

    /// Of each example, [examples], from the logits of both, [examples, C] row-major.
    ///
    /// - Parameter temperature: both sides are softmax(logits ÷ T).
    public static func ofExamples(
        teacher: [Float],
        student: [Float],
        classCount: Int,
        temperature: Double
    ) -> [Divergences] {
        precondition(teacher.count == student.count && temperature > 0)
        precondition(classCount > 0 && teacher.count % classCount == 0)
        return stride(from: 0, to: teacher.count, by: classCount).map { row in
            let rows = row..<row + classCount
            return Divergences(
                LogitMetrics.logSoftmax(teacher[rows], temperature: temperature)[...],
                LogitMetrics.logSoftmax(student[rows], temperature: temperature)[...]
            )
        }
    }
}
