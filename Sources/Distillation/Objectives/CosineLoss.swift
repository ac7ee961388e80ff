public import Bert
public import Diagnostics
import Kernels

/// The mean over tokens of 1 − cos(h_S, h_T) of a pair of hidden states.
///
/// - Source: Sanh et al. 2019 (DistilBERT), whose code compares the last ones.
public struct CosineLoss: HiddenStateObjective {
    public let name = "cosine"
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
        try checkEqualWidths(name, student, teacher)
    }

    public func evaluate(_ shard: ObjectiveShard) -> Double {
        var loss = 0.0
        for pair in pairs {
            let own = shard.student.hiddenState(pair.student)
            let other = shard.teacher.hiddenState(pair.teacher)
            let gradient = shard.gradient.hiddenState(pair.student)
            for (sequences, weight) in shard.tokenRuns(reduction) {
                for row in shard.rows(of: sequences) {
                    let cosine = Self.add(
                        own.slice(row..<row + 1),
                        other.slice(row..<row + 1),
                        factor: weight * shard.gradientWeight,
                        to: gradient.slice(row..<row + 1)
                    )
                    loss += weight * (1 - cosine)
                }
            }
        }
        return loss
    }

    /// cos(a, b), and its gradient's negative with respect to a, times `factor`, added.
    ///
    /// A row of zeros has the cosine 0 and no gradient: ‖a‖ ‖b‖ is kept above 10⁻⁸.
    private static func add(
        _ a: Matrix,
        _ b: Matrix,
        factor: Double,
        to gradient: Matrix
    ) -> Double {
        var (dot, squareA, squareB) = (0.0, 0.0, 0.0)
        for column in 0..<a.columns {
            let (x, y) = (Double(a.base[column]), Double(b.base[column]))
            dot += x * y
            squareA += x * x
            squareB += y * y
        }
        let product = (squareA * squareB).squareRoot()
        guard product > 1e-8 else { return 0 }
        let cosine = dot / product
        let (towards, along) = (factor / product, factor * cosine / squareA)
        for column in 0..<a.columns {
            let change = along * Double(a.base[column]) - towards * Double(b.base[column])
            gradient.base[column] += Float(change)
        }
        return cosine
    }
}

/// Refuses a comparison of vectors of different widths that no projection makes equal.
func checkEqualWidths(
    _ name: String,
    _ student: BertConfiguration,
    _ teacher: BertConfiguration
) throws(Failure) {
    guard student.hiddenSize != teacher.hiddenSize else { return }
    throw Failure(
        .usage,
        name,
        "it compares hidden states as they are, but the student's are \(student.hiddenSize) wide and "
            + "the teacher's \(teacher.hiddenSize)",
        remedy: "Give the student the teacher's width, or use hidden-states with a projection"
    )
}
