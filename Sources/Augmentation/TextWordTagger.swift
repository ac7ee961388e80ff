public import Tagging

/// The words of texts that came without any, as `TextWords` finds them, with their parts of speech where
/// these are wanted.
public struct TextWordTagger: TextTagger {
    private let tagger: PerceptronTagger?

    /// - Parameter tagger: nil where words are only found.
    public init(_ tagger: PerceptronTagger?) { self.tagger = tagger }

    public var tagNames: [String] { tagger == nil ? [] : PartOfSpeech.names }

    public func parts(of text: UnsafeBufferPointer<UInt8>) -> [WordPart] {
        let words = TextWords(String(decoding: text, as: UTF8.self))
        guard let tagger else { return words.ranges.map { WordPart(range: $0) } }
        return zip(words.ranges, tagger.tags(of: words.strings)).map {
            WordPart(range: $0, tag: Int($1.rawValue))
        }
    }
}
