public import Bert
import Kernels

/// What a step makes small, over everything that a pass puts out.
///
/// It knows outputs and targets, and of parameters only those of its own that are trained beside the
/// model's.
public protocol TrainingObjective: Sendable {
    /// What of the model is read besides its logits.
    var outputs: IntermediateSelection { get }
    /// Parameters of its own.
    var auxiliary: AuxiliaryParameters? { get }

    /// Makes room for a batch as `evaluate` does, and computes nothing.
    func reserve(_ pass: some ModelPass, for batch: TrainingBatch)

    /// The loss of the pass's last forward; its gradient is left in the pass's `outputGradients` and in
    /// the auxiliary parameters, and that of a head that predicts pieces in `gradients`.
    ///
    /// - Parameters:
    ///   - batch: as the model was shown it.
    ///   - gradients: those that the pass's `backward` completes.
    ///   - share: what the gradients, and only they, are multiplied by.
    ///   - accumulate: adds to the gradients instead of replacing them.
    func evaluate<Pass: ModelPass>(
        _ pass: Pass,
        _ batch: TrainingBatch,
        into gradients: Pass.Gradients,
        share: Double,
        accumulate: Bool
    ) -> LossValue
}

extension TrainingObjective {
    public var outputs: IntermediateSelection { .none }
    public var auxiliary: AuxiliaryParameters? { nil }

    public func reserve(_ pass: some ModelPass, for batch: TrainingBatch) {}
}

/// A loss and the terms it is the sum of.
public struct LossValue: Sendable {
    public var loss: Double
    /// The parts of the loss, weighted as they entered it, by name.
    public var terms: [(name: String, value: Double)]

    public init(loss: Double, terms: [(name: String, value: Double)]) {
        (self.loss, self.terms) = (loss, terms)
    }

    /// Adds a share of another batch's.
    mutating func add(_ other: LossValue, share: Double) {
        loss += share * other.loss
        for (name, term) in other.terms {
            if let known = terms.firstIndex(where: { $0.name == name }) {
                terms[known].value += share * term
            } else {
                terms.append((name, share * term))
            }
        }
    }
}

/// An objective that reads logits alone.
public struct LogitObjective: TrainingObjective {
    public let objective: any Objective

    public init(_ objective: any Objective) {
        self.objective = objective
    }

    public func evaluate<Pass: ModelPass>(
        _ pass: Pass,
        _ batch: TrainingBatch,
        into gradients: Pass.Gradients,
        share: Double,
        accumulate: Bool
    ) -> LossValue {
        guard let logits = pass.logits, let target = pass.logitGradients else {
            preconditionFailure("a model without logits")
        }
        let value = objective.evaluate(logits: logits.values, examples: batch.answers)
        for (index, element) in value.gradient.logits.enumerated() {
            target.base[index] = share == 1 ? element : element * Float(share)
        }
        return LossValue(loss: value.loss, terms: value.terms)
    }
}
