/// How often each class was answered with each class, and what follows from that.
///
/// All rates are in 0...1. A rate that divides nothing by nothing is `nil`: undefined.
public struct ConfusionMatrix: Sendable, Hashable {
    /// C
    public let classCount: Int
    /// [C, C], row-major: row is the true class, column the answered one.
    public let counts: [Int]

    /// - Parameters:
    ///   - predictions: [examples] answered classes.
    ///   - targets: [examples] true classes.
    public init(predictions: [Int], targets: [Int], classCount: Int) {
        precondition(predictions.count == targets.count && classCount > 0)
        var counts = [Int](repeating: 0, count: classCount * classCount)
        for (prediction, target) in zip(predictions, targets) {
            precondition((0..<classCount).contains(prediction) && (0..<classCount).contains(target))
            counts[target * classCount + prediction] += 1
        }
        self.classCount = classCount
        self.counts = counts
    }

    public var total: Int { counts.reduce(0, +) }

    /// Examples whose true class is `label`.
    public func actual(_ label: Int) -> Int {
        counts[label * classCount..<(label + 1) * classCount].reduce(0, +)
    }

    /// Examples answered with `label`.
    public func answered(_ label: Int) -> Int {
        stride(from: label, to: counts.count, by: classCount).reduce(0) { $0 + counts[$1] }
    }

    /// Examples answered rightly.
    public var correct: Int {
        (0..<classCount).reduce(0) { $0 + counts[$1 * classCount + $1] }
    }

    /// The share of right answers; `nil` without examples.
    public var accuracy: Double? { ratio(correct, total) }

    /// F1 of one class against the rest, 2·TP ÷ (2·TP + FP + FN); `nil` if the class is neither
    /// true nor answered anywhere. With two classes the usual "binary F1" is `f1(of: 1)`.
    public func f1(of label: Int) -> Double? {
        ratio(2 * counts[label * classCount + label], actual(label) + answered(label))
    }

    /// The unweighted mean F1 of the classes that are true or answered somewhere, as scikit-learn's
    /// `average="macro"`; `nil` without examples.
    public var macroF1: Double? {
        let scores = (0..<classCount).compactMap { f1(of: $0) }
        return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
    }

    /// The share of the answers `label` that are right; `nil` if it is never answered.
    public func precision(of label: Int) -> Double? {
        ratio(counts[label * classCount + label], answered(label))
    }

    /// The share of the examples of `label` that are answered so; `nil` if there are none.
    public func recall(of label: Int) -> Double? {
        ratio(counts[label * classCount + label], actual(label))
    }

    /// F1 over all decisions of all classes together; with one answer to an example it is the accuracy.
    public var microF1: Double? {
        let truePositives = 2 * correct
        return ratio(truePositives, truePositives + 2 * (total - correct))
    }

    /// Matthews's correlation between true and answered classes, −1...1, for any number of
    /// classes. 0 if all answers or all truths are one class, as in scikit-learn; `nil` without
    /// examples.
    ///
    /// - Source: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation
    ///   coefficient".
    public var matthews: Double? {
        guard total > 0 else { return nil }
        // In Double: products of counts may pass 2^63.
        let all = Double(total)
        var product = 0.0
        var actualSquares = 0.0
        var answeredSquares = 0.0
        for label in 0..<classCount {
            let actual = Double(actual(label))
            let answered = Double(answered(label))
            product += actual * answered
            actualSquares += actual * actual
            answeredSquares += answered * answered
        }
        let covariance = Double(correct) * all - product
        let variances = (all * all - actualSquares) * (all * all - answeredSquares)
        return variances > 0 ? covariance / variances.squareRoot() : 0
    }

    private func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }
}
