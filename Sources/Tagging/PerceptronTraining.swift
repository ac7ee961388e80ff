public import Diagnostics
import Randomness

/// The training of a perceptron tagger, an epoch at a time.
///
/// After every wrong tag the weights of the word's features rise by 1 for the right tag and fall by 1 for
/// the wrong one; the tagger has the mean of the weights over all words that training has been through
/// (Collins 2002). A feature's weights count once they have changed twice, so that those that met a single
/// hard word neither speak nor fill the file (Goldberg and Elhadad 2011, "Learning sparser perceptron
/// models"). Tags of the words before are the tagger's own, as they are in use.
public struct PerceptronTraining: Sendable {
    /// So many changes make a feature count.
    static let leastChanges = 2

    public let sentences: TaggedSentences
    public let seed: UInt64
    /// Epochs done.
    public private(set) var epoch = 0
    /// Words gone through.
    private(set) var step = 0

    private let dictionary: WordDictionary
    /// Each sentence's words between edges.
    private let forms: [[WordForm]]
    private var features = ChangedFeatures()

    /// - Throws: `Failure` for sentences with one tag alone.
    public init(_ sentences: TaggedSentences, seed: UInt64 = 1, name: String) throws(Failure) {
        guard Set(sentences.tags).count > 1 else {
            throw Failure(
                .badData,
                name,
                "every word has the tag \(sentences.tags.first?.name ?? "of none"); a tagger needs two "
                    + "at least"
            )
        }
        self.sentences = sentences
        self.seed = seed
        let dictionary = WordDictionary(
            counting: sentences.words.map { WordForm($0) },
            tags: sentences.tags
        )
        self.dictionary = dictionary
        forms = (0..<sentences.count).map {
            dictionary.forms(of: sentences.words[sentences.offsets[$0]..<sentences.offsets[$0 + 1]])
        }
    }

    /// Goes through all sentences in a new order.
    ///
    /// - Parameter progress: told the sentences done, now and then.
    /// - Returns: how many words got a wrong tag on the way.
    public mutating func runEpoch(progress: (Int) -> Void = { _ in }) -> Int {
        var random = Philox(seed: seed, purpose: .shuffling, index: UInt32(epoch))
        var errors = 0
        for (done, sentence) in random.permutation(of: sentences.count).enumerated() {
            errors += learn(sentence)
            if done % 256 == 0 { progress(done) }
        }
        epoch += 1
        return errors
    }

    private mutating func learn(_ sentence: Int) -> Int {
        let (forms, start) = (forms[sentence], sentences.offsets[sentence])
        var (last, lastButOne): (UInt64, UInt64) = (0, 0)
        var errors = 0
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: FeatureTemplates.limit) { memory in
            forms.withUnsafeBufferPointer { forms in
                guard let keys = memory.baseAddress, let base = forms.baseAddress else { return }
                for index in 2..<forms.count - 2 {
                    let right = sentences.tags[start + index - 2]
                    var given = right
                    step += 1
                    if let only = forms[index].onlyTag {
                        given = only
                        errors += given == right ? 0 : 1
                    } else {
                        var count = FeatureTemplates.fixed(base, index, into: keys)
                        count += FeatureTemplates.afterTags(
                            base,
                            index,
                            last: last,
                            lastButOne: lastButOne,
                            into: keys + count
                        )
                        let found = UnsafeBufferPointer(start: keys, count: count)
                        given = features.best(found)
                        if given != right {
                            errors += 1
                            features.change(found, up: right, down: given, step: step)
                        }
                    }
                    lastButOne = last
                    last = UInt64(given.rawValue) + 1
                }
            }
        }
        return errors
    }

    /// The tagger as far as it is trained: mean weights in steps of a 127th of the largest.
    public func tagger() -> PerceptronTagger {
        PerceptronTagger(dictionary: dictionary, features: features.quantized(step: step))
    }
}
