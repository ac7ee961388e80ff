public import Bert
public import Datasets
import Foundation

/// A loss and its gradient with respect to the model's outputs.
public struct ObjectiveValue: Sendable {
    public var loss: Double
    /// The parts of the loss, weighted as they entered it, by name.
    public var terms: [(name: String, value: Double)]
    public var gradient: OutputGradients

    public init(loss: Double, terms: [(name: String, value: Double)], gradient: OutputGradients) {
        (self.loss, self.terms, self.gradient) = (loss, terms, gradient)
    }
}

/// What training makes small: a value that knows outputs and targets, but no parameters.
public protocol Objective: Sendable {
    /// The mean over the rows, and its gradient.
    ///
    /// - Parameters:
    ///   - logits: `[B, C]` row-major; of a token classifier `[R, C]`.
    ///   - examples: which answer of the training data each row is: an example's, or a word's.
    func evaluate(logits: [Float], examples: ArraySlice<Int>) -> ObjectiveValue
}

/// The cross entropy with gold labels, −log softmax(z)[label], averaged over rows; nats.
///
/// A row without a label (its target is not a number) adds nothing, and counts among the rows.
public struct CrossEntropyLoss: Objective {
    /// The class of every example of the training data.
    public let targets: [Float]
    public let classCount: Int

    public init(targets: [Float], classCount: Int) {
        (self.targets, self.classCount) = (targets, classCount)
    }

    public func evaluate(logits: [Float], examples: ArraySlice<Int>) -> ObjectiveValue {
        let rows = Double(max(1, examples.count))
        var gradient = [Float](repeating: 0, count: logits.count)
        var loss = 0.0
        for (row, example) in examples.enumerated() where !targets[example].isNaN {
            let range = row * classCount..<(row + 1) * classCount
            let logProbabilities = logSoftmax(logits[range], temperature: 1)
            let target = Int(targets[example])
            loss -= logProbabilities[target]
            for (index, logProbability) in logProbabilities.enumerated() {
                let probability = exp(logProbability)
                gradient[range.lowerBound + index] = Float(
                    (probability - (index == target ? 1 : 0)) / rows
                )
            }
        }
        loss /= rows
        return ObjectiveValue(
            loss: loss,
            terms: [("hard_labels", loss)],
            gradient: OutputGradients(logits: gradient)
        )
    }
}

/// The mean squared error of one output per row against gold scores.
public struct MeanSquaredError: Objective {
    /// The score of every example of the training data.
    public let targets: [Float]
    /// Whether a target that is not a number stands for none: its row then adds nothing, and counts among
    /// the rows.
    public let mayLackTargets: Bool

    public init(targets: [Float], mayLackTargets: Bool = false) {
        self.targets = targets
        self.mayLackTargets = mayLackTargets
    }

    public func evaluate(logits: [Float], examples: ArraySlice<Int>) -> ObjectiveValue {
        let rows = Double(examples.count)
        var gradient: [Float] = []
        var loss = 0.0
        for (output, example) in zip(logits, examples) {
            if mayLackTargets, targets[example].isNaN {
                gradient.append(0)
                continue
            }
            let difference = Double(output) - Double(targets[example])
            loss += difference * difference / rows
            gradient.append(Float(2 * difference / rows))
        }
        return ObjectiveValue(
            loss: loss,
            terms: [("gold_scores", loss)],
            gradient: OutputGradients(logits: gradient)
        )
    }
}

/// log softmax(z / temperature), computed in double precision around the largest logit.
public func logSoftmax(_ logits: ArraySlice<Float>, temperature: Double) -> [Double] {
    let scaled = logits.map { Double($0) / temperature }
    let highest = scaled.max() ?? 0
    let logSum = highest + log(scaled.reduce(0) { $0 + exp($1 - highest) })
    return scaled.map { $0 - logSum }
}

extension TaskKind {
    public var isRegression: Bool { self == .regression }

    /// The loss against gold labels, as class indexes, or scores; rows without one add nothing.
    public func goldLoss(_ targets: [Float]) -> any Objective {
        switch self {
        case .classification(let labels):
            CrossEntropyLoss(targets: targets, classCount: labels.count)
        case .regression: MeanSquaredError(targets: targets, mayLackTargets: true)
        }
    }
}
