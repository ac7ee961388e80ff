import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Tokenization

/// What a person should know on the way and that stops nothing, on standard error.
struct Remarks {
    var isQuiet = false
    private let terminal = Terminal.standardError

    init(isQuiet: Bool = false) { self.isQuiet = isQuiet }

    /// How the work stands, as a line.
    func say(_ line: String) {
        if !isQuiet { terminal.write(line + "\n") }
    }

    /// - Parameter sentence: its full stop may be left out.
    func note(_ sentence: String) { remark("note:", sentence) }

    /// What probably makes the result worse.
    ///
    /// - Parameter sentence: its full stop may be left out.
    func warn(_ sentence: String) { remark("warning:", sentence) }

    private func remark(_ mark: String, _ sentence: String) {
        let stop = sentence.hasSuffix(".") || sentence.hasSuffix("?") ? "" : "."
        say("\(terminal.styled(mark, .warning)) \(sentence)\(stop)")
    }

    /// How a file was read.
    func note(_ file: LabelledFile) {
        for remark in file.remarks { note("\(printable(file.name)): \(remark)") }
    }

    /// What was assumed about a model.
    func note(_ classifier: TextClassifier) {
        note(classifier.folder, tokenizer: classifier.tokenizerConfiguration)
    }

    func note(_ classifier: SequenceClassifier) {
        note(
            classifier.notes,
            classifier.tokenizerConfiguration,
            of: classifier.url.relativePath
        )
    }

    func note(_ folder: ModelFolder, tokenizer: TokenizerConfiguration) {
        note(folder.report.notes, tokenizer, of: folder.url.relativePath)
    }

    private func note(_ remarks: [String], _ tokenizer: TokenizerConfiguration, of path: String) {
        let name = printable(path)
        for remark in remarks { note("\(name): \(remark)") }
        if tokenizer.casingWasInferred {
            let casing = tokenizer.lowercase ? "uncased" : "cased"
            note("\(name): no file states the casing; the vocabulary looks \(casing)")
        }
    }

    /// Words of a file that a model does not answer.
    func noteUnanswered(_ words: AnsweredWords, maximumLength: Int, of file: String) {
        let name = printable(file)
        if words.cutWords > 0 {
            note(
                "\(name): \(Numbers.count(words.cutWords)) words lie behind \(maximumLength) pieces of "
                    + "their sentences and were cut off"
            )
        }
        if words.emptyWords > 0 {
            note(
                "\(name): \(Numbers.count(words.emptyWords)) words have no pieces and are left out"
            )
        }
    }

    /// How many texts a model could not read whole.
    func noteTruncated(_ count: Int, of total: Int, maximumLength: Int, by model: String) {
        guard count > 0 else { return }
        note(truncated(count, of: total, maximumLength) + " for \(printable(model))")
    }

    /// How many texts of a file were not learnt from whole.
    func noteTruncated(_ count: Int, of total: Int, maximumLength: Int, from file: String) {
        guard count > 0 else { return }
        let what = truncated(count, of: total, maximumLength)
        note("\(printable(file)): \(what), the longer of a pair first")
    }

    private func truncated(_ count: Int, of total: Int, _ maximumLength: Int) -> String {
        "\(Numbers.count(count)) of \(Numbers.count(total)) texts are longer than "
            + "\(maximumLength) pieces and were cut"
    }
}
