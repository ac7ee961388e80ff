public import Bert
public import Diagnostics
import Kernels
import Tokenization

/// Σ over pairs of layers of KL(A_T ‖ A_S) between attention distributions, a row for each token and
/// head, averaged over both; nats.
///
/// - Source: Wang et al. 2020 (MiniLM), equation 1, for the last layers.
public struct AttentionDistributionLoss: AttentionObjective {
    public let name = "attention_distributions"
    /// Layers from 1.
    public let pairs: [LayerPair]
    public let reduction: Reduction

    public init(pairs: [LayerPair], reduction: Reduction) {
        (self.pairs, self.reduction) = (pairs, reduction)
    }

    public func check(
        student: BertConfiguration,
        teacher: BertConfiguration
    ) throws(Failure) {
        try LayerPair.check(pairs, of: name, student, teacher)
        try checkEqualHeads(
            name,
            pairs,
            student,
            teacher,
            remedy: "Use query, key and value relations, which need no equal heads (minilmv2)"
        )
    }

    public func evaluate(_ shard: ObjectiveShard) -> Double {
        var loss = 0.0
        for pair in pairs {
            let own = shard.student.scores(pair.student - 1)
            let other = shard.teacher.scores(pair.teacher - 1)
            let gradient = shard.gradient.scores(pair.student - 1)
            for (sequences, weight) in shard.tokenRuns(reduction) {
                let scale = weight / Double(shard.student.headCounts[pair.student - 1])
                let factor = Float(scale * shard.gradientWeight)
                var sum = 0.0
                for sequence in sequences {
                    let length = shard.batch.length(of: sequence)
                    let place = shard.student.scores(
                        of: sequence..<sequence + 1,
                        layer: pair.student - 1
                    )
                    for row in stride(from: place.lowerBound, to: place.upperBound, by: length) {
                        sum +=
                            Divergence.softmax(
                                student: own + row,
                                teacher: other + row,
                                gradient: gradient + row,
                                count: length,
                                studentScale: 1,
                                teacherScale: 1,
                                factor: factor
                            ).divergence
                    }
                }
                loss += scale * sum
            }
        }
        return loss
    }
}
