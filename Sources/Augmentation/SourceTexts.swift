public import Datasets
public import Diagnostics

/// The texts that are varied, a text or a pair to a row, and what their file says of them.
public struct SourceTexts: Sendable {
    /// The file as the user spelled it.
    public let name: String
    /// What the columns of a written file are called.
    public let textColumn: String
    public let pairColumn: String?
    public let labelColumn: String?
    let bytes: [UInt8]
    let texts: [Range<Int>]
    /// Empty for single texts.
    let pairs: [Range<Int>]
    /// Empty without labels.
    let labels: [Range<Int>]
    /// The number of each row's line.
    private let lines: [Int]
    /// The words, where the file has them.
    let parts: [[WordPart]]?
    /// The file's own tags; nil where it has none.
    public let tagNames: [String]?

    /// The rows of a file of examples.
    public init(_ file: TaskFile) {
        name = file.name
        bytes = file.bytes
        texts = file.rows.texts
        pairs = file.rows.pairs
        labels = file.rows.labels
        lines = file.rows.lines
        (parts, tagNames) = (nil, nil)
        let hasNames = file.hasHeader || file.format == .jsonLines
        let usual = file.hasPairs ? "sentence1" : "sentence"
        textColumn = hasNames ? file.textColumn : usual
        pairColumn = file.pairColumn.map { hasNames ? $0 : "sentence2" }
        labelColumn = file.labelColumn.map { hasNames ? $0 : "label" }
    }

    /// Sentences that came as words, written as a person would; their labels are the tags.
    ///
    /// - Throws: `Failure` where every word's label is `_`, which CoNLL-U writes for none.
    public init(_ file: WordFile) throws(Failure) {
        guard file.labelNames != ["_"] else {
            throw Failure(
                .badData,
                file.name,
                "no word has a part of speech: the column has '_' everywhere",
                remedy: "Choose the column of the tags, or tag the words first"
            )
        }
        name = file.name
        (textColumn, pairColumn, labelColumn) = ("sentence", nil, nil)
        (pairs, labels) = ([], [])
        lines = (0..<file.count).map { file.line($0) }
        tagNames = file.hasLabels ? file.labelNames : nil
        var bytes: [UInt8] = []
        var texts: [Range<Int>] = []
        var parts: [[WordPart]] = []
        var spelling = SpellingCursor(file)
        for sentence in 0..<file.count {
            let (text, words) = spelling.next(sentence)
            texts.append(bytes.count..<bytes.count + text.count)
            bytes += text
            parts.append(words)
        }
        (self.bytes, self.texts, self.parts) = (bytes, texts, parts)
    }

    /// The number of rows.
    public var count: Int { texts.count }
    public var hasPairs: Bool { !pairs.isEmpty }
    public var hasLabels: Bool { !labels.isEmpty }
    /// Texts in a row.
    public var sides: Int { hasPairs ? 2 : 1 }

    /// The number of the line that a row begins on, from 1.
    public func line(_ row: Int) -> Int { lines[row] }

    /// The label as it stands in the file; nil without one.
    public func label(_ row: Int) -> String? {
        guard hasLabels, !labels[row].isEmpty else { return nil }
        return String(decoding: bytes[labels[row]], as: UTF8.self)
    }

    /// A row's text, or with side 1 the second of its pair.
    public func text(_ row: Int, side: Int = 0) -> String {
        String(decoding: bytes[place(row, side)], as: UTF8.self)
    }

    func place(_ row: Int, _ side: Int) -> Range<Int> { side == 0 ? texts[row] : pairs[row] }
}

/// Goes through a file's sentences and writes each.
private struct SpellingCursor {
    let file: WordFile
    private var nextTight = 0
    private var nextForm = 0

    init(_ file: WordFile) { self.file = file }

    /// A sentence's text and the places of its words in it, those of one written form at one place.
    mutating func next(_ sentence: Int) -> (text: [UInt8], parts: [WordPart]) {
        var writer = Detokenizer()
        var parts: [WordPart] = []
        let end = file.offsets[sentence + 1]
        var word = file.offsets[sentence]
        var isTight: Bool? = nil
        while word < end {
            var (text, count) = (file.words[word], 1)
            var saysTight = false
            if nextForm < file.writtenForms.count,
                file.writtenForms[nextForm].words.lowerBound == word
            {
                let form = file.writtenForms[nextForm]
                (text, count, saysTight) = (form.text, form.words.count, form.isWithoutSpace)
                nextForm += 1
            }
            while nextTight < file.wordsWithoutSpace.count,
                file.wordsWithoutSpace[nextTight] < word + count
            {
                if count == 1 { saysTight = true }
                nextTight += 1
            }
            let place = writer.append(text, spaceBefore: isTight.map { !$0 })
            for part in word..<word + count {
                parts.append(
                    WordPart(range: place, tag: file.hasLabels ? file.labels[part] : nil)
                )
            }
            // Where a file says anything about spaces, it says all.
            isTight = file.wordsWithoutSpace.isEmpty ? nil : saysTight
            word += count
        }
        return (writer.text, parts)
    }
}
