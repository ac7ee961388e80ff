/// A word of a text as taggers see it: in `don't` both `do` and `n't`, and every mark of punctuation.
public struct WordPart: Sendable, Hashable {
    /// Its UTF-8 in the text.
    public var range: Range<Int>
    /// A number among the names of tags; nil where words are not tagged.
    public var tag: Int?

    public init(range: Range<Int>, tag: Int? = nil) {
        (self.range, self.tag) = (range, tag)
    }
}

/// Finds the words of texts, and what part of speech each is.
public protocol TextTagger: Sendable {
    /// The tags by their numbers; empty where words are found and not tagged.
    var tagNames: [String] { get }

    /// The words of a text in their order, without overlap. Called from several threads.
    func parts(of text: UnsafeBufferPointer<UInt8>) -> [WordPart]
}

/// What stands between words.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
