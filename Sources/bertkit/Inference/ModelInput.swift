import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Tokenization

extension TextClassifier {
    /// The most pieces of a sequence: as many as asked for, else as the tokenizer's files allow and
    /// the model has positions for.
    ///
    /// - Throws: `Failure` where the model has not as many positions, or none for a text at all.
    func maximumLength(_ asked: Int?) throws(Failure) -> Int {
        try configuration.checkHoldsTexts(folder.url.relativePath)
        let positions = configuration.longestSequence
        if let asked, asked > positions {
            throw Failure(
                .usage,
                "--max-length",
                "\(asked) pieces are more than the \(positions) positions of "
                    + printable(folder.url.relativePath)
            )
        }
        let allowed = min(positions, tokenizerConfiguration.modelMaximumLength)
        return asked ?? max(allowed, BertConfiguration.fewestPositions)
    }

    /// Refuses pairs for a model that cannot tell their texts apart.
    ///
    /// - Parameter source: where the pairs are.
    func checkReadsPairs(from source: String) throws(Failure) {
        try configuration.checkReadsPairs(from: source, model: folder.url.relativePath)
    }

    /// A task file as this model's pieces, with targets where the file has labels.
    func encode(
        _ file: LabelledFile,
        maximumLength asked: Int?,
        workers: Int
    ) throws(Failure) -> EncodedDataset {
        if file.hasPairs { try checkReadsPairs(from: file.name) }
        return try EncodedDataset(
            file,
            kind: file.hasLabels ? configuration.taskKind : nil,
            tokenizer: tokenizer,
            maximumLength: maximumLength(asked),
            workers: workers
        )
    }
}

extension BertConfiguration {
    /// What the model's examples are: texts, or sentences of words.
    var fileKind: LabelledFile.Kind { head == .tokenClassification ? .words : .texts }

    /// `[CLS] [SEP]` or, for pairs, `[CLS] [SEP] [SEP]`.
    static let fewestPositions = 3

    /// Refuses a model without positions for a text.
    ///
    /// - Parameter model: its folder as the user spelled it.
    func checkHoldsTexts(_ model: String) throws(Failure) {
        guard longestSequence < Self.fewestPositions else { return }
        throw Failure(
            .badData,
            model,
            "the model has \(longestSequence) positions; a text needs "
                + "\(Self.fewestPositions) at least"
        )
    }

    /// Refuses pairs for a model that cannot tell their texts apart.
    ///
    /// - Parameters:
    ///   - source: where the pairs are.
    ///   - model: its folder as the user spelled it.
    func checkReadsPairs(from source: String, model: String) throws(Failure) {
        guard !readsPairs else { return }
        throw Failure(
            .badData,
            source,
            "these are pairs of texts, which \(printable(model)) cannot read: its "
                + "\"type_vocab_size\" is 1"
        )
    }
}
