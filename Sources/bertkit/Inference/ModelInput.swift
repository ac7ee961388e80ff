import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Tokenization

/// An opened classifier as its texts see it.
protocol ClassifierInput {
    var path: String { get }
    var reader: any TextReader { get }
    var taskKind: TaskKind { get }
    var tokenizer: WordPieceTokenizer { get }
    var tokenizerConfiguration: TokenizerConfiguration { get }
}

extension TextClassifier: ClassifierInput {
    var path: String { folder.url.relativePath }
    var reader: any TextReader { configuration }
    var taskKind: TaskKind { configuration.taskKind }
}

extension SequenceClassifier: ClassifierInput {
    var path: String { url.relativePath }
    var reader: any TextReader { model.reader }
    var taskKind: TaskKind { model.taskKind }
}

extension ClassifierInput {
    /// The most pieces of a sequence: as many as asked for, else as the tokenizer's files allow and
    /// the model has positions for.
    ///
    /// - Throws: `Failure` where the model has not as many positions, or none for a text at all.
    func maximumLength(_ asked: Int?) throws(Failure) -> Int {
        try reader.checkHoldsTexts(path)
        let positions = reader.longestSequence
        if let asked, asked > positions {
            throw Failure(
                .usage,
                "--max-length",
                "\(asked) pieces are more than the \(positions) positions of "
                    + printable(path)
            )
        }
        let allowed = min(positions, tokenizerConfiguration.modelMaximumLength)
        return asked ?? max(allowed, BertConfiguration.fewestPositions)
    }

    /// Refuses pairs, or texts alone, for a model that does not read such.
    ///
    /// - Parameter source: where they are.
    func checkReads(pairs: Bool, from source: String) throws(Failure) {
        try reader.checkReads(pairs: pairs, from: source, model: path)
    }

    /// A task file as this model's pieces, with targets where the file has labels.
    func encode(
        _ file: LabelledFile,
        maximumLength asked: Int?,
        workers: Int
    ) throws(Failure) -> EncodedDataset {
        try checkReads(pairs: file.hasPairs, from: file.name)
        return try EncodedDataset(
            file,
            kind: file.hasLabels ? taskKind : nil,
            tokenizer: tokenizer,
            maximumLength: maximumLength(asked),
            workers: workers
        )
    }
}

extension Head {
    /// What a classifier's examples are: texts, or sentences of words.
    var fileKind: LabelledFile.Kind { self == .tokenClassification ? .words : .texts }
}
