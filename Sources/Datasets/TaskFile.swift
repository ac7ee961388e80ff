public import Diagnostics
public import Foundation

/// The examples of one task file: a text, or a pair of texts, and perhaps a label each.
///
/// Two formats. *Tab-separated values* as GLUE has them: one row a line, quotes are ordinary
/// characters, nothing is unescaped; a header line or none; LF or CRLF; a byte order mark at the
/// start, a missing last newline and empty lines at the end are no matter. *JSON lines*: one
/// object a line, fields chosen by name; a label may be text or a number.
///
/// Columns not chosen are found by their usual names, in this order: texts `sentence1 sentence2`,
/// `question1 question2`, `question sentence`, `premise hypothesis`, `#1 String #2 String`,
/// `text text_pair`, `sentence`, `text`; label `gold_label`, `label`, `score`, `is_duplicate`,
/// `Quality`. Without a header, CoLA's shape (source, label 0 or 1, mark, sentence) is known; and
/// where labels are not required, a single column is the text and, where they are ignored, two
/// columns are a pair.
///
/// Every row must have as many columns as the header, or the first row, has: a row that has not
/// is an error, or skipped and counted, never guessed at.
public struct TaskFile: Sendable {
    /// The file as the user spelled it.
    public let name: String
    public let format: Format
    /// Whether the first line was taken as a header (never for JSON lines).
    public let hasHeader: Bool
    /// What the columns in use are called: their names, or `column 3`.
    public let textColumn: String
    public let pairColumn: String?
    public let labelColumn: String?
    /// Rows left out because they have too few or too many columns, or are not JSON objects with
    /// the fields needed; zero unless `skipBadRows`.
    public let skippedRows: Int
    /// The number of the line of the first row left out.
    public let firstSkippedLine: Int?
    /// Rows with a text of no bytes.
    public let emptyTexts: Int
    /// Invalid UTF-8 sequences replaced by U+FFFD; zero unless `replaceInvalidText`.
    public let replacedSequences: Int

    /// What the extents point into: the file itself, or the unescaped texts of JSON lines.
    package let bytes: [UInt8]
    package let rows: Rows
    /// Whether the caller said if there is a header.
    let headerIsSettled: Bool
    /// Whether a row may be without a label though the file has a column of them.
    let mayLackLabels: Bool

    public enum Format: Sendable, Hashable {
        case tabSeparated
        case jsonLines
    }

    /// What a reader needs of the label column.
    public enum LabelUse: Sendable, Hashable {
        /// A file without a label column is refused.
        case required
        /// Read if there is one.
        case ifPresent
        /// Read if there is one, and a row's may be missing: an empty cell, or in JSON lines `null` or no
        /// field. So somebody else, a teacher, is asked about rows that nobody labelled.
        case partial
        case ignored
    }

    public struct Options: Sendable, Hashable {
        /// `nil`: by the name's ending (`jsonl`, `ndjson`, `json`; `tsv`, `txt`), else JSON lines if
        /// the first line looks like an object.
        public var format: Format?
        public var columns: ColumnSelection
        public var labels: LabelUse
        /// Leave out and count the rows with a wrong number of columns.
        public var skipBadRows: Bool
        /// Replace and count invalid UTF-8 instead of refusing the file.
        public var replaceInvalidText: Bool
        /// The number of the first line, for text that is read in portions.
        public var firstLine: Int

        public init(
            format: Format? = nil,
            columns: ColumnSelection = ColumnSelection(),
            labels: LabelUse = .required,
            skipBadRows: Bool = false,
            replaceInvalidText: Bool = false,
            firstLine: Int = 1
        ) {
            self.format = format
            self.columns = columns
            self.labels = labels
            self.skipBadRows = skipBadRows
            self.replaceInvalidText = replaceInvalidText
            self.firstLine = firstLine
        }
    }

    /// Reads a file whole.
    ///
    /// - Throws: `Failure` for a file that is missing, empty, compressed, not UTF-8 or holds NUL
    ///   bytes, for a column that is not there, and for the first bad row.
    public init(contentsOf url: URL, options: Options = Options()) throws(Failure) {
        let name = url.relativePath
        try self.init(bytes: readBytes(path: name), name: name, options: options)
    }

    /// - Parameters:
    ///   - bytes: the whole file, from standard input perhaps.
    ///   - name: what error sentences call it.
    public init(bytes: [UInt8], name: String, options: Options = Options()) throws(Failure) {
        let source = try SourceText(bytes, name: name, options: options)
        self.name = name
        replacedSequences = source.replacedSequences
        format = options.format ?? source.likelyFormat
        let parsed: ParsedRows
        switch format {
        case .tabSeparated: parsed = try TabSeparatedReader(source, options).read()
        case .jsonLines: parsed = try JSONLinesReader(source, options).read()
        }
        guard parsed.rows.count > 0 else {
            let skipped = parsed.skippedRows
            throw Failure(
                .badData,
                name,
                skipped > 0
                    ? "no row is left: all \(skipped) are bad, the first on line "
                        + "\(parsed.firstSkippedLine ?? 0)"
                    : "the file has a header but no rows"
            )
        }
        hasHeader = parsed.hasHeader
        headerIsSettled = options.columns.header != .automatic
        mayLackLabels = options.labels == .partial
        textColumn = parsed.textColumn
        pairColumn = parsed.pairColumn
        labelColumn = parsed.labelColumn
        skippedRows = parsed.skippedRows
        firstSkippedLine = parsed.firstSkippedLine
        self.bytes = parsed.bytes
        rows = parsed.rows
        emptyTexts = rows.texts.count { $0.isEmpty }
    }
}

/// Where the fields of each row are in a run of bytes.
package struct Rows: Sendable {
    package var texts: [Range<Int>] = []
    /// Empty for single texts.
    package var pairs: [Range<Int>] = []
    /// Empty for files without labels; of a row without one an empty range.
    package var labels: [Range<Int>] = []
    /// The number of each row's line in the file.
    package var lines: [Int] = []

    package var count: Int { texts.count }
}

/// What a reader of either format finds.
struct ParsedRows {
    var rows: Rows
    var bytes: [UInt8]
    var hasHeader: Bool
    var textColumn: String
    var pairColumn: String?
    var labelColumn: String?
    var skippedRows: Int
    var firstSkippedLine: Int?
}

extension TaskFile {
    /// The number of rows.
    public var count: Int { rows.count }
    public var hasPairs: Bool { pairColumn != nil }
    public var hasLabels: Bool { labelColumn != nil }

    public func text(_ row: Int) -> String { string(rows.texts[row]) }

    /// The second text; `nil` where the file has single texts.
    public func pair(_ row: Int) -> String? { hasPairs ? string(rows.pairs[row]) : nil }

    /// The label as it stands in the file; `nil` where the file has none.
    public func label(_ row: Int) -> String? { hasLabels ? string(rows.labels[row]) : nil }

    /// Whether a row has a label.
    public func isLabelled(_ row: Int) -> Bool {
        hasLabels && !(mayLackLabels && rows.labels[row].isEmpty)
    }

    /// How many rows have no label.
    public var unlabelledCount: Int { (0..<count).count { !isLabelled($0) } }

    /// The number of the row's line in the file, from 1.
    public func line(_ row: Int) -> Int { rows.lines[row] }

    /// The bytes of all texts, second ones included.
    public var textByteCount: Int { (rows.texts + rows.pairs).reduce(0) { $0 + $1.count } }

    /// Calls `body` with the UTF-8 of a row's text and, for pairs, of the second one.
    public func withTexts<Result>(
        _ row: Int,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>?) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { all in
            body(
                UnsafeBufferPointer(rebasing: all[rows.texts[row]]),
                hasPairs ? UnsafeBufferPointer(rebasing: all[rows.pairs[row]]) : nil
            )
        }
    }

    /// What a user should know about how the file was read, a sentence each: rows left out, text
    /// replaced, empty texts.
    public var remarks: [String] {
        var remarks: [String] = []
        if let firstSkippedLine {
            remarks.append("\(skippedRows) bad rows skipped, the first on line \(firstSkippedLine)")
        }
        if replacedSequences > 0 {
            remarks.append("\(replacedSequences) invalid UTF-8 sequences replaced by U+FFFD")
        }
        if emptyTexts > 0 { remarks.append("\(emptyTexts) rows with an empty text") }
        return remarks
    }

    private func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}
