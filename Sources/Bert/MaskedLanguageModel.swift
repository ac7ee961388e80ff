import Checkpoints
public import Diagnostics
public import Foundation
import Tensors
public import Tokenization

/// A masked language model opened for work: configuration, tokenizer and weights.
public struct MaskedLanguageModel: Sendable {
    public let checkpoint: Checkpoint
    public let vocabulary: Vocabulary
    public let tokenizer: WordPieceTokenizer
    public let tokenizerConfiguration: TokenizerConfiguration
    public let model: BertModel
    /// Parameters of the head that the checkpoint does not hold and that are new.
    public let created: [String]

    public var configuration: BertConfiguration { model.configuration }

    /// Opens a checkpoint of any layout that has the head; of a pre-training model its masked half.
    ///
    /// - Parameters:
    ///   - seed: gives a checkpoint without the head a new one; nil refuses it.
    ///   - adjust: changes what of the configuration is no shape, such as dropout.
    /// - Throws: `Failure` that says which head there is instead, or names every tensor that is
    ///   missing, of another shape or not finite, or the file that is not there.
    public init(
        contentsOf url: URL,
        newHead seed: UInt64? = nil,
        adjust: (inout BertConfiguration) -> Void = { _ in }
    ) throws(Failure) {
        let checkpoint = try Checkpoint.open(url)
        guard var configuration = checkpoint.configuration else {
            throw checkpoint.configurationProblem
                ?? Failure(.missingInput, url.relativePath, "there is no configuration")
        }
        guard let tokenizer = checkpoint.tokenizer else {
            throw Failure(.missingInput, url.relativePath, "the folder has no vocab.txt")
        }
        let hasHead = checkpoint.head.predictsPieces
        guard hasHead || seed != nil else {
            throw Failure(
                .badData,
                url.relativePath,
                "a masked-language-model head is needed, and the model has \(checkpoint.head.article)",
                remedy: "Give a model as it was before it was fine-tuned, or make one with "
                    + "\"bertkit pretrain\""
            )
        }
        configuration.head = .maskedLanguageModel
        adjust(&configuration)
        vocabulary = try tokenizer.loadVocabulary(size: configuration.vocabularySize)
        tokenizerConfiguration = try tokenizer.loadConfiguration(vocabulary)
        self.tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: tokenizerConfiguration
        )
        var shapes = BertParameters<Shape>(configuration)
        if !hasHead { shapes.predictions = nil }
        let wanted = Set(shapes.leaves.map(\.name))
        let unused = checkpoint.tensors.filter { !wanted.contains($0.name) }.map(\.entry.name)
        try configuration.checkFits(url.relativePath)
        if let seed, !hasHead {
            model = BertModel(configuration, seed: seed)
        } else {
            model = BertModel(ParameterBuffer(ParameterLayout(configuration, shapes)))
        }
        created = model.layout.entries.map(\.name).filter { !wanted.contains($0) }
        try checkpoint.read(
            shapes,
            ignoring: Set(checkpoint.ignored.map(\.name) + unused),
            into: model.weights
        )
        self.checkpoint = checkpoint
    }
}

extension BertModel {
    private func slot(_ name: String) -> ParameterSlot? {
        layout.entries.first { $0.name == name }?.slot
    }

    /// Takes over every parameter that another model has by the same name and in the same shape: from a
    /// model with another head, the encoder.
    public func copyShared(from other: BertModel) {
        for (name, slot) in layout.entries {
            guard let source = other.slot(name), source.shape == slot.shape else { continue }
            weights.pointer(slot).update(
                from: other.weights.pointer(source),
                count: slot.shape.count
            )
        }
    }
}
