import Foundation

/// Whether a classifier is as often right as it says, over [examples].
///
/// Confidence is the probability of the class answered.
public struct Calibration: Sendable, Hashable, Codable {
    /// Examples of about the same confidence.
    public struct Bin: Sendable, Hashable, Codable {
        public var count: Int
        /// The least and the largest confidence in it.
        public var lowest: Double
        public var highest: Double
        /// The mean of the confidence.
        public var confidence: Double
        public var accuracy: Double
    }

    /// From the least confident to the most, of equal mass: as many examples in each, but for one.
    public var bins: [Bin]
    /// Σ over the bins of their share of examples · |accuracy − confidence|.
    ///
    /// - Source: Nguyen and O'Connor 2015, "Posterior calibration and exploratory analysis" (bins of equal mass).
    public var expectedError: Double
    /// The mean over examples of Σ (p − [is the class])² over the classes, halved for two of them: then it
    /// is the usual one of the second class's probability.
    public var brier: Double
    /// The T for which the cross-entropy of softmax(logits ÷ T) is least; above 1 the model is too sure.
    /// Nil where there is none: all answers are right, or more wrong than guessing.
    ///
    /// - Source: Guo et al. 2017, "On calibration of modern neural networks".
    public var temperature: Double?

    /// - Parameters:
    ///   - logits: [examples, C] row-major, finite.
    ///   - targets: [examples] true classes; one at least.
    ///   - binCount: bins, of which none is empty.
    public init(_ logits: [Float], targets: [Int], classCount: Int, binCount: Int = 15) {
        precondition(!targets.isEmpty && binCount > 0)
        precondition(logits.count == targets.count * classCount)
        let logProbabilities = stride(from: 0, to: logits.count, by: classCount).map {
            LogitMetrics.logSoftmax(logits[$0..<$0 + classCount], temperature: 1)
        }
        let answers = LogitMetrics.topClasses(logits, classCount: classCount)
        let confidences = zip(logProbabilities, answers).map { exp($0[$1]) }
        bins = Self.bins(confidences, zip(answers, targets).map(==), binCount)
        expectedError = bins.reduce(0) {
            $0 + Double($1.count) / Double(targets.count) * abs($1.accuracy - $1.confidence)
        }
        let squares = zip(logProbabilities, targets).reduce(0) { sum, example in
            example.0.enumerated().reduce(sum) { sum, value in
                let error = exp(value.element) - (value.offset == example.1 ? 1 : 0)
                return sum + error * error
            }
        }
        brier = squares / Double(targets.count) / (classCount == 2 ? 2 : 1)
        temperature = Self.temperature(logits, targets, classCount)
    }

    private static func bins(_ confidences: [Double], _ isRight: [Bool], _ count: Int) -> [Bin] {
        let order = confidences.indices.sorted {
            (confidences[$0], $0) < (confidences[$1], $1)
        }
        let count = min(count, order.count)
        // The first ones have one more where the numbers do not divide.
        let (size, more) = order.count.quotientAndRemainder(dividingBy: count)
        var start = 0
        return (0..<count).map { bin in
            let members = order[start..<start + size + (bin < more ? 1 : 0)]
            start = members.endIndex
            let number = Double(members.count)
            return Bin(
                count: members.count,
                lowest: confidences[members.first!],
                highest: confidences[members.last!],
                confidence: members.reduce(0) { $0 + confidences[$1] } / number,
                accuracy: Double(members.count { isRight[$0] }) / number
            )
        }
    }

    /// The cross-entropy is convex in β = 1 ÷ T; its slope Σ (E[z] − z of the true class), over softmax(β z),
    /// grows with β, and the zero is found by halving.
    private static func temperature(
        _ logits: [Float],
        _ targets: [Int],
        _ classCount: Int
    ) -> Double? {
        func slope(_ beta: Double) -> Double {
            var sum = 0.0
            for (example, target) in targets.enumerated() {
                let row = logits[example * classCount..<(example + 1) * classCount]
                let largest = Double(row.max() ?? 0)
                var (weights, mean) = (0.0, 0.0)
                for logit in row {
                    let weight = exp(beta * (Double(logit) - largest))
                    weights += weight
                    mean += weight * Double(logit)
                }
                sum += mean / weights - Double(row[row.startIndex + target])
            }
            return sum
        }
        // Surer is better for ever where every true class has the largest logit.
        let isSeparable = targets.enumerated().allSatisfy { example, target in
            let row = logits[example * classCount..<(example + 1) * classCount]
            return row[row.startIndex + target] == row.max()
        }
        guard !isSeparable else { return nil }
        var (low, high) = (1e-6, 1.0)
        guard slope(low) < 0 else { return nil }
        while slope(high) < 0 {
            high *= 2
            if high > 1e6 { return nil }
        }
        while high - low > 1e-13 * high {
            let middle = (low + high) / 2
            guard middle > low, middle < high else { break }
            if slope(middle) < 0 { low = middle } else { high = middle }
        }
        return 2 / (low + high)
    }
}
