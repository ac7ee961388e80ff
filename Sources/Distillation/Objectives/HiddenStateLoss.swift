public import Bert
public import Diagnostics
import Kernels

/// Σ over pairs of the mean squared error between hidden states, MSE(H_S W, H_T): over tokens by the
/// reduction, over components always the mean.
///
/// Hidden state 0 is the embeddings' output.
///
/// - Source: Jiao et al. 2020 (TinyBERT), equations 7 to 9.
public struct HiddenStateLoss: HiddenStateObjective {
    /// How a student's states come to the teacher's width.
    public enum Projection: String, Sendable, Hashable, CaseIterable {
        /// They have it.
        case none
        /// A matrix without bias for each pair: the paper's.
        case perPair = "per-pair"
        /// One matrix with bias for all pairs, and for all objectives that say so: the published
        /// code's.
        case shared
    }

    public let name: String
    public let pairs: [LayerPair]
    public let projection: Projection
    public let reduction: Reduction

    public init(
        name: String = "hidden_states",
        pairs: [LayerPair],
        projection: Projection,
        reduction: Reduction
    ) {
        (self.name, self.pairs) = (name, pairs)
        (self.projection, self.reduction) = (projection, reduction)
    }

    public var projections: [ProjectionUse] { pairs.compactMap(use) }

    private func use(_ pair: LayerPair) -> ProjectionUse? {
        switch projection {
        case .none: nil
        case .perPair:
            ProjectionUse(
                name: "\(name).\(pair.student)",
                hiddenState: pair.student,
                hasBias: false
            )
        case .shared:
            ProjectionUse(name: "shared", hiddenState: pair.student, hasBias: true)
        }
    }

    public func check(
        student: BertConfiguration,
        teacher: BertConfiguration
    ) throws(Failure) {
        try LayerPair.check(pairs, of: name, student, teacher)
        guard projection == .none, student.hiddenSize != teacher.hiddenSize else { return }
        throw Failure(
            .usage,
            name,
            "the student's hidden states are \(student.hiddenSize) wide and the teacher's "
                + "\(teacher.hiddenSize), and no projection takes one to the other",
            remedy: "Use the projection per-pair"
        )
    }

    public func evaluate(_ shard: ObjectiveShard) -> Double {
        pairs.reduce(0) { $0 + evaluate($1, shard) }
    }

    private func evaluate(_ pair: LayerPair, _ shard: ObjectiveShard) -> Double {
        let own = shard.student.hiddenState(pair.student)
        let other = shard.teacher.hiddenState(pair.teacher)
        let gradient = shard.gradient.hiddenState(pair.student)
        let active = use(pair).flatMap { shard.projections[$0] }
        let all = shard.shard.rows
        active?.linear.forward(own.slice(all), into: active?.output.slice(all) ?? own)
        var loss = 0.0
        for (sequences, weight) in shard.tokenRuns(reduction) {
            let rows = shard.rows(of: sequences)
            let scale = weight / Double(other.columns)
            let sum = Divergence.squaredDifference(
                (active?.output ?? own).slice(rows).base,
                other.slice(rows).base,
                gradient: (active?.output ?? gradient).slice(rows).base,
                count: rows.count * other.columns,
                factor: Float(2 * scale * shard.gradientWeight),
                accumulate: active == nil
            )
            loss += scale * sum
        }
        active.map {
            $0.linear.backwardInput(
                $0.output.slice(all),
                into: gradient.slice(all),
                accumulate: true
            )
        }
        return loss
    }
}
