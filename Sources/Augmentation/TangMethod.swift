public import Diagnostics
import Randomness

/// Masking, words of the same part of speech, and n-grams, combined as by Tang et al.
///
/// In one iteration each word is masked with probability p_mask, or else replaced with probability p_pos by
/// a draw from the words of its part of speech, in proportion to their counts in the training set. Then,
/// with probability p_ng, one n-gram alone stays: n is uniform in 1…N, at most the sentence's length, and
/// where it begins is uniform among all places where it fits.
///
/// - Source: Tang et al. 2019, "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks",
///   section 3.2. The released code leaves out the last n-gram of a sentence.
public struct TangMethod: Sendable, Hashable {
    /// p_mask.
    public let mask: Double
    /// p_pos.
    public let partOfSpeech: Double
    /// p_ng.
    public let ngram: Double
    /// N, the longest n-gram.
    public let longestNgram: Int

    /// - Throws: `Failure` of kind `.usage` for a probability outside 0…1, for p_mask and p_pos that add to
    ///   more than 1, for an n-gram of no words, and where nothing would ever change.
    public init(
        mask: Double = 0.1,
        partOfSpeech: Double = 0.1,
        ngram: Double = 0.25,
        longestNgram: Int = 5
    ) throws(Failure) {
        for (option, value) in [("--mask", mask), ("--pos", partOfSpeech), ("--ngram", ngram)] {
            try checkProbability(option, value)
        }
        guard mask + partOfSpeech <= 1 + 1e-9 else {
            throw Failure(
                .usage,
                "--mask",
                "\(mask) and --pos \(partOfSpeech) add to more than 1: a word is masked or replaced"
            )
        }
        guard (1...1_000_000).contains(longestNgram) else {
            throw Failure(
                .usage,
                "--max-ngram",
                "it must be from 1 to 1000000, not \(longestNgram)"
            )
        }
        guard mask + partOfSpeech + ngram > 0 else {
            throw Failure(
                .usage,
                "--mask",
                "with --mask, --pos and --ngram 0 no word would ever change"
            )
        }
        self.mask = mask
        self.partOfSpeech = partOfSpeech
        self.ngram = ngram
        self.longestNgram = longestNgram
        maskLimit = UInt64(mask * 0x1p32)
        replacementLimit = UInt64(min(1, mask + partOfSpeech) * 0x1p32)
        ngramLimit = UInt64(ngram * 0x1p32)
    }

    // Of 2³².
    private let maskLimit: UInt64
    private let replacementLimit: UInt64
    private let ngramLimit: UInt64

    /// One iteration's changes to a text.
    @inline(__always)
    func draw(
        _ words: UnsafeBufferPointer<SourceWord>,
        _ pool: WordPool?,
        _ random: inout Philox,
        into draws: inout WordDraws
    ) {
        draws.restart(words.count)
        if replacementLimit > 0 {
            for number in words.indices {
                let chance = UInt64(random.nextWord())
                if chance < maskLimit {
                    draws.choices[number] = WordDraws.mask
                } else if chance < replacementLimit,
                    let drawn = pool?.draw(words[number].kind, &random)
                {
                    draws.choices[number] = drawn
                }
            }
        }
        guard ngramLimit > 0, UInt64(random.nextWord()) < ngramLimit, !words.isEmpty else { return }
        let length = 1 + Int(random.nextBelow(UInt32(longestNgram)))
        guard length < words.count else { return }
        let start = Int(random.nextBelow(UInt32(words.count - length + 1)))
        draws.kept = start..<start + length
    }
}

/// Refuses what is no probability.
func checkProbability(_ option: String, _ value: Double) throws(Failure) {
    guard value >= 0, value <= 1 else {
        throw Failure(.usage, option, "a probability is from 0 to 1, not \(value)")
    }
}

/// What happens to a text's words in one iteration.
struct WordDraws {
    static let keep: Int32 = -1
    static let mask: Int32 = -2

    /// Of each word: `keep`, `mask`, or the number of the word in its place.
    var choices: [Int32] = []
    /// The words that stay, changed or not.
    var kept = 0..<0

    mutating func restart(_ count: Int) {
        if choices.count < count {
            choices = [Int32](repeating: Self.keep, count: max(64, 2 * count))
        }
        for number in 0..<count { choices[number] = Self.keep }
        kept = 0..<count
    }
}
