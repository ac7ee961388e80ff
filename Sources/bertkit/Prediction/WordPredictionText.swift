/// A token classifier's answers as text: the words and their labels.
package struct WordPredictionText: Sendable {
    private let form: PredictionText.Form
    private let labels: [String]
    /// In the place of a label that no model gave.
    package static let unanswered = "_"

    /// - Parameter labels: the classes in the order of the model's outputs.
    package init(_ form: PredictionText.Form, labels: [String]) {
        self.form = form
        self.labels = labels.map(\.onOneLine)
    }

    /// Adds a sentence: a line for each word, with a tab before its label, and an empty line; or one line
    /// of JSON with the arrays `tokens` and `labels`, null for a word without an answer.
    ///
    /// - Parameter answers: each word's class; nil for a word that was not answered.
    package func append(_ words: ArraySlice<String>, _ answers: [Int?], to text: inout String) {
        precondition(words.count == answers.count)
        switch form {
        case .tabSeparated:
            for (word, answer) in zip(words, answers) {
                text +=
                    word.onOneLine + "\t" + (answer.map { labels[$0] } ?? Self.unanswered) + "\n"
            }
            text += "\n"
        case .jsonLines:
            let tokens = words.map(PredictionText.quoted).joined(separator: ",")
            let names = answers.map { answer in
                answer.map { PredictionText.quoted(labels[$0]) } ?? "null"
            }
            text += "{\"tokens\":[\(tokens)],\"labels\":[\(names.joined(separator: ","))]}\n"
        }
    }
}

extension String {
    /// Without what would break a row of columns: tabs and line ends as spaces.
    fileprivate var onOneLine: String {
        guard utf8.contains(where: { $0 < 0x20 }) else { return self }
        return String(
            String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 ? " " : $0 })
        )
    }
}
