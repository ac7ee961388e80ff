public import Datasets
public import Diagnostics

/// Sentences whose words have Universal parts of speech.
public struct TaggedSentences: Sendable {
    /// All words, sentence after sentence.
    public let words: [String]
    /// Where each sentence begins, and the end. [sentences + 1]
    public let offsets: [Int]
    /// Each word's tag.
    public let tags: [PartOfSpeech]

    /// The number of sentences.
    public var count: Int { offsets.count - 1 }

    /// - Precondition: a tag for each word, and offsets that cover them.
    public init(words: [String], offsets: [Int], tags: [PartOfSpeech]) {
        precondition(tags.count == words.count, "a tag for each word")
        precondition(offsets.first == 0 && offsets.last == words.count, "offsets of all words")
        self.words = words
        self.offsets = offsets
        self.tags = tags
    }

    /// Takes a file's labels as tags.
    ///
    /// - Throws: `Failure` for a file without labels, and for the first label that is no Universal part of
    ///   speech.
    public init(_ file: WordFile) throws(Failure) {
        guard file.hasLabels else {
            throw Failure(
                .badData,
                file.name,
                "its words have no tags",
                remedy: "Give CoNLL-U, columns of words and tags, or lines of word/TAG"
            )
        }
        let known = file.labelNames.map { PartOfSpeech(name: $0) }
        if let bad = known.firstIndex(of: nil), let word = file.labels.firstIndex(of: bad) {
            throw Failure(
                .badData,
                file.name,
                "line \(file.lines[word]): '\(printable(file.labelNames[bad]))' is no Universal part of "
                    + "speech; those are \(PartOfSpeech.names.joined(separator: ", "))",
                remedy: file.format == .columns
                    ? "Choose the column that has them with --label-column, or give CoNLL-U"
                    : "Map the tags to Universal ones first"
            )
        }
        self.init(
            words: file.words,
            offsets: file.offsets,
            tags: file.labels.compactMap { known[$0] }
        )
    }
}
