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
    /// The gold labels of the training data's answers; empty where the loss reads none.
    public let targets: [Float]
    /// Whether variants have the labels of the examples that they were made of; else they have none.
    public var labelsVariants = false
    /// Who answers variants, if not the one teacher.
    public var ensemble: TeacherEnsemble?
    /// The loss, given the teacher's logits by example and the gold labels.
    private let make: @Sendable (_ teacherLogits: [Float], _ targets: [Float]) -> any Objective
    private let kept: (any Objective)?

    /// - Parameters:
    ///   - targets: gold labels of all examples, or words; empty where the loss reads none.
    ///   - make: the loss for examples whose teacher's logits are given, `[examples, C]`, with their gold
    ///     labels, not a number for an example without one.
    public init(
        weight: Double,
        source: Source,
        targets: [Float] = [],
        make:
            @escaping @Sendable (_ teacherLogits: [Float], _ targets: [Float]) -> any Objective
    ) {
        (self.weight, self.source, self.make) = (weight, source, make)
        self.targets = targets
        if case .kept(let logits) = source { kept = make(logits, targets) } else { kept = nil }
    }

    func evaluate(
        _ logits: [Float],
        _ shown: TrainingBatch,
        teacher: BertInference
    ) -> ObjectiveValue {
        let batch = shown.sequences
        if case .kept(let known) = source, let kept {
            return shown.variantCount > 0
                ? evaluate(logits, shown, known, teacher)
                : kept.evaluate(logits: logits, examples: shown.answers)
        }
        let answers: [Float] =
            if case .averaged(let teachers) = source { teachers.logits(batch) } else {
                teacher.logits(batch)
            }
        let rows = Array(0..<(batch.answered?.count ?? batch.sequenceCount))
        return make(answers, targets).evaluate(logits: logits, examples: rows[...])
    }

    /// A batch with variants, which the teacher answers now.
    ///
    /// - Parameter known: its answers to the data; empty where the loss reads none.
    private func evaluate(
        _ logits: [Float],
        _ shown: TrainingBatch,
        _ known: [Float],
        _ teacher: BertInference
    ) -> ObjectiveValue {
        let rows = shown.answers.count
        let width = logits.count / rows
        let originals = shown.answers.dropLast(shown.variantCount)
        var answers: [Float] = []
        if !known.isEmpty {
            for answer in originals { answers += known[answer * width..<(answer + 1) * width] }
            let variants = shown.sequences.suffix(shown.variantCount)
            answers += ensemble?.logits(variants) ?? teacher.logits(variants)
        }
        var labels: [Float] = []
        if !targets.isEmpty {
            labels = originals.map { targets[$0] }
            labels += shown.answers.suffix(shown.variantCount).map {
                labelsVariants ? targets[$0] : .nan
            }
        }
        return make(answers, labels)
            .evaluate(logits: logits, examples: Array(0..<rows)[...])
    }
}

extension PackedBatch {
    /// The last sequences alone.
    fileprivate func suffix(_ count: Int) -> PackedBatch {
        let first = sequenceCount - count
        let start = offsets[first]
        return PackedBatch(
            ids: Array(ids[start...]),
            tokenTypes: Array(tokenTypes[start...]),
            offsets: offsets[first...].map { $0 - start }
        )
    }
}
