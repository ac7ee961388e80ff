/// How far given tags agree with right ones.
public struct TaggingScores: Sendable {
    /// Words by their right tag and the one that was given. [tags × tags]
    private var counts = [Int](repeating: 0, count: PartOfSpeech.count * PartOfSpeech.count)
    private var known = (right: 0, all: 0)
    private var unknown = (right: 0, all: 0)

    /// - Parameter isKnown: of each word, whether training has seen it.
    /// - Precondition: all are as many.
    public init(given: [PartOfSpeech], right: [PartOfSpeech], isKnown: [Bool]) {
        precondition(given.count == right.count && isKnown.count == right.count, "of each word")
        for ((given, right), isKnown) in zip(zip(given, right), isKnown) {
            counts[Self.place(right, given)] += 1
            let hit = given == right ? 1 : 0
            if isKnown {
                known = (known.right + hit, known.all + 1)
            } else {
                unknown = (unknown.right + hit, unknown.all + 1)
            }
        }
    }

    private static func place(_ right: PartOfSpeech, _ given: PartOfSpeech) -> Int {
        Int(right.rawValue) * PartOfSpeech.count + Int(given.rawValue)
    }

    public var wordCount: Int { known.all + unknown.all }
    public var unknownWordCount: Int { unknown.all }

    /// The share of words with the right tag, from 0 to 1; not a number without words, as all shares here.
    public var accuracy: Double { Self.share(known.right + unknown.right, wordCount) }
    /// That of words that training has seen.
    public var knownAccuracy: Double { Self.share(known.right, known.all) }
    public var unknownAccuracy: Double { Self.share(unknown.right, unknown.all) }

    /// How many words are of that part of speech.
    public func support(_ tag: PartOfSpeech) -> Int {
        PartOfSpeech.allCases.reduce(0) { $0 + counts[Self.place(tag, $1)] }
    }

    /// How many words were given it.
    public func given(_ tag: PartOfSpeech) -> Int {
        PartOfSpeech.allCases.reduce(0) { $0 + counts[Self.place($1, tag)] }
    }

    /// Of the words that were given the tag, the share that have it.
    public func precision(_ tag: PartOfSpeech) -> Double {
        Self.share(counts[Self.place(tag, tag)], given(tag))
    }

    /// Of the words that have the tag, the share that were given it.
    public func recall(_ tag: PartOfSpeech) -> Double {
        Self.share(counts[Self.place(tag, tag)], support(tag))
    }

    /// The harmonic mean of both.
    public func f1(_ tag: PartOfSpeech) -> Double {
        Self.share(2 * counts[Self.place(tag, tag)], support(tag) + given(tag))
    }

    /// What a tag was most often given in place of, and how often; nil where it never was wrong.
    public func mostFrequentError(_ right: PartOfSpeech) -> (given: PartOfSpeech, count: Int)? {
        var worst: (given: PartOfSpeech, count: Int)?
        for given in PartOfSpeech.allCases where given != right {
            let count = counts[Self.place(right, given)]
            if count > worst?.count ?? 0 { worst = (given, count) }
        }
        return worst
    }

    private static func share(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : .nan
    }
}
