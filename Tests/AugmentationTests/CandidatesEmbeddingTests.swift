import Augmentation
import Bert
import Diagnostics
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite("Candidates by a model's own embeddings")
struct CandidatesEmbeddingTests {
    private let folder = CandidateGolden.layout("safetensors_masked_lm")

    /// The cosines of each whole word with the mean of some pieces, without blocks or products.
    private func cosines(_ pieces: [String]) throws -> [(word: String, cosine: Double)] {
        let checkpoint = try Checkpoint.open(folder)
        let table = try checkpoint.tensor(named: "embeddings.word_embeddings.weight")
        let vocabulary = try #require(checkpoint.tokenizer).loadVocabulary()
        let size = table.shape[1]
        func row(_ piece: String) throws -> [Double] {
            let id = Int(try #require(vocabulary.id(of: piece)))
            return table.values[id * size..<(id + 1) * size].map(Double.init)
        }
        var mean = [Double](repeating: 0, count: size)
        for piece in pieces {
            for (index, value) in try row(piece).enumerated() {
                mean[index] += value / Double(pieces.count)
            }
        }
        func product(_ x: [Double], _ y: [Double]) -> Double {
            zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let words = vocabulary.pieces.filter { $0.allSatisfy(\.isLetter) }
        #expect(words.count == 29)
        return try words.map { word in
            let other = try row(word)
            let length = (product(mean, mean) * product(other, other)).squareRoot()
            return (word, product(mean, other) / length)
        }.sorted { $0.1 > $1.1 }
    }

    @Test("The nearest whole words to the mean of a word's pieces")
    func nearest() throws {
        var options = EmbeddingVectors.Options()
        options.count = 6
        options.stopWords = ["the"]
        let finder = try EmbeddingVectors(
            contentsOf: folder,
            options: options,
            pool: WorkerPool(workerCount: 2)
        )
        let words = ["Seas", "sky", "set", "?"]
        let found = finder.candidates(
            for: [CandidateSentence(words: words, wanted: [true, true, true, true])]
        )[0]
        for (index, pieces) in [["sea", "##s"], ["sky"], ["s", "##e", "##t"]].enumerated() {
            let right = try cosines(pieces)
                .filter { $0.word != "the" && $0.word != words[index].lowercased() }.prefix(6)
            let texts = found[index].map { index == 0 ? $0.text.lowercased() : $0.text }
            #expect(texts == right.map(\.word))
            expectClose(
                actual: found[index].map(\.score),
                expected: right.map(\.cosine),
                absolute: 1e-6,
                reason: "cosines of \(words[index])"
            )
        }
        #expect(
            found[0].allSatisfy { $0.source == .embeddings && $0.text.first?.isUppercase == true }
        )
        #expect(found[3].isEmpty, "a word that the vocabulary does not know")
        #expect(finder.remarks.count == 1)
        #expect(finder.remarks[0].contains("by its word embeddings"))
    }

    @Test("Words of one piece are the model's, the others the vectors'")
    func inTurn() throws {
        let pool = WorkerPool(workerCount: 1)
        let masked = try MaskedCandidates(contentsOf: folder, pool: pool)
        let vectors = try EmbeddingVectors(contentsOf: folder, pool: pool)
        let both = ReplacementCandidates([masked, vectors])
        let sentence = CandidateSentence(words: ["the", "seas", "set", "!", "sky", "."])
        let found = both.candidates(for: [sentence])[0]
        #expect(found[0] == masked.candidates(for: [sentence])[0][0])
        #expect(found[1] == vectors.candidates(for: [sentence])[0][1])
        #expect(
            found.map { $0.first?.source } == [
                .masked, .embeddings, .embeddings, nil, .masked, nil,
            ]
        )
        #expect(both.remarks == masked.remarks + vectors.remarks)
    }

    @Test("A folder without a vocabulary is refused")
    func refused() throws {
        try TemporaryFolder.with { copy in
            for name in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    at: folder.appending(path: name),
                    to: copy.appending(path: name)
                )
            }
            let failure = #expect(throws: Failure.self) {
                try EmbeddingVectors(contentsOf: copy, pool: WorkerPool(workerCount: 1))
            }
            #expect(failure?.reason == "the folder has no vocab.txt")
        }
    }
}
