import Augmentation
import Bert
import Diagnostics
import Foundation
import Kernels
import TestSupport
import Testing

/// What `fixtures/generate/candidate_goldens.py` found with the library's own models.
struct CandidateGolden: Decodable {
    struct Case: Decodable {
        let folder: String
        let context: String
        let keepsOriginal: Bool
        let answers: [[[Answer]]]
    }

    struct Answer: Decodable {
        let piece: String
        let probability: Double

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            piece = try values.decode(String.self)
            probability = try values.decode(Double.self)
        }
    }

    let count: Int
    let sentences: [[String]]
    let cases: [Case]

    static func read() throws -> CandidateGolden {
        let url = Fixtures.folder.appending(path: "goldens/candidates.json")
        return try JSONDecoder().decode(CandidateGolden.self, from: Data(contentsOf: url))
    }

    static func layout(_ name: String) -> URL { Fixtures.folder.appending(path: "layouts/\(name)") }

    /// A piece as it has to be written for a word.
    static func written(_ piece: String, for word: String) -> String {
        switch word {
        case "SEA": piece.uppercased()
        case "The", "Z": piece.prefix(1).uppercased() + piece.dropFirst()
        default: piece
        }
    }
}

@Suite("Candidates by a masked language model")
struct CandidatesGoldenTests {
    private func options(
        _ golden: CandidateGolden.Case,
        count: Int
    ) throws -> MaskedCandidates.Options {
        var options = MaskedCandidates.Options()
        options.count = count
        options.context = try #require(MaskedCandidates.Context(rawValue: golden.context))
        options.keepsOriginal = golden.keepsOriginal
        return options
    }

    @Test("Words, order and probabilities are the library's", arguments: [Precision.f32, .bf16])
    func golden(precision: Precision) throws {
        let golden = try CandidateGolden.read()
        let sentences = golden.sentences.map { CandidateSentence(words: $0) }
        let isExact = precision == .f32 || !precision.isAvailable
        for found in golden.cases {
            let finder = try MaskedCandidates(
                contentsOf: CandidateGolden.layout(found.folder),
                options: options(found, count: golden.count),
                pool: WorkerPool(workerCount: 2),
                precision: precision
            )
            let answers = finder.candidates(for: sentences)
            #expect(answers.count == sentences.count)
            for (number, words) in golden.sentences.enumerated() {
                #expect(answers[number].count == words.count)
                for (index, word) in words.enumerated() {
                    let candidates = answers[number][index]
                    let right = found.answers[number][index]
                    let what = "\(found.folder), \(found.context), \(word)"
                    #expect(candidates.map(\.rank) == Array(1..<candidates.count + 1))
                    #expect(candidates.allSatisfy { $0.source == .masked })
                    #expect(candidates.count == right.count, "\(what)")
                    guard candidates.count == right.count, !right.isEmpty else { continue }
                    if isExact {
                        let texts = right.map { CandidateGolden.written($0.piece, for: word) }
                        #expect(candidates.map(\.text) == texts, "\(what)")
                    }
                    // Rounded operands may exchange neighbours, whose probabilities are then close.
                    expectClose(
                        actual: candidates.map(\.score),
                        expected: right.map(\.probability),
                        absolute: 0,
                        relative: isExact ? 2e-5 : 2e-2,
                        reason: "\(what): probabilities in \(precision)"
                    )
                }
            }
        }
    }

    @Test("Any number of workers finds the same, bit by bit")
    func workers() throws {
        let golden = try CandidateGolden.read()
        let sentences = (0..<40).flatMap { _ in golden.sentences }
            .map { CandidateSentence(words: $0) }
        let found = try [1, 2, 3].map { workers in
            try MaskedCandidates(
                contentsOf: CandidateGolden.layout("safetensors_masked_lm"),
                pool: WorkerPool(workerCount: workers)
            ).candidates(for: sentences)
        }
        #expect(found[0] == found[1] && found[0] == found[2])
        #expect(found[0].flatMap(\.self).flatMap(\.self).count > 10_000)
    }

    @Test("Whole words alone are candidates, without stop words and the word itself")
    func permitted() throws {
        var options = MaskedCandidates.Options()
        options.count = 100
        options.stopWords = ["the", "a"]
        let finder = try MaskedCandidates(
            contentsOf: CandidateGolden.layout("safetensors_masked_lm"),
            options: options,
            pool: WorkerPool(workerCount: 1)
        )
        let words = ["The", "sky", "[MASK]", "set", "q", "."]
        let sentence = CandidateSentence(
            words: words,
            wanted: [true, true, true, true, false, true]
        )
        let found = finder.candidates(for: [sentence])[0]
        let letters = Set("bcdefghijklmnopqrstuvwxyz".map(String.init))
        // A stop word that is asked for all the same.
        #expect(Set(found[0].map { $0.text.lowercased() }) == letters.union(["sea", "sky"]))
        #expect(Set(found[1].map(\.text)) == letters.union(["sea"]))
        #expect(found[2].isEmpty && found[3].isEmpty && found[4].isEmpty)
        // The point is a piece, though no word of letters, and may be asked for.
        #expect(Set(found[5].map(\.text)) == letters.union(["sea", "sky"]))
        #expect(found[1].reduce(0) { $0 + $1.score } < 1)
    }

    @Test("What words of a sentence are wanted")
    func wanted() {
        let sentence = CandidateSentence(
            words: ["It", "isn't", "a", "Great", "film", "2", "café", "!", ""],
            excluding: StopWords.english
        )
        #expect(
            sentence.wanted == [false, false, false, true, true, false, true, false, false]
        )
        #expect(StopWords.english.allSatisfy { $0 == $0.lowercased() && !$0.isEmpty })
    }

    @Test("A model without the head is refused in one sentence")
    func headless() throws {
        let failure = #expect(throws: Failure.self) {
            try MaskedCandidates(
                contentsOf: CandidateGolden.layout("safetensors"),
                pool: WorkerPool(workerCount: 1)
            )
        }
        #expect(
            failure?.reason
                == "a masked-language-model head is needed, and the model has a "
                + "sequence-classification head"
        )
    }

    @Test("A vocabulary without a mask, and a length without room, are refused")
    func useless() throws {
        let golden = CandidateGolden.layout("safetensors_masked_lm")
        var options = MaskedCandidates.Options()
        options.maximumLength = 4
        let short = #expect(throws: Failure.self) {
            try MaskedCandidates(
                contentsOf: golden,
                options: options,
                pool: WorkerPool(workerCount: 1)
            )
        }
        #expect(short?.reason == "a sequence of 4 tokens has no room for a word to be masked")
        options.context = .none
        let alone = try MaskedCandidates(
            contentsOf: golden,
            options: options,
            pool: WorkerPool(workerCount: 1)
        )
        let found = alone.candidates(for: [CandidateSentence(words: ["sky", "sea", "z"])])
        #expect(found[0].allSatisfy { $0.count == 15 })

        try TemporaryFolder.with { folder in
            for name in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    at: golden.appending(path: name),
                    to: folder.appending(path: name)
                )
            }
            let vocabulary = try String(
                contentsOf: golden.appending(path: "vocab.txt"),
                encoding: .utf8
            )
            try vocabulary.replacing("[MASK]", with: "[unused1]")
                .write(to: folder.appending(path: "vocab.txt"), atomically: true, encoding: .utf8)
            let failure = #expect(throws: Failure.self) {
                try MaskedCandidates(contentsOf: folder, pool: WorkerPool(workerCount: 1))
            }
            #expect(failure?.reason.contains("no [MASK]") == true)
        }
    }
}

enum TemporaryFolder {
    static func with(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }
}
