import Bert
import Tokenization
public import Training

/// The prediction layer's part of a distillation, and where the teacher's logits come from.
public struct PredictionTerm: Sendable {
    public enum Source: Sendable {
        /// Kept for every example, or word, of the training data, `[answers, C]` row-major.
        case kept([Float])
        /// Computed anew for each batch.
        case computed
        /// The same by several teachers.
        case averaged(TeacherEnsemble)
    }

    public var weight: Double
    public var source: Source
    /// The loss, given the teacher's logits by example and the gold labels.
    private let make: @Sendable (_ teacherLogits: [Float]) -> any Objective
    private let kept: (any Objective)?

    /// - Parameter make: the loss for examples whose teacher's logits are given, `[examples, C]`.
    public init(
        weight: Double,
        source: Source,
        make: @escaping @Sendable (_ teacherLogits: [Float]) -> any Objective
    ) {
        (self.weight, self.source, self.make) = (weight, source, make)
        if case .kept(let logits) = source { kept = make(logits) } else { kept = nil }
    }

    func evaluate(
        _ logits: [Float],
        _ batch: PackedBatch,
        examples: ArraySlice<Int>,
        teacher: BertInference
    ) -> ObjectiveValue {
        if let kept { return kept.evaluate(logits: logits, examples: examples) }
        let answers: [Float] =
            if case .averaged(let teachers) = source { teachers.logits(batch) } else {
                teacher.logits(batch)
            }
        let rows = Array(0..<(batch.answered?.count ?? batch.sequenceCount))
        return make(answers).evaluate(logits: logits, examples: rows[...])
    }
}
