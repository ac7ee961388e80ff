/// The words of English that splitting must know, compared without regard to capitals.
enum WordLists {
    typealias Word = Slice<UnsafeBufferPointer<UInt8>>

    /// Ends of words that are words of their own, by what they are behind the apostrophe.
    private static let cliticEnds: [[UInt8]] = ["s", "m", "d", "ll", "ve", "re"].map {
        Array($0.utf8)
    }

    static let emoticons: [[UInt8]] = [
        ":)", ":(", ";)", ":-)", ":-(", ";-)", ":D", ":-D", ":P", ":p", ":-P", ":/", ":-/", ":|",
        ":o", ":O", "=)", "=(", "=D", ":]", ":[", "<3", "^_^", "-_-", ":'(", "xD", "XD",
    ].map { Array($0.utf8) }

    /// Words of two, by the length of the first.
    private static let pairs: [(word: [UInt8], first: Int)] = [
        ("cannot", 3), ("gonna", 3), ("gotta", 3), ("wanna", 3), ("lemme", 3), ("gimme", 3),
        ("dont", 2), ("didnt", 3), ("doesnt", 4), ("isnt", 2), ("wasnt", 3),
    ].map { (Array($0.0.utf8), $0.1) }

    private static let shortened: [[UInt8]] = [
        "em", "n", "til", "till", "cause", "cos", "bout", "round", "tis", "twas",
    ].map { Array($0.utf8) }

    private static let abbreviations: Set<[UInt8]> = Set(
        [
            "mr", "mrs", "ms", "dr", "prof", "rev", "st", "ste", "jr", "sr", "gen", "col", "capt",
            "lt", "sgt", "maj", "cmdr", "adm", "sen", "rep", "gov", "pres", "hon", "inc", "corp",
            "co", "ltd", "bros", "dept", "univ", "assn", "ave", "blvd", "rd", "hwy", "ft", "mt",
            "vs", "etc", "al", "cf", "approx", "est", "vol", "pp", "fig", "ed", "eds", "jan", "feb",
            "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue",
            "tues", "wed", "thu", "thurs", "fri", "ph.d",
        ].map { Array($0.utf8) }
    )

    @inline(__always)
    private static func small(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }

    private static func equal(_ word: Word, _ other: [UInt8]) -> Bool {
        word.count == other.count && word.elementsEqual(other) { small($0) == $1 }
    }

    static func starts(_ word: Word, _ beginning: StaticString) -> Bool {
        let count = beginning.utf8CodeUnitCount
        guard word.count > count else { return false }
        return (0..<count).allSatisfy {
            small(word[word.startIndex + $0]) == beginning.utf8Start[$0]
        }
    }

    static func isAbbreviation(_ stem: Word) -> Bool {
        stem.count <= 6 && abbreviations.contains(stem.map { small($0) })
    }

    /// The bytes of the apostrophe, of either form, that ends at a place.
    private static func apostropheLength(_ word: Word, endingAt end: Int) -> Int {
        if end > word.startIndex, word[end - 1] == 0x27 { return 1 }
        guard end - 3 >= word.startIndex, word[end - 3] == 0xE2, word[end - 2] == 0x80,
            word[end - 1] == 0x99
        else { return 0 }
        return 3
    }

    /// The bytes of the clitic that a word ends with or is: `'s`, `’ll`, `n't`; 0 for none.
    static func lengthOfClitic(_ word: Word) -> Int {
        let end = word.endIndex
        for ending in cliticEnds where word.count > ending.count {
            guard equal(word[(end - ending.count)...], ending) else { continue }
            let apostrophe = apostropheLength(word, endingAt: end - ending.count)
            if apostrophe > 0 { return ending.count + apostrophe }
        }
        guard word.count > 2, small(word[end - 1]) == 0x74 else { return 0 }
        let apostrophe = apostropheLength(word, endingAt: end - 1)
        guard apostrophe > 0, apostrophe + 2 <= word.count,
            small(word[end - 2 - apostrophe]) == 0x6E
        else { return 0 }
        return apostrophe + 2
    }

    /// Whether a word is a clitic and nothing else.
    static func isClitic(_ word: Word) -> Bool { lengthOfClitic(word) == word.count }

    /// `-lrb-` and its like.
    static func isBracket(_ word: Word) -> Bool {
        guard word.count == 5, word[word.startIndex] == 0x2D, word[word.startIndex + 4] == 0x2D
        else {
            return false
        }
        let (side, shape) = (small(word[word.startIndex + 1]), small(word[word.startIndex + 2]))
        return (side == 0x6C || side == 0x72) && [0x72, 0x73, 0x63].contains(shape)
            && small(word[word.startIndex + 3]) == 0x62
    }

    /// `'em`, `'til`, `'90s`: a word that begins with an apostrophe.
    static func isShortened(_ word: Word) -> Bool {
        let mark = word[word.startIndex] == 0x27 ? 1 : 3
        let rest = word[(word.startIndex + mark)...]
        guard let first = rest.first else { return false }
        if CharacterKind.isDigit(first) { return rest.count >= 2 && rest.count <= 3 }
        return shortened.contains { equal(rest, $0) }
    }

    /// Of `cannot`, `gonna` and their like, the bytes of the first of both words.
    static func lengthOfFirstPart(_ word: Word) -> Int? {
        guard (4...6).contains(word.count) else { return nil }
        return pairs.first { equal(word, $0.word) }?.first
    }
}
