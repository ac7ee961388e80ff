public import Datasets
import Diagnostics
import Randomness
public import Tokenization

/// Plain text to train on: every line is an example in every epoch, unless a `TextSelection` says otherwise.
///
/// A line of more pieces than fit gives a stretch of itself, another in each epoch: over epochs all of a
/// long document is read, and the number of examples is known beforehand.
public struct TextData: TrainingData {
    public let text: PlainText
    public let tokenizer: WordPieceTokenizer
    public let maximumLength: Int
    /// Whether a token classifier answers the first piece of every word, the tokenizer's words being taken
    /// for the text's. Otherwise whoever answers tokens answers all.
    public let answersWords: Bool
    public internal(set) var selection = TextSelection()
    /// What the selection found; nil where every line is an example.
    public internal(set) var census: Census?
    public var count: Int { census?.kept ?? text.lineCount }

    /// - Parameter maximumLength: the most tokens of an example, special ones included.
    public init(
        _ text: PlainText,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int,
        answersWords: Bool = false
    ) {
        precondition(maximumLength > 2)
        self.answersWords = answersWords
        self.text = text
        self.tokenizer = tokenizer
        self.maximumLength = maximumLength
    }

    public func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream {
        TextBatches(
            data: self,
            lines: text.lines(epoch: epoch, seed: seed),
            random: Philox(
                seed: seed,
                purpose: .sampling,
                index: UInt32(truncatingIfNeeded: epoch)
            ),
            batchSize: batchSize
        )
    }
}

private struct TextBatches: BatchStream {
    let data: TextData
    var lines: PlainTextLines
    var random: Philox
    let batchSize: Int
    var taken = 0
    /// Sequences of lines that were read and not given yet.
    var waiting: [Encoding] = []

    /// How many sequences wait, where lines are cut in pieces, so that those of a line are parted.
    static let parted = 4096

    mutating func next() throws(Failure) -> TrainingBatch? {
        var encodings: [Encoding] = []
        while encodings.count < batchSize, let encoding = try nextSequence() {
            encodings.append(encoding)
        }
        guard !encodings.isEmpty else { return nil }
        let examples = Array(taken..<taken + encodings.count)
        taken += encodings.count
        guard data.answersWords else {
            return TrainingBatch(sequences: PackedBatch(encodings), examples: examples[...])
        }
        let rows = firstPieces(encodings.flatMap(\.ids))
        return TrainingBatch(
            sequences: PackedBatch(encodings, answered: rows),
            examples: examples[...],
            answers: Array(rows.indices)[...]
        )
    }

    private mutating func nextSequence() throws(Failure) -> Encoding? {
        let splits = data.selection.longTexts == .split
        while waiting.count < (splits ? Self.parted : 1), let line = try lines.next() {
            waiting += data.sequences(of: line).filter { data.fault($0) == nil }
        }
        guard !waiting.isEmpty else { return nil }
        if splits {
            waiting.swapAt(Int(random.nextBelow(UInt32(waiting.count))), waiting.count - 1)
        }
        return stretch(waiting.removeLast())
    }

    /// The rows of pieces that are neither special nor go on with a word.
    private func firstPieces(_ ids: [Int32]) -> [Int] {
        let vocabulary = data.tokenizer.vocabulary
        let special = [vocabulary.classification, vocabulary.separator, vocabulary.padding]
        return ids.indices.filter { row in
            !special.contains(ids[row])
                && !vocabulary.pieces[Int(ids[row])].utf8.starts(with: "##".utf8)
        }
    }

    /// As many of a sequence's pieces as fit, from a random place, between its special ones.
    private mutating func stretch(_ encoding: Encoding) -> Encoding {
        let surplus = encoding.ids.count - data.maximumLength
        guard surplus > 0, let first = encoding.ids.first, let last = encoding.ids.last else {
            return encoding
        }
        let start = 1 + Int(random.nextBelow(UInt32(clamping: surplus + 1)))
        let ids = [first] + encoding.ids[start..<start + data.maximumLength - 2] + [last]
        let types = [Int32](repeating: 0, count: ids.count)
        return Encoding(ids: ids, tokenTypes: types, truncated: surplus)
    }
}
