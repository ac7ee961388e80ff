/// A word that may stand in another's place.
public struct Candidate: Hashable, Sendable {
    /// Who proposed a word.
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// A masked language model, at the word's place in its sentence.
        case masked = "mlm"
        /// The neighbours of the word's vector in a file of vectors.
        case vectors
        /// The neighbours of the mean of its pieces' embeddings in a model.
        case embeddings
    }

    /// The word, in the case of the one that it may replace.
    public var text: String
    /// Its place among the word's candidates, from 1.
    public var rank: Int
    public var source: Source
    /// Its probability of a masked language model, else the cosine of the two vectors.
    public var score: Float

    public init(text: String, rank: Int, source: Source, score: Float) {
        (self.text, self.rank, self.source, self.score) = (text, rank, source, score)
    }
}

/// A sentence, and which of its words are to have candidates.
public struct CandidateSentence: Hashable, Sendable {
    /// Everything of the sentence that a model reads, in order: punctuation too, as words of its own.
    public var words: [String]
    /// Which of them are to have candidates. `[words]`
    public var wanted: [Bool]

    public init(words: [String], wanted: [Bool]) {
        precondition(words.count == wanted.count, "a wish for each word")
        (self.words, self.wanted) = (words, wanted)
    }

    /// A sentence whose words of letters are wanted, but for some.
    ///
    /// - Parameter stopWords: lower-cased words that keep their place; `StopWords.english` for one.
    public init(words: [String], excluding stopWords: Set<String> = []) {
        self.words = words
        wanted = words.map { $0.isWordOfLetters && !stopWords.contains($0.lowercased()) }
    }
}

/// What finds words that may stand in others' places, for many sentences at once.
///
/// The candidates of a sentence do not depend on the number of workers.
public protocol CandidateFinder: Sendable {
    /// What the user should know about where candidates come from, as sentences.
    var remarks: [String] { get }

    /// For each sentence and each of its words the candidates, the best first; none for words that are not
    /// wanted, and for those that this finder has no answer for.
    func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]]
}
