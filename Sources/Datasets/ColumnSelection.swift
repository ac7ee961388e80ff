/// Which columns (or JSON fields) of a task file hold what.
///
/// Whatever is left out is taken from GLUE's usual names, see ``TaskFile``.
public struct ColumnSelection: Sendable, Hashable {
    public enum Column: Sendable, Hashable {
        case name(String)
        /// Counted from 0.
        case index(Int)

        /// What a user types: a whole number is an index, anything else a name.
        public init(_ text: String) {
            if let index = Int(text), index >= 0 {
                self = .index(index)
            } else {
                self = .name(text)
            }
        }
    }

    public enum Header: Sendable, Hashable {
        /// The first line is a header if a column is chosen by name, or if it holds the usual
        /// name of a text column.
        case automatic
        case present
        case absent
    }

    public var text: Column?
    /// The second sentence of a pair; only taken from the usual names when `text` is too.
    public var textPair: Column?
    public var label: Column?
    public var header: Header

    public init(
        text: Column? = nil,
        textPair: Column? = nil,
        label: Column? = nil,
        header: Header = .automatic
    ) {
        self.text = text
        self.textPair = textPair
        self.label = label
        self.header = header
    }

    /// Whether a line's fields are names of columns, one of them a text's usual one.
    public static func areNames(_ fields: [String]) -> Bool {
        UsualNames.texts(in: fields) != nil
    }

    var namesAColumn: Bool {
        for case .name? in [text, textPair, label] { return true }
        return false
    }
}

/// The columns in use, by position.
struct ResolvedColumns {
    var text: Int
    var pair: Int?
    var label: Int?
}

/// The column names of GLUE's task files and of the usual custom ones.
enum UsualNames {
    /// Pairs first, so that `question`, `sentence` (QNLI) is not read as a single sentence.
    static let texts: [(text: String, pair: String?)] = [
        ("sentence1", "sentence2"), ("question1", "question2"), ("question", "sentence"),
        ("premise", "hypothesis"), ("#1 String", "#2 String"), ("text", "text_pair"),
        ("sentence", nil), ("text", nil),
    ]
    static let labels = ["gold_label", "label", "score", "is_duplicate", "Quality"]

    /// The position of a usual name; capitals do not matter.
    static func position(of name: String, in columns: [String]) -> Int? {
        columns.firstIndex(of: name)
            ?? columns.firstIndex { $0.utf8.elementsEqual(name.utf8, by: equalLetters) }
    }

    static func texts(in columns: [String]) -> (text: Int, pair: Int?)? {
        for usual in texts {
            guard let text = position(of: usual.text, in: columns) else { continue }
            guard let pairName = usual.pair else { return (text, nil) }
            if let pair = position(of: pairName, in: columns) { return (text, pair) }
        }
        return nil
    }

    static func label(in columns: [String]) -> Int? {
        for name in labels {
            if let index = position(of: name, in: columns) { return index }
        }
        return nil
    }

    private static func equalLetters(_ a: UInt8, _ b: UInt8) -> Bool {
        func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        return lower(a) == lower(b)
    }
}
