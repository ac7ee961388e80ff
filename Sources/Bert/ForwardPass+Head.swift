import Glibc
import Kernels

/// What follows the encoder in sequence classification.
extension ForwardPass {
    /// pooled = activation(pooler(first)).
    ///
    /// - Parameters:
    ///   - first: `[b, H]`, the last layer's output for each sequence's first token.
    ///   - sum: `[b, H]`, receives the values before the activation; may be `pooled`.
    func pool(_ pooler: Linear, first: Matrix, sum: Matrix, into pooled: Matrix) {
        pooler.forward(first, into: sum)
        recorder?.forward(.pooler, pooler, rows: first.rows)
        let count = pooled.rows * pooled.columns
        switch configuration.poolerActivation {
        case .tanh:
            for element in 0..<count { pooled.base[element] = tanhf(sum.base[element]) }
        case .relu: Activation.relu.forward(sum.base, pooled.base, count: count)
        case .gelu: Activation.gelu.forward(sum.base, pooled.base, count: count)
        }
        recorder?.lap(.activation, floats: 2 * count)
    }

    /// logits = classifier(dropout(pooled)); RoBERTa and ELECTRA also drop what the pooler reads.
    ///
    /// - Parameters:
    ///   - first: `[b, H]`, the last layer's output for each sequence's first token; dropped in place.
    ///   - sum: `[b, H]`, receives the pooler's values before the activation, `pooled` those behind
    ///     it, and `dropped` those that the classifier sees.
    ///   - logits: `[b, C]`.
    ///   - firstSequence: the batch's sequence that row 0 stands for.
    func head(
        _ pooler: Linear,
        _ classifier: Linear,
        first: Matrix,
        sum: Matrix,
        pooled: Matrix,
        dropped: Matrix,
        logits: Matrix,
        firstSequence: Int
    ) {
        let count = pooled.rows * pooled.columns
        let firstElement = firstSequence * pooled.columns
        recorder?.lap(.planning)
        dropout.firstTokens.apply(to: first.base, count: count, first: firstElement)
        if dropout.first > 0 { recorder?.lap(.dropout, floats: 2 * count) }
        pool(pooler, first: first, sum: sum, into: pooled)
        dropped.base.update(from: pooled.base, count: count)
        dropout.pooled.apply(to: dropped.base, count: count, first: firstElement)
        recorder?.lap(.dropout, floats: 2 * count)
        classifier.forward(dropped, into: logits)
        recorder?.forward(.classifier, classifier, rows: dropped.rows)
    }
}
