public import Bert
public import Diagnostics
import Foundation
public import Kernels
import Tokenization

/// Held-out text with masks that stay the same, to measure masked language models on.
public struct MaskedEvaluation: Sendable {
    private let batches: [TrainingBatch]
    /// Sequences, and tokens that are predicted.
    public let sequenceCount: Int
    public let maskedCount: Int

    /// How well a model finds the masked pieces.
    public struct Result: Sendable {
        /// The mean of −ln p(piece), in nats.
        public let loss: Double
        /// The share of tokens whose likeliest piece is the right one.
        public let accuracy: Double
        public var perplexity: Double { exp(loss) }

        public var score: DevelopmentScore {
            DevelopmentScore(
                metric: "perplexity",
                value: perplexity,
                loss: loss,
                isLowerBetter: true
            )
        }
    }

    /// Reads the text through, and draws its masks once.
    ///
    /// - Throws: `Failure` where it cannot be read, or where no token of it can be masked.
    public init(_ text: MaskedText, batchSize: Int = 32, seed: UInt64) throws(Failure) {
        var stream = text.epoch(0, batchSize: batchSize, seed: seed)
        var batches: [TrainingBatch] = []
        while let batch = try stream.next() { batches.append(batch) }
        self.batches = batches
        sequenceCount = batches.reduce(0) { $0 + $1.examples.count }
        maskedCount = batches.reduce(0) { $0 + ($1.masked?.rows.count ?? 0) }
        guard maskedCount > 0 else {
            throw Failure(
                .badData,
                "held-out text",
                "it has no word that the vocabulary knows, so nothing can be predicted"
            )
        }
    }

    /// Measures a model as it stands; memory for logits is some rows' for each worker.
    ///
    /// - Precondition: it has a masked-language-model head and reads the text's vocabulary.
    /// - Throws: `Failure` of kind `.interrupted` after a signal.
    public func measure(_ model: BertModel, pool: WorkerPool) throws(Failure) -> Result {
        let inference = BertInference(model, pool: pool)
        let memory = IntermediateMemory()
        var workers = (0..<pool.workerCount).map { _ in GrowingBuffer() }
        var (loss, right) = (0.0, 0)
        for batch in batches {
            guard let masked = batch.masked, !masked.rows.isEmpty else { continue }
            let found = pool.abandoning(when: Interruption.isRequested) {
                self.found(masked, in: batch, by: inference, memory, &workers, pool)
            }
            try Interruption.check()
            loss += found.reduce(0) { $0 + $1.loss }
            right += found.count { $0.isRight }
        }
        let count = Double(maskedCount)
        return Result(loss: loss / count, accuracy: Double(right) / count)
    }

    /// Of each masked token of a batch its loss, and whether its likeliest piece is the right one.
    private func found(
        _ masked: MaskedPieces,
        in batch: TrainingBatch,
        by inference: BertInference,
        _ memory: IntermediateMemory,
        _ workers: inout [GrowingBuffer],
        _ pool: WorkerPool
    ) -> [(loss: Double, isRight: Bool)] {
        let configuration = inference.model.configuration
        let (last, vocabulary) = (configuration.hiddenLayerCount, configuration.vocabularySize)
        let outputs = inference.intermediate(
            batch.sequences,
            IntermediateSelection(hiddenStates: [last]),
            in: memory
        )
        guard let states = outputs.hiddenStates[last] else {
            preconditionFailure("selected")
        }
        var found = [(loss: Double, isRight: Bool)](
            repeating: (0, false),
            count: masked.rows.count
        )
        let height = 32
        found.withUnsafeMutableBufferPointer { found in
            workers.withUnsafeMutableBufferPointer { workers in
                // Safe: a task writes its own rows in its worker's memory.
                nonisolated(unsafe) let (found, workers) = (found, workers)
                pool.run((masked.rows.count + height - 1) / height) { task, worker in
                    let part = task * height..<min((task + 1) * height, masked.rows.count)
                    let count = (part.count * vocabulary + 15) / 16 * 16
                    let base = workers[worker].reserve(
                        count + inference.pieceScratch(rows: part.count)
                    )
                    let logits = Matrix(base, rows: part.count, columns: vocabulary)
                    inference.pieceLogits(
                        states,
                        rows: masked.rows[part],
                        into: logits,
                        scratch: base + count
                    )
                    for (row, output) in part.enumerated() {
                        let values = UnsafeBufferPointer(
                            start: logits.base + row * vocabulary,
                            count: vocabulary
                        )
                        let piece = Int(masked.pieces[output])
                        let loss = Divergence.crossEntropy(
                            logits.base + row * vocabulary,
                            target: piece,
                            gradient: nil,
                            count: vocabulary,
                            factor: 0
                        )
                        found[output] = (loss, !values.contains { $0 > values[piece] })
                    }
                }
            }
        }
        return found
    }
}
