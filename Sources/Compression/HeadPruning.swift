import Bert
import Distillation

/// Which heads stay when a share of every layer's is pruned.
struct HeadPruning {
    private let fraction: Double

    init(_ fraction: Double) {
        self.fraction = fraction
    }

    /// The heads that go of so many: whole ones, rounded down, but 0.3 of 10 is 3 though the product in binary
    /// is a little less.
    func cut(of count: Int) -> Int { Int((fraction * Double(count) + 1e-9).rounded(.down)) }

    /// Prunes the least important heads of every layer.
    ///
    /// - Returns: the step's name.
    func prune(_ model: inout CompressedModel, _ scores: ImportanceScores) -> String {
        let before = model.configuration
        model.keep(
            heads: scores.layers.map { layer in
                let count = layer.heads.count
                return ImportanceScores.best(count - cut(of: count), of: layer.heads)
            }
        )
        let after = model.configuration
        let name = "heads \(after.headCountPhrase) of \(before.headCountPhrase)"
        guard after == before else { return name }
        return name + ": \(fraction) of them is less than one"
    }
}
