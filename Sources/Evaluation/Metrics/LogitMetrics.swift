import Foundation

/// Measures over a classifier's logits, [examples, C] row-major; computed in double precision.
///
/// `nil` is "undefined": there are no examples. Logits may be −∞ (probability zero); a row with
/// NaN gives NaN.
public enum LogitMetrics {
    /// The class of the largest logit of each example, [examples]; the first one among equals.
    public static func topClasses(_ logits: [Float], classCount: Int) -> [Int] {
        precondition(classCount > 0 && logits.count % classCount == 0)
        return stride(from: 0, to: logits.count, by: classCount).map { row in
            var best = 0
            for label in 1..<max(1, classCount) where logits[row + label] > logits[row + best] {
                best = label
            }
            return best
        }
    }

    /// The share of examples for which both models answer the same class.
    public static func agreement(
        _ first: [Float],
        _ second: [Float],
        classCount: Int
    ) -> Double? {
        precondition(first.count == second.count)
        guard !first.isEmpty else { return nil }
        let a = topClasses(first, classCount: classCount)
        let b = topClasses(second, classCount: classCount)
        return Double(zip(a, b).count { $0 == $1 }) / Double(a.count)
    }

    /// The mean of −log softmax(logits)[target], in nats.
    ///
    /// - Parameter targets: [examples] true classes.
    public static func crossEntropy(
        _ logits: [Float],
        targets: [Int],
        classCount: Int
    ) -> Double? {
        precondition(logits.count == targets.count * classCount)
        guard !targets.isEmpty else { return nil }
        var sum = 0.0
        for (example, target) in targets.enumerated() {
            precondition((0..<classCount).contains(target))
            let row = logits[example * classCount..<(example + 1) * classCount]
            sum -= logSoftmax(row, temperature: 1)[target]
        }
        return sum / Double(targets.count)
    }

    /// The mean over examples of KL(teacher‖student) = Σ p·(log p − log q), in nats, both sides
    /// softened by the temperature: p = softmax(teacher ÷ T), q = softmax(student ÷ T). Not scaled
    /// by T², which belongs to a loss's gradient.
    ///
    /// A class the teacher gives probability zero adds nothing; one that only the student gives
    /// probability zero makes the divergence infinite.
    public static func meanKL(
        teacher: [Float],
        student: [Float],
        classCount: Int,
        temperature: Double
    ) -> Double? {
        let examples = Divergences.ofExamples(
            teacher: teacher,
            student: student,
            classCount: classCount,
            temperature: temperature
        )
        guard !examples.isEmpty else { return nil }
        return examples.reduce(0) { $0 + $1.kl } / Double(examples.count)
    }

    /// log softmax(row ÷ T), [C]; the largest is subtracted first, so that no exponential
    /// overflows and one at least is 1.
    static func logSoftmax(_ row: ArraySlice<Float>, temperature: Double) -> [Double] {
        let scaled = row.map { Double($0) / temperature }
        let largest = scaled.max() ?? 0
        let logSum = log(scaled.reduce(0) { $0 + exp($1 - largest) })
        return scaled.map { $0 - largest - logSum }
    }
}
