/// Which words of a tagger's are written as one, and so are exchanged or dropped only as one:
/// `do` and `n't`, `well`, `-` and `made`, also where the text has spaces before a clitic (`do n't`).
enum WrittenWords {
    /// The numbers of the parts of each written word, in order; every part is in one.
    static func group(
        _ parts: [WordPart],
        in text: UnsafeBufferPointer<UInt8>
    ) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var start = 0
        while start < parts.count {
            var end = start + 1
            if Spacing(text, parts[start].range) == .word {
                while let next = endOfJoined(parts, end, text) { end = next }
            }
            groups.append(start..<end)
            start = end
        }
        return groups
    }

    /// How far a word goes on behind its parts before `index`; nil where it ends there.
    private static func endOfJoined(
        _ parts: [WordPart],
        _ index: Int,
        _ text: UnsafeBufferPointer<UInt8>
    ) -> Int? {
        guard index < parts.count else { return nil }
        let (before, part) = (parts[index - 1].range, parts[index].range)
        let gap = before.upperBound..<part.lowerBound
        let isClitic = Clitic.isOne(UnsafeBufferPointer(rebasing: text[part]))
        if gap.count == 1, text[gap.lowerBound] == 0x20 { return isClitic ? index + 1 : nil }
        guard gap.isEmpty else { return nil }
        if isClitic { return index + 1 }
        if Spacing(text, part) == .word { return touches(before, part, text) ? index + 1 : nil }
        // A hyphen or an apostrophe inside.
        guard isGlue(text, part), index + 1 < parts.count else { return nil }
        let behind = parts[index + 1].range
        guard behind.lowerBound == part.upperBound, Spacing(text, behind) == .word else {
            return nil
        }
        return index + 2
    }

    private static func touches(
        _ first: Range<Int>,
        _ second: Range<Int>,
        _ text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard let left = ScalarText.last(text, first), let right = ScalarText.first(text, second)
        else { return false }
        return !left.isUnspacedScript && !right.isUnspacedScript
    }

    private static func isGlue(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        guard let scalar = ScalarText.first(text, range), scalar.length == range.count else {
            return false
        }
        return ["-", "'", "’", "\u{2010}", "\u{2011}"].contains(scalar.value)
    }
}
