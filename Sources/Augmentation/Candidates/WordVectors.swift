public import Diagnostics
public import Kernels

/// Candidates by static word vectors, GloVe's or word2vec's: the words with the highest cosine.
///
/// A word that the file does not have as it is written is looked for in small letters. Candidates take the
/// word's case; the word itself in any case is none of its candidates.
///
/// - Source: Jiao et al. 2020 (TinyBERT), algorithm 1, whose code reads the first 100,000 GloVe vectors.
public final class WordVectors: CandidateFinder, Sendable {
    public struct Options: Sendable, Hashable {
        /// The most candidates of a word.
        public var count = 15
        /// How many of the file's vectors are read, from its beginning: files have frequent words first.
        public var limit = 100_000
        /// Whether a word may be its own candidate.
        public var keepsOriginal = false
        /// Lower-cased words that are never candidates.
        public var stopWords: Set<String> = []

        public init() {}
    }

    public let options: Options
    public let remarks: [String]
    private let rows: [String: Int]
    private let finder: NeighbourFinder

    /// The number of words with a vector.
    public var wordCount: Int { finder.table.words.count }
    /// The numbers of a vector.
    public var dimension: Int { finder.table.dimension }

    /// Reads a file: GloVe's text, or word2vec's text or binary format, told apart by its content.
    ///
    /// - Throws: `Failure` with the row, where the file is cut, a row has another dimension or something
    ///   that is no finite number, a word stands twice, or is not UTF-8.
    public init(
        contentsOf path: String,
        options: Options = Options(),
        pool: WorkerPool
    ) throws(Failure) {
        precondition(options.limit > 0)
        let file = try VectorFile(path, limit: options.limit)
        self.options = options
        rows = file.rows
        finder = NeighbourFinder(
            VectorTable(
                words: file.words,
                vectors: file.vectors,
                dimension: file.dimension,
                excluding: options.stopWords
            ),
            count: options.count,
            source: .vectors,
            pool: pool
        )
        remarks = [
            "\(printable(path)) has the nearest of \(file.words.count) words, by vectors of "
                + "\(file.dimension) numbers"
        ]
    }

    public func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]] {
        let table = finder.table
        return finder.candidates(for: sentences, keepsOriginal: options.keepsOriginal) {
            word,
            vector in
            let folded = table.classes.key(of: word)
            guard let row = rows[word] ?? (folded < 0 ? nil : Int(folded)) else { return false }
            vector.update(from: table.vectors.base + row * table.dimension, count: table.dimension)
            return true
        }
    }
}
