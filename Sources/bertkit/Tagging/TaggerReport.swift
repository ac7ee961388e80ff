import Diagnostics
import Tagging

/// What `bertkit tagger evaluate` prints.
struct TaggerReport: Encodable {
    struct Row: Encodable {
        var tag: String
        var words: Int
        var precision: Double?
        var recall: Double?
        var f1: Double?
        /// What it was most often mistaken for.
        var mistakenFor: String?
        var mistakes: Int?
    }

    var wordCount: Int
    var sentenceCount: Int
    var accuracy: Double
    var unknownWordCount: Int
    var knownWordAccuracy: Double?
    var unknownWordAccuracy: Double?
    var wordsPerSecond: Double
    /// The parts of speech that occur.
    var tags: [Row]

    init(scores: TaggingScores, sentenceCount: Int, wordsPerSecond: Double) {
        func number(_ value: Double) -> Double? { value.isNaN ? nil : value }
        wordCount = scores.wordCount
        self.sentenceCount = sentenceCount
        accuracy = scores.accuracy
        unknownWordCount = scores.unknownWordCount
        knownWordAccuracy = number(scores.knownAccuracy)
        unknownWordAccuracy = number(scores.unknownAccuracy)
        self.wordsPerSecond = wordsPerSecond
        tags = PartOfSpeech.allCases.filter { scores.support($0) + scores.given($0) > 0 }.map {
            let error = scores.mostFrequentError($0)
            return Row(
                tag: $0.name,
                words: scores.support($0),
                precision: number(scores.precision($0)),
                recall: number(scores.recall($0)),
                f1: number(scores.f1($0)),
                mistakenFor: error?.given.name,
                mistakes: error?.count
            )
        }
    }

    /// - Parameter data: the file's name.
    func text(of data: String) -> String {
        func percent(_ value: Double?) -> String { value.map { Numbers.percent($0) } ?? "–" }
        var figures = TextTable([.init("measure"), .init("value", .right)])
        figures.append(["accuracy", percent(accuracy)])
        figures.append(["of known words", percent(knownWordAccuracy)])
        figures.append(["of unknown words", percent(unknownWordAccuracy)])
        figures.append(["unknown words", Numbers.count(unknownWordCount)])
        figures.append([
            "words/s on one processor", Numbers.count(Int(min(wordsPerSecond, 1e15))),
        ])
        var table = TextTable([
            .init("tag"), .init("words", .right), .init("precision", .right),
            .init("recall", .right), .init("F1", .right), .init("most often mistaken for"),
        ])
        for row in tags {
            let mistake = row.mistakenFor.map { "\($0), \(Numbers.count(row.mistakes ?? 0))" }
            table.append([
                row.tag, Numbers.count(row.words), percent(row.precision), percent(row.recall),
                percent(row.f1), mistake ?? "",
            ])
        }
        return "\(printable(data)): \(Numbers.count(wordCount)) words in "
            + "\(Numbers.count(sentenceCount)) sentences\n\n" + figures.plain + "\n" + table.plain
    }
}
