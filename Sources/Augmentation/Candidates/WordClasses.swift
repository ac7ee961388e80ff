/// Which of a list's entries may be candidates, and which of them are one word in different cases.
struct WordClasses: Sendable {
    /// By entry: the first entry that is the same word but for case; −1 where it may not be a candidate.
    let keys: [Int32]
    /// By entry, likewise, whether it may be a candidate or not.
    let folded: [Int32]
    private let byFolded: [String: Int32]

    /// - Parameters:
    ///   - stopWords: lower-cased words that are no candidates.
    ///   - permits: whether an entry is otherwise a word that may stand for another.
    init(
        _ entries: [String],
        excluding stopWords: Set<String>,
        permits: (Int) -> Bool
    ) {
        var byFolded: [String: Int32] = [:]
        byFolded.reserveCapacity(entries.count)
        var (folded, keys): ([Int32], [Int32]) = ([], [])
        folded.reserveCapacity(entries.count)
        keys.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            let lower = entry.lowercased()
            let key = byFolded[lower] ?? Int32(index)
            if key == index { byFolded[lower] = key }
            folded.append(key)
            keys.append(permits(index) && !stopWords.contains(lower) ? key : -1)
        }
        (self.folded, self.keys, self.byFolded) = (folded, keys, byFolded)
    }

    /// The class of a word that need not be an entry; −1 for one that is none in any case.
    func key(of word: String) -> Int32 { byFolded[word.lowercased()] ?? -1 }
}
