/// The words of an English text as ranges of its UTF-8 bytes, split as the Penn Treebank and Universal
/// Dependencies do: punctuation is apart, and so are clitics (`do|n't`, `it|'s`, `can|not`).
///
/// Spaces separate words whatever they hold, so that text that is tokenised already (`it 's`, `do n't`,
/// `-lrb-`) stays as it is. Hyphens, slashes and points inside a word do not split it (`well-made`,
/// `and/or`, `9/11`, `U.S.`), nor do addresses fall apart.
public struct TextWords: Sendable, Hashable {
    public let text: String
    /// Rising, and none empty.
    public let ranges: [Range<Int>]

    public init(_ text: String) {
        var text = text
        ranges = text.withUTF8 { bytes in
            var splitter = WordSplitter(bytes)
            splitter.split()
            return splitter.words
        }
        self.text = text
    }

    public var count: Int { ranges.count }

    /// The word number `index`.
    public subscript(index: Int) -> Substring { text.utf8Slice(ranges[index]) }

    /// All words.
    public var strings: [String] { ranges.map { String(text.utf8Slice($0)) } }

    /// Whether nothing stands between a word and the next.
    public func touchesNext(_ index: Int) -> Bool {
        index + 1 < count && ranges[index].upperBound == ranges[index + 1].lowerBound
    }
}

extension String {
    fileprivate func utf8Slice(_ range: Range<Int>) -> Substring {
        let start = utf8.index(startIndex, offsetBy: range.lowerBound)
        return self[start..<utf8.index(start, offsetBy: range.count)]
    }
}
