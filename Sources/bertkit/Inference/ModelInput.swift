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
        let positions = configuration.maximumPositionCount
        guard positions >= Self.fewestPositions else {
            throw Failure(
                .badData,
                folder.url.relativePath,
                "the model has \(positions) positions; a text needs \(Self.fewestPositions) at least"
            )
        }
        if let asked, asked > positions {
            throw Failure(
                .usage,
                "--max-length",
                "\(asked) pieces are more than the \(positions) positions of "
                    + printable(folder.url.relativePath)
            )
        }
        let allowed = min(positions, tokenizerConfiguration.modelMaximumLength)
        return asked ?? max(allowed, Self.fewestPositions)
    }

    /// `[CLS] [SEP]` or, for pairs, `[CLS] [SEP] [SEP]`.
    private static let fewestPositions = 3

    /// Refuses pairs for a model that cannot tell their texts apart.
    ///
    /// - Parameter source: where the pairs are.
    func checkReadsPairs(from source: String) throws(Failure) {
        guard configuration.tokenTypeCount < 2 else { return }
        throw Failure(
            .badData,
            source,
            "these are pairs of texts, which \(printable(folder.url.relativePath)) cannot read: its "
                + "\"type_vocab_size\" is 1"
        )
    }

    /// A task file as this model's pieces, with targets where the file has labels.
    func encode(
        _ file: TaskFile,
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

/// Things worth knowing that stop nothing, on standard error.
struct Remarks {
    var isQuiet = false

    /// - Parameter sentence: without a full stop.
    func note(_ sentence: String) {
        guard !isQuiet else { return }
        let terminal = Terminal.standardError
        terminal.write("\(terminal.styled("note:", .warning)) \(sentence).\n")
    }

    /// How a file was read.
    func note(_ file: TaskFile) {
        for remark in file.remarks { note("\(printable(file.name)): \(remark)") }
    }

    /// What was assumed about a model.
    func note(_ classifier: TextClassifier) {
        let name = printable(classifier.folder.url.relativePath)
        for remark in classifier.folder.report.notes {
            note("\(name): \(remark.hasSuffix(".") ? String(remark.dropLast()) : remark)")
        }
        if classifier.tokenizerConfiguration.casingWasInferred {
            let casing = classifier.tokenizerConfiguration.lowercase ? "uncased" : "cased"
            note("\(name): no file states the casing; the vocabulary looks \(casing)")
        }
    }

    /// How many texts a model could not read whole.
    func noteTruncated(_ count: Int, of total: Int, maximumLength: Int, by model: String) {
        guard count > 0 else { return }
        note(
            "\(Numbers.count(count)) of \(Numbers.count(total)) texts are longer than "
                + "\(maximumLength) pieces and were cut for \(printable(model))"
        )
    }
}
