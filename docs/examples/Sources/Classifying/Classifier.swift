import Bert
import Datasets
import Evaluation
import Foundation
import Kernels
import Tokenization

/// A classifier's folder, opened once, that answers texts. An actor: batches are answered one after
/// another, each with all of the machine's workers.
public actor Classifier {
    /// What the model says of a text.
    public struct Answer: Codable, Sendable {
        public let label: String
        /// By label, adding up to 1.
        public let probabilities: [String: Double]
    }

    private let classifier: SequenceClassifier
    private let inference: any SequenceInference
    private let labels: [String]

    /// - Parameter folder: what `bertkit distill`, `finetune`, `compress` or `convert` wrote.
    /// - Throws: `Failure`, one sentence, for a folder that is no classifier of texts.
    public init(folder: String) throws {
        let classifier = try SequenceClassifier(contentsOf: URL(filePath: folder))
        guard case .classification(let labels) = classifier.model.taskKind,
            classifier.model.head == .sequenceClassification
        else { throw NotAClassifier(folder: folder) }
        self.classifier = classifier
        self.labels = labels
        inference = classifier.model.inference(
            pool: WorkerPool(workerCount: WorkerPool.availableProcessors),
            precision: .f32
        )
    }

    public struct NotAClassifier: Error, CustomStringConvertible {
        let folder: String

        public var description: String { "\(folder): this model does not give texts labels." }
    }

    /// The answers to texts, in their order. Longer texts than the model can read are cut.
    public func answers(to texts: [String]) -> [Answer] {
        guard !texts.isEmpty else { return [] }
        let longest = min(512, classifier.model.reader.longestSequence)
        let batch = PackedBatch(
            texts.map { classifier.tokenizer.encode($0, maximumLength: longest) }
        )
        let logits = inference.logits(batch)
        return texts.indices.map { row in
            answer(logits[row * labels.count..<(row + 1) * labels.count].map(Double.init))
        }
    }

    private func answer(_ logits: [Double]) -> Answer {
        let highest = logits.max() ?? 0
        let weights = logits.map { exp($0 - highest) }
        let sum = weights.reduce(0, +)
        let best = logits.firstIndex(of: highest) ?? 0
        return Answer(
            label: labels[best],
            probabilities: Dictionary(
                uniqueKeysWithValues: zip(labels, weights.map { $0 / sum })
            )
        )
    }
}
