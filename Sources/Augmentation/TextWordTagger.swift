/// The words of texts that came without any, with their parts of speech where these are wanted.
public struct TextWordTagger: TextTagger {
    private let words = SpacedWords()

    /// - Parameter tags: whether words are tagged; else they are only found.
    public init(tags: Bool) {}

    public var tagNames: [String] { words.tagNames }

    public func parts(of text: UnsafeBufferPointer<UInt8>) -> [WordPart] { words.parts(of: text) }
}
