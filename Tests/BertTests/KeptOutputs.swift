import Bert
import Kernels
import Tokenization

/// What a pass is asked to keep: with the logits alone, the last layer computes first tokens only.
enum KeptOutputs: CaseIterable {
    case all
    case logits

    func selection(_ configuration: BertConfiguration) -> IntermediateSelection {
        self == .all ? .all(configuration) : .none
    }
}

extension TrainingPass {
    /// Hidden state `index` of the last forward pass, `[T, H]`.
    func hiddenState(_ index: Int) -> Matrix {
        guard let state = outputs.hiddenStates[index] else { preconditionFailure("not kept") }
        return state
    }

    /// Unnormalised attention scores of a layer: sequence after sequence, `[N, n, n]`.
    func attentionScores(layer: Int, of batch: PackedBatch) -> [Float] {
        guard let scores = outputs.attentionScores[layer] else { preconditionFailure("not kept") }
        let range = outputs.scores(of: 0..<batch.sequenceCount, layer: layer)
        return Array(UnsafeBufferPointer(start: scores, count: range.count))
    }
}
