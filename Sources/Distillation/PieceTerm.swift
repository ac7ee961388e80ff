import Bert
import Kernels
import Tokenization
public import Training

/// What a distillation compares of a masked language model's predictions.
public struct PieceTerm: Sendable {
    /// The tokens whose predictions are compared with the teacher's.
    public enum Tokens: String, Sendable, Hashable, CaseIterable {
        /// Those that were selected for masking.
        case masked
        /// Every token, as the published code does unless it is told not to.
        case all
    }

    public var loss: PieceLoss
    public var tokens: Tokens

    public init(_ loss: PieceLoss, tokens: Tokens) {
        (self.loss, self.tokens) = (loss, tokens)
    }

    var readsTeacher: Bool { loss.soft > 0 }

    /// How many tokens of a batch are predicted.
    func rowCount(of batch: TrainingBatch) -> Int {
        tokens == .all && readsTeacher
            ? batch.sequences.tokenCount : batch.masked?.rows.count ?? 0
    }
}

extension DistillationObjective {
    /// The head of a student that is a masked language model, against the pieces and the teacher's head.
    ///
    /// - Parameter expected: the teacher's outputs, with its last hidden state where its head is read.
    func predictPieces(
        _ pass: TrainingPass,
        _ batch: TrainingBatch,
        into gradients: Gradients,
        _ expected: IntermediateOutputs?,
        _ share: Double,
        _ accumulate: Bool,
        _ value: inout LossValue
    ) {
        guard let pieces else { return }
        guard let masked = batch.masked else { preconditionFailure("a batch without masks") }
        let teacher = teacher
        let states = expected.map {
            $0.hiddenState(teacher.model.configuration.hiddenLayerCount)
        }
        let vocabulary = teacher.model.configuration.vocabularySize
        let everyRow =
            pieces.tokens == .all && pieces.readsTeacher
            ? Array(0..<batch.sequences.tokenCount) : nil
        let found = scratch.withUnsafeMutableBufferPointer { scratch in
            // Safe: a worker runs one block at a time and uses its own memory only.
            nonisolated(unsafe) let scratch = scratch
            return pieces.loss.evaluate(
                pass,
                masked,
                everyRow: everyRow,
                into: gradients,
                share: share,
                accumulate: accumulate
            ) { rows, worker in
                guard let states else { return nil }
                let count = (rows.count * vocabulary + 15) / 16 * 16
                let base = scratch[worker].reserve(count + teacher.pieceScratch(rows: rows.count))
                let logits = Matrix(base, rows: rows.count, columns: vocabulary)
                teacher.pieceLogits(states, rows: rows, into: logits, scratch: base + count)
                return logits
            }
        }
        value.loss += found.loss
        value.terms += found.terms
    }
}
