public import Diagnostics
import Randomness

/// Words exchanged for candidates that fit their places, as for TinyBERT.
///
/// In one iteration, for each word that has candidates, one of them is picked, and takes the word's place
/// with probability p_t.
///
/// - Source: Jiao et al. 2020, "TinyBERT", algorithm 1, in the order of its published code: candidates are
///   those of the original sentence.
public struct CandidateMethod: Sendable, Hashable {
    /// p_t.
    public let replacement: Double
    /// Lower-cased words that keep their places.
    public let stopWords: Set<String>

    /// - Throws: `Failure` of kind `.usage` for a probability outside 0…1, and for 0, which changes nothing.
    public init(
        replacement: Double = 0.4,
        stopWords: Set<String> = StopWords.english
    ) throws(Failure) {
        try checkProbability("--replace", replacement)
        guard replacement > 0 else {
            throw Failure(.usage, "--replace", "with 0 no word would ever change")
        }
        self.replacement = replacement
        self.stopWords = stopWords
        limit = UInt64(replacement * 0x1p32)
    }

    private let limit: UInt64

    /// One iteration's changes to a text.
    func draw(
        _ count: Int,
        _ candidates: TextCandidates,
        _ random: inout Philox,
        into draws: inout WordDraws
    ) {
        draws.restart(count)
        for number in 0..<min(count, candidates.starts.count - 1) {
            let (start, end) = (candidates.starts[number], candidates.starts[number + 1])
            guard end > start else { continue }
            let picked = start + Int32(random.nextBelow(UInt32(end - start)))
            if UInt64(random.nextWord()) < limit { draws.choices[number] = picked }
        }
    }
}

/// The words that may stand for each word of a text, the best first.
public struct TextCandidates: Sendable {
    private(set) var list = WordList()
    /// Where each word's candidates begin, and the end. [words + 1]
    private(set) var starts: [Int32] = [0]

    /// - Parameter found: each word's, as a `CandidateFinder` gives them.
    public init(_ found: [[Candidate]]) {
        for candidates in found {
            for candidate in candidates { list.append(candidate.text.utf8) }
            starts.append(Int32(list.count))
        }
    }
}
