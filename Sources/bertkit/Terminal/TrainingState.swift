import Training

/// How training stands, for the progress line.
package struct TrainingState {
    /// Over the last fifty steps or so, like its terms.
    package var loss: Double?
    /// What the loss is made of; they add up to it.
    package var terms: [(name: String, value: Double)] = []
    package var learningRate: Double?
    /// On the development data: what is measured, last time and at best.
    package var metric: String?
    package var current: Double?
    package var best: Double?

    package init() {}

    mutating func follow(_ step: TrainingEvent.StepReport) {
        func smoothed(_ old: Double?, _ new: Double) -> Double {
            old.map { 0.98 * $0 + 0.02 * new } ?? new
        }
        loss = smoothed(loss, step.loss)
        terms = step.terms.map { term in
            (term.name, smoothed(terms.first { $0.name == term.name }?.value, term.value))
        }
        learningRate = step.learningRate
    }

    mutating func follow(_ evaluation: TrainingEvent.EvaluationReport) {
        metric = evaluation.score.metric
        current = evaluation.score.value
        if evaluation.isBest { best = current }
    }

    /// The parts of a line, in the order of reading.
    func facts() -> [String] {
        var facts: [String] = []
        if let loss { facts.append("loss \(Numbers.fixed(loss, 4))") }
        if terms.count > 1 {
            facts += terms.map { term in
                "\(term.name.replacing("_", with: " ")) \(Numbers.fixed(term.value, 4))"
            }
        }
        if let learningRate { facts.append("learning rate \(Numbers.scientific(learningRate))") }
        if let metric, let current { facts.append("\(metric) \(Numbers.fixed(current, 4))") }
        if let best { facts.append("best \(Numbers.fixed(best, 4))") }
        return facts
    }
}
