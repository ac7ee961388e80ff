public import Bert
public import Diagnostics
import Kernels
import Tokenization

/// Patient distillation: the mean over sequences, pairs and components of (ĥ_S − ĥ_T)², h being the
/// hidden state of a sequence's first token and ĥ = h / ‖h‖ where `normalizes`.
///
/// - Source: Sun et al. 2019 (BERT-PKD), with the published code's mean over components.
public struct PatientLoss: HiddenStateObjective {
    public let name = "patience"
    public let pairs: [LayerPair]
    public let normalizes: Bool

    public init(pairs: [LayerPair], normalizes: Bool = true) {
        (self.pairs, self.normalizes) = (pairs, normalizes)
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
            let scale = 1 / Double(shard.batch.sequenceCount * pairs.count * own.columns)
            for sequence in shard.shard.sequences {
                let row = shard.batch.offsets[sequence]
                let (a, normA) = vector(own, row)
                let (b, _) = vector(other, row)
                var (sum, inner) = (0.0, 0.0)
                for (x, y) in zip(a, b) {
                    sum += (x - y) * (x - y)
                    inner += (x - y) * x
                }
                loss += scale * sum
                let factor = 2 * scale * shard.gradientWeight
                let target = gradient.base + row * gradient.stride
                for column in a.indices {
                    // Through the normalisation only what is across the vector has a gradient.
                    let change =
                        normalizes
                        ? (a[column] - b[column] - inner * a[column]) / normA
                        : a[column] - b[column]
                    target[column] += Float(factor * change)
                }
            }
        }
        return loss
    }

    /// A row, divided by its norm (at least 10⁻¹²) where that is asked for, and the norm.
    private func vector(_ states: Matrix, _ row: Int) -> ([Double], norm: Double) {
        let start = states.base + row * states.stride
        let values = (0..<states.columns).map { Double(start[$0]) }
        guard normalizes else { return (values, 1) }
        let norm = max(values.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        return (values.map { $0 / norm }, norm)
    }
}
