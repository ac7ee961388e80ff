public import Datasets
import Evaluation
public import Training

/// Whether a teacher knows its task, looked at before anything is trained.
public struct TeacherCheck: Sendable {
    public let score: DevelopmentScore
    /// The share of the most frequent class: what answering it always would score. Nil for regression.
    public let majorityShare: Double?
    /// A sentence that names the likely cause, when the teacher answers no better than chance.
    public let warning: String?

    /// - Parameter logits: the teacher's answers to the development data, `[examples, C]`.
    public init(logits: [Float], targets: [Float], kind: TaskKind) {
        score = DevelopmentScore(.standard(for: kind), logits: logits, targets: targets, kind: kind)
        switch kind {
        case .regression:
            majorityShare = nil
            warning =
                score.value < 0.1
                ? "The teacher's scores hardly follow the gold scores: was it fine-tuned on this task?"
                : nil
        case .classification(let labels):
            let classes = targets.map { Int($0) }
            var counts = [Int](repeating: 0, count: labels.count)
            for target in classes { counts[target] += 1 }
            let majority = Double(counts.max() ?? 0) / Double(max(1, classes.count))
            majorityShare = majority
            if let problem = LabelOrder.problem(logits, targets: targets, labels: labels) {
                warning =
                    "The teacher's label order looks wrong: \(problem). Check id2label in its "
                    + "config.json."
            } else if score.value <= max(majority, 1 / Double(labels.count)) + 0.02 {
                warning =
                    "The teacher is right on \(percent(score.value)), no better than always answering "
                    + "the most frequent label (\(percent(majority))). Likely causes: it was not "
                    + "fine-tuned on this task, or its labels are in another order."
            } else {
                warning = nil
            }
        }
    }
}

/// `88.8 %`.
private func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
}
