public import Diagnostics
public import Tokenization

/// What is answered of sentences whose words are labelled: the first piece of every word.
public struct AnsweredWords: Sendable {
    /// Rows of the data's `ids`, ascending. [answers]
    public let rows: [Int]
    /// Where each sentence's answers begin, and the end. [sentences + 1]
    public let offsets: [Int]
    /// Each answered word's number in its sentence. [answers]
    public let numbers: [Int]
    /// Words that were cut off, since their sentences are longer than the maximum length.
    public let cutWords: Int
    /// Words without any piece, of control characters for instance.
    public let emptyWords: Int
}

extension EncodedDataset {
    /// Encodes a file of labelled words, each word by itself; the label is that of its first piece.
    ///
    /// - Parameters:
    ///   - labels: the classes; `nil` leaves the data unlabelled.
    ///   - maximumLength: the most tokens of a sentence, special ones included.
    /// - Throws: `Failure` for the first label that is none of the classes, and where no word is left.
    public init(
        _ file: WordFile,
        labels: [String]?,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int
    ) throws(Failure) {
        let targets = try labels.map { (labels) throws(Failure) in
            try file.targets(among: labels)
        }
        let encodings = tokenizer.encodeWords(
            (0..<file.count).map { file.sentence($0) },
            maximumLength: maximumLength
        )
        var ids: [Int32] = []
        var offsets = [0]
        var (rows, numbers, wordOffsets) = ([Int](), [Int](), [0])
        var answered: [Float] = []
        for (sentence, encoding) in encodings.enumerated() {
            rows += encoding.rows.map { $0 + ids.count }
            numbers += encoding.words
            wordOffsets.append(rows.count)
            if let targets {
                let first = file.offsets[sentence]
                answered += encoding.words.map { targets.values[first + $0] }
            }
            ids += encoding.ids
            offsets.append(ids.count)
        }
        guard !rows.isEmpty else {
            throw Failure(.badData, file.name, "no word of it has a piece in the vocabulary")
        }
        self.ids = ids
        self.offsets = offsets
        tokenTypes = [Int32](repeating: 0, count: ids.count)
        self.targets = answered
        labelMatching = targets?.matching
        truncatedExamples = encodings.count { $0.cutWords > 0 }
        words = AnsweredWords(
            rows: rows,
            offsets: wordOffsets,
            numbers: numbers,
            cutWords: encodings.reduce(0) { $0 + $1.cutWords },
            emptyWords: encodings.reduce(0) { $0 + $1.emptyWords }
        )
    }
}
