/// What a tagger knows of single words: whether training had them, and with which tags.
struct WordDictionary: Sendable {
    struct Entry: Sendable, Hashable {
        var key: UInt32
        /// A bit for each tag that is at least one in fifty of the word's; none for a rare word.
        var tags: UInt32
        /// The tag of a frequent word that has hardly another.
        var onlyTag: PartOfSpeech?
    }

    /// Words seen less often have no tags here: words that will be met for the first time are like them.
    static let leastCount = 3
    /// As in textblob-aptagger: from so many on, and with such a share of one tag, a word is not asked for.
    static let onlyTagLeastCount = 20
    static let onlyTagLeastPercent = 97

    /// In the order of their keys.
    let entries: [Entry]
    private let table: KeyTable

    init(_ entries: [Entry]) {
        self.entries = entries
        table = KeyTable(entries.map(\.key))
    }

    /// Counts the tags of every word.
    init(counting words: [WordForm], tags: [PartOfSpeech]) {
        var counts: [UInt32: [Int]] = [:]
        for (word, tag) in zip(words, tags) {
            counts[word.key, default: [Int](repeating: 0, count: PartOfSpeech.count)][
                Int(tag.rawValue)
            ] += 1
        }
        self.init(
            counts.sorted { $0.key < $1.key }.map { key, counts in
                let total = counts.reduce(0, +)
                var entry = Entry(key: key, tags: 0)
                guard total >= Self.leastCount else { return entry }
                for (tag, count) in counts.enumerated() where count > 0 && 50 * count >= total {
                    entry.tags |= 1 << UInt32(tag)
                }
                if total >= Self.onlyTagLeastCount {
                    entry.onlyTag = PartOfSpeech.allCases.first {
                        100 * counts[Int($0.rawValue)] >= Self.onlyTagLeastPercent * total
                    }
                }
                return entry
            }
        )
    }

    func contains(_ word: WordForm) -> Bool { table.number(of: word.key) > 0 }

    /// The sentence's words between two edges in front and two behind.
    func forms(of words: some Collection<String>) -> [WordForm] {
        var forms: [WordForm] = []
        forms.reserveCapacity(words.count + 4)
        forms.append(.farBefore)
        forms.append(.before)
        for word in words {
            var form = WordForm(word)
            let number = table.number(of: form.key)
            let entry = number > 0 ? entries[number - 1] : Entry(key: 0, tags: 0)
            form.ambiguity = entry.tags > 0 ? UInt64(entry.tags) : form.ending
            form.onlyTag = entry.onlyTag
            forms.append(form)
        }
        forms.append(.after)
        forms.append(.after)
        return forms
    }
}
