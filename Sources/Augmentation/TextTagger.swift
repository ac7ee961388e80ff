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

/// Words between spaces, marks of punctuation around them being words too; without tags.
public struct SpacedWords: TextTagger {
    public init() {}

    public var tagNames: [String] { [] }

    public func parts(of text: UnsafeBufferPointer<UInt8>) -> [WordPart] {
        var parts: [WordPart] = []
        var position = 0
        while position < text.count {
            guard !isSpace(text[position]) else {
                position += 1
                continue
            }
            var end = position
            while end < text.count, !isSpace(text[end]) { end += 1 }
            Self.cut(position..<end, text) { parts.append(WordPart(range: $0)) }
            position = end
        }
        return parts
    }

    /// Cuts marks off both ends of what stands between spaces; equal marks side by side are one.
    private static func cut(
        _ whole: Range<Int>,
        _ text: UnsafeBufferPointer<UInt8>,
        _ found: (Range<Int>) -> Void
    ) {
        if Clitic.isOne(UnsafeBufferPointer(rebasing: text[whole])) { return found(whole) }
        var core = whole
        while let scalar = ScalarText.first(text, core), !scalar.isWordlike {
            var end = core.lowerBound + scalar.length
            while let next = ScalarText.first(text, end..<core.upperBound),
                next.value == scalar.value
            {
                end += next.length
            }
            found(core.lowerBound..<end)
            core = end..<core.upperBound
        }
        var behind: [Range<Int>] = []
        while let scalar = ScalarText.last(text, core), !scalar.isWordlike {
            var start = core.upperBound - scalar.length
            while let next = ScalarText.last(text, core.lowerBound..<start),
                next.value == scalar.value
            {
                start -= next.length
            }
            behind.append(start..<core.upperBound)
            core = core.lowerBound..<start
        }
        if !core.isEmpty { found(core) }
        for range in behind.reversed() { found(range) }
    }
}

/// What stands between words.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
