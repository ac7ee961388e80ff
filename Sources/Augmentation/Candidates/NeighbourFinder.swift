import Kernels
import Synchronization

/// Nearest words as candidates, looked for once for each word that texts have.
final class NeighbourFinder: Sendable {
    let table: VectorTable
    let count: Int
    let source: Candidate.Source
    private let pool: WorkerPool
    private let known = Mutex<[String: [VectorTable.Neighbour]]>([:])

    /// Words whose neighbours are kept; beyond, all are forgotten.
    private static let mostKnown = 1 << 17
    /// Words that are looked for at once.
    private static let batchWords = 1 << 12

    init(_ table: VectorTable, count: Int, source: Candidate.Source, pool: WorkerPool) {
        precondition(count > 0)
        (self.table, self.count, self.source, self.pool) = (table, count, source, pool)
    }

    /// - Parameter vector: writes a word's vector, of any length, and tells whether it has one.
    func candidates(
        for sentences: [CandidateSentence],
        keepsOriginal: Bool,
        vector: (String, UnsafeMutablePointer<Float>) -> Bool
    ) -> [[[Candidate]]] {
        var neighbours = known.withLock { known in
            // Moved rather than copied; whoever asks meanwhile looks for all.
            defer { known = [:] }
            return known
        }
        var missing: [String] = []
        for sentence in sentences {
            for (word, isWanted) in zip(sentence.words, sentence.wanted)
            where isWanted && neighbours[word] == nil {
                neighbours[word] = []
                missing.append(word)
            }
        }
        for start in stride(from: 0, to: missing.count, by: Self.batchWords) {
            let words = missing[start..<min(start + Self.batchWords, missing.count)]
            for (word, found) in look(for: words, keepsOriginal, vector) {
                neighbours[word] = found
            }
        }
        known.withLock { $0 = neighbours.count > Self.mostKnown ? [:] : neighbours }
        return sentences.map { sentence in
            zip(sentence.words, sentence.wanted).map { word, isWanted in
                isWanted ? candidates(for: word, neighbours[word] ?? []) : []
            }
        }
    }

    private func candidates(
        for word: String,
        _ neighbours: [VectorTable.Neighbour]
    ) -> [Candidate] {
        let letterCase = LetterCase(word)
        return neighbours.enumerated().map { rank, neighbour in
            Candidate(
                text: letterCase.applied(to: table.words[neighbour.row]),
                rank: rank + 1,
                source: source,
                score: neighbour.cosine
            )
        }
    }

    private func look(
        for words: ArraySlice<String>,
        _ keepsOriginal: Bool,
        _ vector: (String, UnsafeMutablePointer<Float>) -> Bool
    ) -> [(String, [VectorTable.Neighbour])] {
        let dimension = table.dimension
        let memory = FloatBuffer(count: words.count * dimension)
        var found: [String] = []
        for word in words {
            let place = memory.base + found.count * dimension
            if vector(word, place), VectorTable.normalize(place, dimension) { found.append(word) }
        }
        let neighbours = table.nearest(
            to: memory.matrix(rows: found.count, columns: dimension),
            excluding: found.map { keepsOriginal ? -1 : table.classes.key(of: $0) },
            count: count,
            pool: pool
        )
        return Array(zip(found, neighbours))
    }
}
