import Bert
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Tokenization

/// Labels the words of sentences, some sentences at a time.
struct WordLabeller {
    let classifier: SequenceClassifier
    let engine: any SequenceInference
    let maximumLength: Int
    let text: WordPredictionText
    private let classCount: Int
    /// Words without an answer: cut off, or without a piece.
    private(set) var cutWords = 0
    private(set) var emptyWords = 0

    init(
        classifier: SequenceClassifier,
        engine: any SequenceInference,
        maximumLength: Int,
        classes: [String],
        format: PredictionText.Form
    ) {
        (self.classifier, self.engine) = (classifier, engine)
        self.maximumLength = maximumLength
        text = WordPredictionText(format, labels: classes)
        classCount = classes.count
    }

    /// The sentences' words with their labels, as they are written.
    mutating func label(_ sentences: [ArraySlice<String>]) -> String {
        let encodings = classifier.tokenizer.encodeWords(sentences, maximumLength: maximumLength)
        var answered: [Int] = []
        var first = 0
        for encoding in encodings {
            answered += encoding.rows.map { $0 + first }
            first += encoding.ids.count
        }
        let batch = PackedBatch(
            encodings.map {
                Encoding(
                    ids: $0.ids,
                    tokenTypes: [Int32](repeating: 0, count: $0.ids.count),
                    truncated: 0
                )
            },
            answered: answered
        )
        let classes = LogitMetrics.topClasses(
            engine.logits(batch),
            classCount: classCount
        )
        var result = ""
        var row = 0
        for (words, encoding) in zip(sentences, encodings) {
            var answers = [Int?](repeating: nil, count: words.count)
            for word in encoding.words {
                answers[word] = classes[row]
                row += 1
            }
            text.append(words, answers, to: &result)
            cutWords += encoding.cutWords
            emptyWords += encoding.emptyWords
        }
        return result
    }
}

extension Predict {
    func labelWords(_ labeller: WordLabeller, _ lines: consuming TextLines) throws {
        var labeller = labeller
        if let words = try wordFile() {
            for start in stride(from: 0, to: words.count, by: batchSize) {
                let sentences = start..<min(start + batchSize, words.count)
                try StandardOutput.write(labeller.label(sentences.map { words.sentence($0) }))
            }
        } else {
            try labelLines(&labeller, lines)
        }
        say(labeller)
    }

    /// The file, where it is one of words; what comes through a pipe is read line by line.
    private func wordFile() throws -> WordFile? {
        var isFolder: ObjCBool = false
        let url = URL(filePath: file)
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
        guard file != "-", FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder),
            attributes?[.type] as? FileAttributeType == .typeRegular,
            LabelledFile.looksLikeWords(contentsOf: url)
        else { return nil }
        return try WordFile(contentsOf: url, options: TaskFile.Options(labels: .ignored))
    }

    private func labelLines(
        _ labeller: inout WordLabeller,
        _ lines: consuming TextLines
    ) throws {
        var lines = lines
        var count = 0
        while let portion = try lines.next(limit: batchSize) {
            if count == 0 { heading.note(lines.heading, of: file) }
            // What comes before a line that cannot be answered is answered.
            let bad = portion.lines.firstIndex { $0.pair != nil }
            let sentences = portion.lines[..<(bad ?? portion.lines.count)].map { line in
                String(decoding: portion.bytes[line.text], as: UTF8.self).unicodeScalars
                    .split { $0.properties.isWhitespace }.map { String($0) }[...]
            }
            try StandardOutput.write(labeller.label(sentences))
            count += sentences.count
            if bad != nil {
                throw Failure(
                    .badData,
                    file == "-" ? "standard input" : file,
                    "line \(count + (lines.heading == nil ? 1 : 2)) has a tab: expected the words of a sentence, with spaces "
                        + "between",
                    remedy:
                        "Give columns of words as a file, with an empty line behind each sentence"
                )
            }
        }
    }

    private func say(_ labeller: WordLabeller) {
        let remarks = Remarks()
        let label = "labelled \(WordPredictionText.unanswered)"
        if labeller.cutWords > 0 {
            remarks.note(
                "\(Numbers.count(labeller.cutWords)) words lie behind \(labeller.maximumLength) "
                    + "pieces of their sentences: they were cut off and are \(label)"
            )
        }
        if labeller.emptyWords > 0 {
            remarks.note(
                "\(Numbers.count(labeller.emptyWords)) words have no pieces and are \(label)"
            )
        }
    }
}
