import Bert
import Foundation
public import Training

/// Distillation of the prediction layer: the student's answers against the teacher's.
///
/// Classification: (1 − w) · T² · mean over rows of CE(softmax(z_T / T), softmax(z_S / T)), plus
/// w · the cross entropy with the gold labels. The soft part sums over classes; its gradient is that
/// of the KL divergence, its value larger by the teacher's entropy. T² keeps the gradient's scale
/// for any temperature and can be switched off.
///
/// Regression: (1 − w) · MSE to the teacher's scores + w · MSE to the gold scores.
///
/// A row without a gold label has the soft part alone.
///
/// - Source: Hinton et al. 2015, section 2.
public struct SoftTargetLoss: Objective {
    /// How answers are compared in classification.
    public enum Form: String, Sendable, Hashable, CaseIterable {
        /// CE(softmax(z_T / T), softmax(z_S / T)): summed over classes.
        case crossEntropy = "cross-entropy"
        /// The cross entropy without the teacher's entropy: KL(p_T ‖ p_S). The same gradient.
        case divergence = "kl"
        /// The mean over rows and classes of (z_S − z_T)²; no temperature.
        case logitSquares = "logit-mse"
    }

    public let form: Form
    /// `[answers, C]` row-major: the teacher's answer to every example, or word, of the training data.
    public let teacherLogits: [Float]
    public let classCount: Int
    public let temperature: Double
    public let scalesByTemperatureSquared: Bool
    /// w, the share of the gold labels, in [0, 1].
    public let hardLabelWeight: Double
    private let hard: (any Objective)?
    private let isRegression: Bool

    /// - Parameter targets: the gold labels or scores; may be empty when `hardLabelWeight` is 0.
    public init(
        teacherLogits: [Float],
        classCount: Int,
        isRegression: Bool,
        form: Form = .crossEntropy,
        temperature: Double,
        scalesByTemperatureSquared: Bool = true,
        hardLabelWeight: Double,
        targets: [Float]
    ) {
        precondition(temperature > 0 && hardLabelWeight >= 0 && hardLabelWeight <= 1)
        self.teacherLogits = teacherLogits
        self.classCount = classCount
        self.isRegression = isRegression
        self.form = form
        self.temperature = temperature
        self.scalesByTemperatureSquared = scalesByTemperatureSquared
        self.hardLabelWeight = hardLabelWeight
        if hardLabelWeight == 0 {
            hard = nil
        } else if isRegression {
            hard = MeanSquaredError(targets: targets, mayLackTargets: true)
        } else {
            hard = CrossEntropyLoss(targets: targets, classCount: classCount)
        }
    }

    public func evaluate(logits: [Float], examples: ArraySlice<Int>) -> ObjectiveValue {
        let soft =
            isRegression
            ? scores(logits: logits, examples: examples)
            : form == .logitSquares
                ? logitSquares(logits: logits, examples: examples)
                : softTargets(logits: logits, examples: examples)
        let softShare = 1 - hardLabelWeight
        var loss = softShare * soft.loss
        var terms = [(name: isRegression ? "teacher_scores" : "soft_targets", value: loss)]
        var gradient = soft.gradient.map { Float(softShare) * $0 }
        if let hard {
            let value = hard.evaluate(logits: logits, examples: examples)
            loss += hardLabelWeight * value.loss
            terms += value.terms.map { ($0.name, hardLabelWeight * $0.value) }
            for (index, element) in value.gradient.logits.enumerated() {
                gradient[index] += Float(hardLabelWeight) * element
            }
        }
        return ObjectiveValue(
            loss: loss,
            terms: terms,
            gradient: OutputGradients(logits: gradient)
        )
    }

    private func softTargets(
        logits: [Float],
        examples: ArraySlice<Int>
    ) -> (loss: Double, gradient: [Float]) {
        let rows = Double(max(1, examples.count))
        let factor = scalesByTemperatureSquared ? temperature * temperature : 1
        var gradient = [Float](repeating: 0, count: logits.count)
        var loss = 0.0
        for (row, example) in examples.enumerated() {
            let range = row * classCount..<(row + 1) * classCount
            let student = logSoftmax(logits[range], temperature: temperature)
            let teacher = logSoftmax(
                teacherLogits[example * classCount..<(example + 1) * classCount],
                temperature: temperature
            )
            for index in 0..<classCount {
                let probability = exp(teacher[index])
                let entropy = form == .divergence && probability > 0 ? teacher[index] : 0
                loss -= factor * probability * (student[index] - entropy) / rows
                gradient[range.lowerBound + index] = Float(
                    factor * (exp(student[index]) - probability) / (temperature * rows)
                )
            }
        }
        return (loss, gradient)
    }

    private func logitSquares(
        logits: [Float],
        examples: ArraySlice<Int>
    ) -> (loss: Double, gradient: [Float]) {
        let scale = 1 / Double(max(1, examples.count) * classCount)
        var gradient: [Float] = []
        gradient.reserveCapacity(logits.count)
        var loss = 0.0
        for (row, example) in examples.enumerated() {
            for index in 0..<classCount {
                let difference =
                    Double(logits[row * classCount + index])
                    - Double(teacherLogits[example * classCount + index])
                loss += scale * difference * difference
                gradient.append(Float(2 * scale * difference))
            }
        }
        return (loss, gradient)
    }

    private func scores(
        logits: [Float],
        examples: ArraySlice<Int>
    ) -> (loss: Double, gradient: [Float]) {
        let value = MeanSquaredError(targets: teacherLogits)
            .evaluate(logits: logits, examples: examples)
        return (value.loss, value.gradient.logits)
    }
}
