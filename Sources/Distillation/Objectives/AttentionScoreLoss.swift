public import Bert
public import Diagnostics
import Kernels
import Tokenization

/// Σ over pairs of layers of the mean squared error between unnormalised attention scores
/// QKᵀ/√D, averaged over heads: every score counts, however small or large, since no score is of
/// padding.
///
/// - Source: Jiao et al. 2020 (TinyBERT), equation 7.
public struct AttentionScoreLoss: AttentionObjective {
    /// How heads are matched.
    public enum Heads: String, Sendable, Hashable, CaseIterable {
        /// Head by head; both models have as many.
        case equal
        /// The mean over the heads of one model against that of the other.
        case mean
    }

    public let name = "attention_scores"
    /// Layers from 1.
    public let pairs: [LayerPair]
    public let heads: Heads
    public let reduction: Reduction

    public init(pairs: [LayerPair], heads: Heads = .equal, reduction: Reduction) {
        (self.pairs, self.heads, self.reduction) = (pairs, heads, reduction)
    }

    public func check(
        student: BertConfiguration,
        teacher: BertConfiguration
    ) throws(Failure) {
        try LayerPair.check(pairs, of: name, student, teacher)
        guard heads == .equal else { return }
        try checkEqualHeads(
            name,
            pairs,
            student,
            teacher,
            remedy: "Use query, key and value relations, which need no equal heads, or heads: mean"
        )
    }

    public func evaluate(_ shard: ObjectiveShard) -> Double {
        pairs.reduce(0) { $0 + evaluate($1, shard) }
    }

    private func evaluate(_ pair: LayerPair, _ shard: ObjectiveShard) -> Double {
        let own = shard.student.scores(pair.student - 1)
        let other = shard.teacher.scores(pair.teacher - 1)
        let gradient = shard.gradient.scores(pair.student - 1)
        let headCount = shard.student.headCounts[pair.student - 1]
        var loss = 0.0
        switch heads {
        case .equal:
            for (sequences, weight) in shard.pairRuns(reduction) {
                let scale = weight / Double(headCount)
                let place = shard.student.scores(of: sequences, layer: pair.student - 1)
                let sum = Divergence.squaredDifference(
                    own + place.lowerBound,
                    other + place.lowerBound,
                    gradient: gradient + place.lowerBound,
                    count: place.count,
                    factor: Float(2 * scale * shard.gradientWeight),
                    accumulate: true
                )
                loss += scale * sum
            }
        case .mean:
            for (sequences, weight) in shard.pairRuns(reduction) {
                for sequence in sequences {
                    let count = shard.batch.length(of: sequence) * shard.batch.length(of: sequence)
                    let scratch = shard.scratch(3 * count)
                    let place = shard.student.scores(
                        of: sequence..<sequence + 1,
                        layer: pair.student - 1
                    ).lowerBound
                    let teacherPlace = shard.teacher.scores(
                        of: sequence..<sequence + 1,
                        layer: pair.teacher - 1
                    )
                    mean(own + place, headCount, count, into: scratch)
                    mean(
                        other + teacherPlace.lowerBound,
                        shard.teacher.headCounts[pair.teacher - 1],
                        count,
                        into: scratch + count
                    )
                    let sum = Divergence.squaredDifference(
                        scratch,
                        scratch + count,
                        gradient: scratch + 2 * count,
                        count: count,
                        factor: Float(2 * weight * shard.gradientWeight / Double(headCount)),
                        accumulate: false
                    )
                    loss += weight * sum
                    for head in 0..<headCount {
                        Elementwise.add(
                            gradient + place + head * count,
                            scratch + 2 * count,
                            count: count
                        )
                    }
                }
            }
        }
        return loss
    }

    private func mean(
        _ scores: UnsafeMutablePointer<Float>,
        _ headCount: Int,
        _ count: Int,
        into mean: UnsafeMutablePointer<Float>
    ) {
        mean.update(from: scores, count: count)
        for head in 1..<max(1, headCount) {
            Elementwise.add(mean, scores + head * count, count: count)
        }
        Elementwise.scale(mean, by: 1 / Float(headCount), count: count)
    }
}

func checkEqualHeads(
    _ name: String,
    _ pairs: [LayerPair],
    _ student: BertConfiguration,
    _ teacher: BertConfiguration,
    remedy: String
) throws(Failure) {
    for pair in pairs {
        let own = student.headCount(ofLayer: pair.student - 1)
        let other = teacher.headCount(ofLayer: pair.teacher - 1)
        guard own != other else { continue }
        throw Failure(
            .usage,
            name,
            "it compares head with head, but the student's layer \(pair.student) has \(own) heads and the "
                + "teacher's layer \(pair.teacher) has \(other)",
            remedy: remedy
        )
    }
}
