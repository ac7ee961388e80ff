/// A part-of-speech tagger that goes through a sentence once from the left, and gives each word the tag with
/// the highest sum of its features' weights; the weights are those of an averaged perceptron.
///
/// A word that training has seen often and with one tag only has that tag.
///
/// - Source: Collins 2002, "Discriminative training methods for hidden Markov models"; the greedy search is
///   that of Honnibal's textblob-aptagger; the features are `FeatureTemplates`.
public struct PerceptronTagger: PartOfSpeechTagger {
    /// The weights of one feature that are not all zero.
    struct Feature: Sendable, Hashable {
        var key: UInt32
        /// For each tag, of a signed byte's size, and zeros.
        var weights: Sums
    }

    typealias Sums = SIMD32<Int16>

    let dictionary: WordDictionary
    /// The keys of the features, rising.
    let keys: [UInt32]
    /// Of each feature the weights for the tags, and zeros; in front the row of those that are unknown.
    /// A row is a line of the processor's cache.
    let rows: [Sums]
    private let table: KeyTable

    /// - Parameter features: in the order of their keys.
    init(dictionary: WordDictionary, features: [Feature]) {
        self.dictionary = dictionary
        keys = features.map(\.key)
        table = KeyTable(keys)
        rows = [Sums.zero] + features.map(\.weights)
    }

    /// How many features have weights.
    public var featureCount: Int { keys.count }

    /// How many words training has seen, capitals and digits aside.
    public var wordCount: Int { dictionary.entries.count }

    /// Whether training has seen the word, capitals and digits aside.
    public func knows(_ word: String) -> Bool { dictionary.contains(WordForm(word)) }

    public func tags(of words: some Collection<String>) -> [PartOfSpeech] {
        let forms = dictionary.forms(of: words)
        return [PartOfSpeech](unsafeUninitializedCapacity: words.count) { tags, count in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: FeatureTemplates.limit) {
                tag(forms, features: $0, into: tags)
            }
            count = words.count
        }
    }

    private func tag(
        _ forms: [WordForm],
        features: UnsafeMutableBufferPointer<UInt32>,
        into tags: UnsafeMutableBufferPointer<PartOfSpeech>
    ) {
        guard let features = features.baseAddress, forms.count > 4 else { return }
        forms.withUnsafeBufferPointer { forms in
            rows.withUnsafeBufferPointer { rows in
                guard let base = forms.baseAddress else { return }
                var (last, lastButOne): (UInt64, UInt64) = (0, 0)
                for index in 2..<forms.count - 2 {
                    let tag: PartOfSpeech
                    if let only = forms[index].onlyTag {
                        tag = only
                    } else {
                        var count = FeatureTemplates.fixed(base, index, into: features)
                        count += FeatureTemplates.afterTags(
                            base,
                            index,
                            last: last,
                            lastButOne: lastButOne,
                            into: features + count
                        )
                        var sums = Sums.zero
                        for feature in 0..<count {
                            sums &+= rows[table.number(of: features[feature])]
                        }
                        tag = Self.highest(sums)
                    }
                    tags.initializeElement(at: index - 2, to: tag)
                    lastButOne = last
                    last = UInt64(tag.rawValue) + 1
                }
            }
        }
    }

    /// The tag of the highest sum, the first of equals.
    @inline(__always)
    private static func highest(_ sums: Sums) -> PartOfSpeech {
        withUnsafeBytes(of: sums) { bytes in
            let sums = bytes.assumingMemoryBound(to: Int16.self)
            var best = 0
            for tag in 1..<PartOfSpeech.count where sums[tag] > sums[best] { best = tag }
            return PartOfSpeech(rawValue: UInt8(best)) ?? .other
        }
    }
}

extension PerceptronTagger {
    /// Each feature's weights that are not zero.
    package var weightRows: [[(tag: PartOfSpeech, weight: Int)]] {
        rows.dropFirst().map { row in
            PartOfSpeech.allCases.compactMap { tag in
                let weight = Int(row[Int(tag.rawValue)])
                return weight == 0 ? nil : (tag, weight)
            }
        }
    }
}
