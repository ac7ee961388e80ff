public import Diagnostics
public import Foundation

/// Sentences whose words are labelled one by one: parts of speech, or named entities.
///
/// Four formats, told apart by their content:
/// - *columns*, as CoNLL's tasks have them: one word a line with its columns between tabs, or between
///   spaces where no line has a tab; an empty line ends a sentence, and lines that begin with
///   `-DOCSTART-` are passed over. The word is the first column and the label the last, unless others
///   are chosen by their number from 0.
/// - *CoNLL-U*: ten columns between tabs, of which `FORM` is the word and `UPOS` the label; comments,
///   ranges of words (`3-4`) and empty nodes (`5.1`) are passed over.
/// - *tagged lines*: a sentence a line, `The/DET sky/NOUN`; the label stands behind a word's last slash,
///   and `\/` is a slash of the word.
/// - *JSON lines*: an object a line with two arrays, `tokens` or `words`, and `ner_tags`, `pos_tags`,
///   `chunk_tags`, `tags` or `labels`: names, or numbers of classes.
public struct WordFile: Sendable {
    public enum Format: Sendable, Hashable {
        case columns
        case conllU
        case taggedLines
        case jsonLines
    }

    /// The file as the user spelled it.
    public let name: String
    public let format: Format
    /// All words, sentence after sentence.
    public let words: [String]
    /// The number of each word's line.
    public let lines: [Int]
    /// Where each sentence begins, and the end. [sentences + 1]
    public let offsets: [Int]
    /// The different labels in the order of their first words; empty without labels.
    public let labelNames: [String]
    /// Of each word, which of these; empty without labels.
    public let labels: [Int]
    /// Words that no space follows (`SpaceAfter=No`), ascending; only CoNLL-U says so.
    public let wordsWithoutSpace: [Int]
    /// Words that are written as one, such as `du` for `de le`, in their order; only in CoNLL-U.
    public let writtenForms: [WrittenForm]
    /// Sentences left out because a line of them is bad; zero unless `skipBadRows`.
    public let skippedSentences: Int
    public let firstSkippedLine: Int?
    public let replacedSequences: Int

    /// Several words of a sentence and how they are written together.
    public struct WrittenForm: Sendable, Hashable {
        /// Numbers among all words.
        public var words: Range<Int>
        public var text: String
        /// Whether no space follows.
        public var isWithoutSpace: Bool

        public init(words: Range<Int>, text: String, isWithoutSpace: Bool) {
            (self.words, self.text, self.isWithoutSpace) = (words, text, isWithoutSpace)
        }
    }

    /// The number of sentences.
    public var count: Int { offsets.count - 1 }
    public var hasLabels: Bool { !labels.isEmpty }

    /// A sentence's words.
    public func sentence(_ index: Int) -> ArraySlice<String> {
        words[offsets[index]..<offsets[index + 1]]
    }

    /// The number of the line that a sentence begins on, from 1.
    public func line(_ sentence: Int) -> Int { lines[offsets[sentence]] }

    /// Reads a file whole.
    ///
    /// - Parameter options: the columns are those of the word and of the label; `format` and a second
    ///   text's column are of other files.
    /// - Throws: `Failure` for a file that is missing, empty, compressed or not UTF-8, for a column that
    ///   is not there, and for the first bad line.
    public init(contentsOf url: URL, options: TaskFile.Options = .init()) throws(Failure) {
        let name = url.relativePath
        try self.init(bytes: readBytes(path: name), name: name, options: options)
    }

    /// - Parameter name: what error sentences call the file.
    public init(
        bytes: [UInt8],
        name: String,
        options: TaskFile.Options = .init()
    ) throws(Failure) {
        let source = try SourceText(bytes, name: name, options: options)
        try Self.refuse(options, name)
        self.name = name
        replacedSequences = source.replacedSequences
        var content = WordContent()
        if Self.isObject(source) {
            format = .jsonLines
            try WordJSONReader(source, options).read(into: &content)
        } else {
            let reader = WordLineReader(source, options)
            format = reader.format
            try reader.read(into: &content)
        }
        guard content.offsets.count > 1 else {
            let skipped = content.skippedSentences
            throw Failure(
                .badData,
                name,
                skipped > 0
                    ? "no sentence is left: all \(skipped) have a bad line, the first "
                        + "\(content.firstSkippedLine ?? 0)"
                    : "the file has no words"
            )
        }
        guard format != .columns || content.offsets.count > 2 || content.words.count <= 512 else {
            throw Failure(
                .badData,
                name,
                "no empty line ends a sentence: all \(content.words.count) words would be one",
                remedy: "Put an empty line behind each sentence"
            )
        }
        words = content.words
        lines = content.lines
        offsets = content.offsets
        labelNames = content.labelNames
        labels = content.labels
        wordsWithoutSpace = content.wordsWithoutSpace
        writtenForms = content.writtenForms
        skippedSentences = content.skippedSentences
        firstSkippedLine = content.firstSkippedLine
    }

    /// Refuses choices that mean nothing for words.
    private static func refuse(_ options: TaskFile.Options, _ name: String) throws(Failure) {
        let columns = options.columns
        guard columns.textPair == nil, columns.header != .present else {
            throw Failure(
                .usage,
                name,
                "its words are labelled one by one: there is no "
                    + (columns.textPair == nil ? "header" : "second text")
            )
        }
    }

    static func isObject(_ source: SourceText) -> Bool {
        source.bytes[source.start..<source.end].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D }
            == 0x7B
    }

    /// What a user should know about how the file was read, a sentence each.
    public var remarks: [String] {
        var remarks: [String] = []
        if let firstSkippedLine {
            remarks.append(
                "\(skippedSentences) sentences with a bad line skipped, the first on line "
                    + "\(firstSkippedLine)"
            )
        }
        if replacedSequences > 0 {
            remarks.append("\(replacedSequences) invalid UTF-8 sequences replaced by U+FFFD")
        }
        return remarks
    }
}

/// What a reader of any format collects.
struct WordContent {
    var words: [String] = []
    var lines: [Int] = []
    var offsets = [0]
    var labelNames: [String] = []
    var labels: [Int] = []
    var wordsWithoutSpace: [Int] = []
    var writtenForms: [WordFile.WrittenForm] = []
    var skippedSentences = 0
    var firstSkippedLine: Int?
    private var numbers: [[UInt8]: Int] = [:]
    /// Whether the sentence that is being read has a bad line.
    private var isBad = false

    mutating func append(_ word: String, label: String?, line: Int) {
        words.append(word)
        lines.append(line)
        guard let label else { return }
        let spelling = Array(label.utf8)
        let number = numbers[spelling] ?? labelNames.count
        if number == labelNames.count {
            numbers[spelling] = number
            labelNames.append(label)
        }
        labels.append(number)
    }

    /// Leaves out the sentence that is being read.
    mutating func spoil(line: Int) {
        if !isBad { skippedSentences += 1 }
        isBad = true
        firstSkippedLine = firstSkippedLine ?? line
    }

    mutating func endSentence() {
        let start = offsets[offsets.count - 1]
        if isBad {
            words.removeSubrange(start...)
            lines.removeSubrange(start...)
            if labels.count > start { labels.removeSubrange(start...) }
            isBad = false
        } else if words.count > start {
            offsets.append(words.count)
        }
        while let last = wordsWithoutSpace.last, last >= words.count {
            wordsWithoutSpace.removeLast()
        }
        // One that names more words than the sentence has is none.
        while let last = writtenForms.last, last.words.upperBound > words.count {
            writtenForms.removeLast()
        }
    }
}
