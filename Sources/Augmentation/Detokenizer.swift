/// Writes words that came without the spaces between them as a person would.
///
/// No space before closing punctuation and clitics, none behind opening punctuation; straight quotes open
/// and close in turn, apostrophes likewise where they stand alone. The Penn Treebank's spellings of
/// brackets and quotes (`-LRB-`, two backticks) become the marks they stand for.
struct Detokenizer {
    private(set) var text: [UInt8]
    private var left: Spacing?
    /// Whether an odd number of straight quotes was written.
    private var isQuoting = false
    private var isQuotingSingly = false

    /// - Parameter text: what to go on behind; the first word has no space before it.
    init(behind text: [UInt8] = []) { self.text = text }

    private static let treebank: [String: String] = [
        "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}",
        "-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}",
        "``": "\"", "''": "\"",
    ]

    /// Writes a word and gives its place.
    ///
    /// - Parameter spaceBefore: whether a space is before it, where the data says so; nil for the rules.
    mutating func append(_ word: String, spaceBefore: Bool? = nil) -> Range<Int> {
        let bytes = Array((Self.treebank[word] ?? word).utf8)
        var (own, next) = (Spacing(bytes), Optional<Spacing>.none)
        let isClitic = bytes.withUnsafeBufferPointer { Clitic.isOne($0) }
        switch bytes {
        case [0x22]:
            own = isQuoting ? .closing : .opening
            isQuoting.toggle()
        case [0x27]:
            // A possessive's, or a quote's end, unless one begins.
            own = isQuotingSingly || left == .word ? .closing : .opening
            isQuotingSingly = own == .opening
        case _ where isClitic: (own, next) = (.closing, .word)
        default: break
        }
        let wants =
            switch (left, own) {
            case (nil, _), (_, .closing), (.opening?, _): false
            default: true
            }
        if left != nil, spaceBefore ?? wants { text.append(0x20) }
        let start = text.count
        text += bytes
        left = next ?? own
        return start..<text.count
    }
}
