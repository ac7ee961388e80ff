/// Several finders, asked in turn: each for the words that those before it had no answer for.
///
/// TinyBERT's are a masked language model, which answers for words of one piece, and word vectors.
public struct ReplacementCandidates: CandidateFinder {
    public let finders: [any CandidateFinder]

    public init(_ finders: [any CandidateFinder]) { self.finders = finders }

    public var remarks: [String] { finders.flatMap(\.remarks) }

    public func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]] {
        var result = sentences.map { [[Candidate]](repeating: [], count: $0.words.count) }
        var open = sentences
        for finder in finders {
            for (sentence, found) in finder.candidates(for: open).enumerated() {
                for (word, candidates) in found.enumerated() where !candidates.isEmpty {
                    result[sentence][word] = candidates
                    open[sentence].wanted[word] = false
                }
            }
        }
        return result
    }
}
