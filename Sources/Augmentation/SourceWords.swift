public import Diagnostics
public import Kernels

/// A written word of a text.
struct SourceWord: Sendable {
    /// Its UTF-8 in the text.
    var start: UInt32
    var end: UInt32
    /// The number of its class.
    var kind: Int32
    var spacing: Spacing
    /// Whether it begins a sentence with a capital.
    var isCapitalized: Bool
    /// Whether it begins a sentence.
    var isInitial: Bool
    /// Whether no space is before it, or behind it.
    var touchesBefore: Bool
    var touchesBehind: Bool

    var range: Range<Int> { Int(start)..<Int(end) }
}

/// The words of all texts with their classes: the parts of speech, of a word with several parts theirs in
/// order (`AUX+PART`).
///
/// Texts are numbered row by row; of pairs, a row has two.
public struct SourceWords: Sendable {
    /// The classes' names by their numbers; class 0 is of words without tags.
    public private(set) var classNames = ["–"]
    private(set) var words: [SourceWord] = []
    /// Where each text's words begin, and the end. [texts + 1]
    private(set) var offsets = [0]
    /// Whether words have tags.
    public let areTagged: Bool

    /// Finds and tags the words of all texts on the pool's workers.
    ///
    /// - Parameter tagger: of texts whose file has no words with tags; those that have keep them.
    /// - Throws: `Failure` for a text of more than 4 GB.
    public init(
        _ source: SourceTexts,
        tagger: some TextTagger,
        pool: WorkerPool
    ) throws(Failure) {
        let known = source.tagNames != nil || tagger.tagNames.isEmpty ? source.parts : nil
        let tagNames = known == nil ? tagger.tagNames : source.tagNames ?? []
        areTagged = !tagNames.isEmpty
        let (count, sides) = (source.count * source.sides, source.sides)
        for text in 0..<count where source.place(text / sides, text % sides).count >= 1 << 32 {
            throw Failure(
                .limit,
                source.name,
                "line \(source.line(text / sides)): a text of more than 4 GB"
            )
        }
        let size = 256
        let blockCount = (count + size - 1) / size
        var blocks = [WordBlock](repeating: WordBlock(), count: blockCount)
        blocks.withUnsafeMutableBufferPointer { buffer in
            // Each block is written by the worker that took its number.
            nonisolated(unsafe) let results = buffer
            source.bytes.withUnsafeBufferPointer { bytes in
                pool.run(blockCount) { block, _ in
                    for text in block * size..<min(count, (block + 1) * size) {
                        let place = source.place(text / sides, text % sides)
                        let content = UnsafeBufferPointer(rebasing: bytes[place])
                        let parts = known?[text] ?? tagger.parts(of: content)
                        results[block].append(parts, of: content)
                    }
                }
            }
        }
        join(blocks, tagNames: tagNames, count: count)
    }

    /// Numbers the classes in the order of their first words.
    private mutating func join(_ blocks: [WordBlock], tagNames: [String], count: Int) {
        var numbers: [UInt64: Int32] = [0: 0]
        words.reserveCapacity(blocks.reduce(0) { $0 + $1.words.count })
        offsets.reserveCapacity(count + 1)
        for block in blocks {
            for (word, key) in zip(block.words, block.keys) {
                var word = word
                if let known = numbers[key] {
                    word.kind = known
                } else {
                    word.kind = Int32(classNames.count)
                    numbers[key] = word.kind
                    classNames.append(TagKey.name(key, tagNames))
                }
                words.append(word)
            }
            for length in block.lengths { offsets.append(offsets[offsets.count - 1] + length) }
        }
    }

    /// The number of texts.
    public var textCount: Int { offsets.count - 1 }
    /// The number of all words.
    public var wordCount: Int { words.count }

    /// The words of a text, counted.
    public func count(of text: Int) -> Int { offsets[text + 1] - offsets[text] }

    /// A word's place in its text, in UTF-8, and the name of its class.
    public func word(_ number: Int, of text: Int) -> (range: Range<Int>, className: String) {
        let word = words[offsets[text] + number]
        return (word.range, classNames[Int(word.kind)])
    }
}

/// Up to four tags as one number: 16 bits each, one more than the tag's number.
private enum TagKey {
    /// 0 where a part has no tag, or there are more than four.
    static func make(_ parts: ArraySlice<WordPart>) -> UInt64 {
        guard parts.count <= 4 else { return 0 }
        var key: UInt64 = 0
        for part in parts {
            guard let tag = part.tag, tag < 0xFFFF else { return 0 }
            key = key << 16 | UInt64(tag + 1)
        }
        return key
    }

    static func name(_ key: UInt64, _ tagNames: [String]) -> String {
        var (names, rest) = ([String](), key)
        while rest > 0 {
            names.insert(tagNames[Int(rest & 0xFFFF) - 1], at: 0)
            rest >>= 16
        }
        return names.joined(separator: "+")
    }
}

/// The words of some texts.
private struct WordBlock: Sendable {
    var words: [SourceWord] = []
    var keys: [UInt64] = []
    var lengths: [Int] = []

    mutating func append(_ parts: [WordPart], of text: UnsafeBufferPointer<UInt8>) {
        var isInitial = true
        let groups = Self.groups(parts, text)
        for group in groups {
            let range =
                parts[group.lowerBound].range
                .lowerBound..<parts[group.upperBound - 1].range
                .upperBound
            let spacing = Spacing(text, range)
            words.append(
                SourceWord(
                    start: UInt32(range.lowerBound),
                    end: UInt32(range.upperBound),
                    kind: 0,
                    spacing: spacing,
                    isCapitalized: isInitial && Casing.isCapitalized(text, range),
                    isInitial: isInitial,
                    touchesBefore: range.lowerBound > 0 && !isSpace(text[range.lowerBound - 1]),
                    touchesBehind: range.upperBound < text.count && !isSpace(text[range.upperBound])
                )
            )
            keys.append(TagKey.make(parts[group]))
            if spacing == .word {
                isInitial = false
            } else if Self.endsSentence(text[range.upperBound - 1]) {
                isInitial = true
            }
        }
        lengths.append(groups.count)
    }

    /// Written words; several parts at one place are one as well.
    private static func groups(
        _ parts: [WordPart],
        _ text: UnsafeBufferPointer<UInt8>
    ) -> [Range<Int>] {
        var places: [WordPart] = []
        var firsts: [Int] = []
        for (number, part) in parts.enumerated() where places.last?.range != part.range {
            places.append(part)
            firsts.append(number)
        }
        firsts.append(parts.count)
        return WrittenWords.group(places, in: text).map {
            firsts[$0.lowerBound]..<firsts[$0.upperBound]
        }
    }

    private static func endsSentence(_ byte: UInt8) -> Bool {
        byte == 0x2E || byte == 0x21 || byte == 0x3F
    }
}
