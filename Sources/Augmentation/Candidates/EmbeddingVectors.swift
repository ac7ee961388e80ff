import Bert
public import Diagnostics
public import Foundation
public import Kernels
import Tensors
import Tokenization

/// Candidates by a model's own word embeddings, for want of a file of vectors: a word of several pieces is
/// the mean of their embeddings, and its candidates are the nearest of the vocabulary's whole words.
public final class EmbeddingVectors: CandidateFinder, Sendable {
    public struct Options: Sendable, Hashable {
        /// The most candidates of a word.
        public var count = 15
        /// Whether a word may be its own candidate.
        public var keepsOriginal = false
        /// Lower-cased words that are never candidates.
        public var stopWords: Set<String> = []

        public init() {}
    }

    public let options: Options
    public let remarks: [String]
    private let tokenizer: WordPieceTokenizer
    /// Of all pieces, `[V, E]`.
    private let embeddings: Tensor
    private let finder: NeighbourFinder

    /// Reads the word embeddings of a model of any layout with a WordPiece vocabulary, and nothing else.
    ///
    /// - Throws: `Failure` where there is no vocabulary, or embeddings that it fits.
    public init(
        contentsOf url: URL,
        options: Options = Options(),
        pool: WorkerPool
    ) throws(Failure) {
        let checkpoint = try Checkpoint.open(url)
        guard let source = checkpoint.tokenizer else {
            throw Failure(.missingInput, url.relativePath, "the folder has no vocab.txt")
        }
        let embeddings = try checkpoint.tensor(named: "embeddings.word_embeddings.weight")
        guard embeddings.shape.rank == 2, embeddings.shape[1] > 0 else {
            throw Failure(
                .badData,
                url.relativePath,
                "the word embeddings have the shape \(embeddings.shape), not that of a table"
            )
        }
        let vocabulary = try source.loadVocabulary(size: embeddings.shape[0])
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: try source.loadConfiguration(vocabulary)
        )
        let dimension = embeddings.shape[1]
        guard embeddings.values.allSatisfy(\.isFinite) else {
            throw Failure(
                .badData,
                url.relativePath,
                "the word embeddings hold a value that is not finite"
            )
        }
        let whole = vocabulary.pieces.indices.filter { vocabulary.pieces[$0].isWordOfLetters }
        let vectors = FloatBuffer(count: whole.count * dimension)
        embeddings.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for (row, piece) in whole.enumerated() {
                (vectors.base + row * dimension).update(
                    from: base + piece * dimension,
                    count: dimension
                )
            }
        }
        (self.options, self.embeddings) = (options, embeddings)
        finder = NeighbourFinder(
            VectorTable(
                words: whole.map { vocabulary.pieces[$0] },
                vectors: vectors,
                dimension: dimension,
                excluding: options.stopWords
            ),
            count: options.count,
            source: .embeddings,
            pool: pool
        )
        remarks = [
            "\(printable(url.relativePath)) has the nearest words, by its word embeddings; a word of "
                + "several pieces is the mean of theirs"
        ]
    }

    public func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]] {
        let dimension = finder.table.dimension
        let unknown = tokenizer.vocabulary.unknown
        return finder.candidates(for: sentences, keepsOriginal: options.keepsOriginal) {
            word,
            vector in
            let encoded = tokenizer.encodeWords([[word]], maximumLength: Int(Int32.max))[0].ids
            let pieces = encoded[1..<encoded.count - 1]
            guard !pieces.isEmpty, !pieces.contains(unknown) else { return false }
            vector.update(repeating: 0, count: dimension)
            embeddings.values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                for piece in pieces {
                    Elementwise.add(vector, base + Int(piece) * dimension, count: dimension)
                }
            }
            return true
        }
    }
}
