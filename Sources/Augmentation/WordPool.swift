import Randomness

/// How often each word occurs with its part of speech: from these counts words are drawn.
///
/// A word that has its capital from the beginning of a sentence is counted as the small word, where that
/// occurs with the same part of speech elsewhere.
public struct WordPool: Sendable {
    let list: WordList
    /// The words of each class, side by side. [words]
    private let members: [Int32]
    /// How many occurrences a class's words up to this one have. [words]
    private let cumulative: [UInt32]
    /// Where each class's words begin, and the end. [classes + 1]
    private let starts: [Int]

    /// The words of all texts; those without a tag are nobody's.
    public init(_ source: SourceTexts, _ words: SourceWords) {
        var counter = WordCounter()
        source.bytes.withUnsafeBufferPointer { bytes in
            for capitalized in [false, true] {
                for text in 0..<words.textCount {
                    let place = source.place(text / source.sides, text % source.sides)
                    let content = UnsafeBufferPointer(rebasing: bytes[place])
                    for word in words.words[words.offsets[text]..<words.offsets[text + 1]]
                    where word.isCapitalized == capitalized && word.kind > 0 {
                        counter.count(word, in: content)
                    }
                }
            }
        }
        let order = counter.kinds.indices.sorted {
            (counter.kinds[$0], $0) < (counter.kinds[$1], $1)
        }
        var cumulative: [UInt32] = []
        var starts = [Int](repeating: 0, count: words.classNames.count + 1)
        for id in order {
            let kind = Int(counter.kinds[id])
            let before = starts[kind + 1] == 0 ? 0 : cumulative[cumulative.count - 1]
            starts[kind + 1] += 1
            cumulative.append(before + counter.counts[id])
        }
        for kind in words.classNames.indices { starts[kind + 1] += starts[kind] }
        list = counter.list
        members = order.map { Int32($0) }
        (self.cumulative, self.starts) = (cumulative, starts)
    }

    /// The different words.
    public var count: Int { members.count }

    /// The words of a class with their counts.
    public func words(ofClass kind: Int) -> [(word: String, count: Int)] {
        var before: UInt32 = 0
        return (starts[kind]..<starts[kind + 1]).map { place in
            defer { before = cumulative[place] }
            let word = String(decoding: list.word(Int(members[place])), as: UTF8.self)
            return (word, Int(cumulative[place] - before))
        }
    }

    /// A word of a class in proportion to its count, as its number in `list`; nil for a class without.
    @inline(__always)
    func draw(_ kind: Int32, _ random: inout Philox) -> Int32? {
        let (start, end) = (starts[Int(kind)], starts[Int(kind) + 1])
        guard end > start else { return nil }
        let number = random.nextBelow(cumulative[end - 1])
        // The first word whose occurrences reach beyond the number.
        var (low, high) = (start, end - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > number { high = middle } else { low = middle + 1 }
        }
        return members[low]
    }
}

/// Numbers words by their class and spelling.
private struct WordCounter {
    var list = WordList()
    var kinds: [Int32] = []
    var counts: [UInt32] = []
    private var numbers: [UInt64: Int32] = [:]

    mutating func count(_ word: SourceWord, in text: UnsafeBufferPointer<UInt8>) {
        let own = UnsafeBufferPointer(rebasing: text[word.range])
        if word.isCapitalized {
            let small = Casing.lowercased(Array(own))
            if let known = small.withUnsafeBufferPointer({ find($0, word.kind).number }) {
                counts[Int(known)] += 1
                return
            }
        }
        let (number, key) = find(own, word.kind)
        if let number {
            counts[Int(number)] += 1
            return
        }
        numbers[key] = Int32(list.count)
        list.append(own)
        kinds.append(word.kind)
        counts.append(1)
    }

    /// A word's number, or where it would be numbered.
    private func find(
        _ word: UnsafeBufferPointer<UInt8>,
        _ kind: Int32
    ) -> (number: Int32?, key: UInt64) {
        var key = TextHash.of(word, seed: UInt64(kind))
        while let number = numbers[key] {
            if kinds[Int(number)] == kind, list.word(Int(number)).elementsEqual(word) {
                return (number, key)
            }
            key &+= 1
        }
        return (nil, key)
    }
}
