/// Words given one by one as a model takes them, `[CLS] w₀ w₁ … [SEP]`, and where each begins.
public struct WordEncoding: Hashable, Sendable {
    /// Piece ids, special ones included.
    public var ids: [Int32]
    /// For each word with a piece left, the row of its first piece; ascending.
    public var rows: [Int]
    /// For each of these rows, the word's number in the sentence.
    public var words: [Int]
    /// Words that were cut off with all their pieces, to keep to the maximum length.
    public var cutWords: Int
    /// Words that have no piece at all: of control characters, for instance.
    public var emptyWords: Int
}

extension WordPieceTokenizer {
    /// The sequences of sentences that are cut into words already. Every word is tokenized by itself, so
    /// that a piece is never of two, as `BertTokenizerFast` does with `is_split_into_words=True`.
    ///
    /// What is too long loses pieces at its end.
    ///
    /// - Parameter maximumLength: The most tokens of a sequence, special ones included.
    public func encodeWords(
        _ sentences: some Collection<ArraySlice<String>>,
        maximumLength: Int
    ) -> [WordEncoding] {
        withScanner { scanner in
            sentences.map { scanner.scanWords($0, maximumLength: maximumLength) }
        }
    }
}

extension WordScanner {
    fileprivate mutating func scanWords(
        _ words: ArraySlice<String>,
        maximumLength: Int
    ) -> WordEncoding {
        pieceCount = 0
        append(tokenizer.vocabulary.classification)
        let end = max(1, maximumLength - 1)
        var result = WordEncoding(ids: [], rows: [], words: [], cutWords: 0, emptyWords: 0)
        for (number, word) in words.enumerated() {
            let start = pieceCount
            var word = word
            word.withUTF8 { scan($0) }
            if pieceCount == start {
                result.emptyWords += 1
            } else if start < end {
                result.rows.append(start)
                result.words.append(number)
            } else {
                result.cutWords += 1
            }
            // What lies behind the end is only counted.
            pieceCount = min(pieceCount, max(start, end))
        }
        pieceCount = min(pieceCount, end)
        append(tokenizer.vocabulary.separator)
        result.ids = Array(found)
        return result
    }
}
