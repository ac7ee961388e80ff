import Datasets
import Diagnostics
import Foundation
import Kernels
import Tagging
import TestSupport
import Testing

/// What `fixtures/generate/tagger_golden.py` learns from the same sentences.
private struct TaggerGolden: Decodable {
    struct Sentence: Decodable {
        var words: [String]
        var tags: [String]
    }

    var epochs: Int
    var seed: UInt64
    var errors: [Int]
    var words: Int
    var features: [String]
    var held: [Sentence]

    init() throws {
        let url = Fixtures.folder.appending(path: "goldens/tagger.json")
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
    }
}

@Suite("Training a tagger")
struct TrainingTests {
    private let sample = Fixtures.folder.appending(path: "words/sample.conllu")

    private func sentences() throws -> TaggedSentences {
        try TaggedSentences(WordFile(contentsOf: sample))
    }

    @Test func `errors, mean weights and tags are those of a perceptron written for clearness`()
        throws
    {
        let golden = try TaggerGolden()
        var training = try PerceptronTraining(sentences(), seed: golden.seed, name: "sample")
        let errors = (0..<golden.epochs).map { _ in training.runEpoch() }
        #expect(errors == golden.errors)
        #expect(training.epoch == golden.epochs)
        let tagger = training.tagger()
        #expect(tagger.wordCount == golden.words)
        let features = tagger.weightRows.map { row in
            row.map { "\($0.tag)\($0.weight < 0 ? "" : "+")\($0.weight)" }.joined(separator: " ")
        }
        #expect(features.sorted() == golden.features)
        for sentence in golden.held {
            #expect(tagger.tags(of: sentence.words).map(\.name) == sentence.tags)
        }
    }

    @Test func `the same seed gives the same file, another one another`() throws {
        func bytes(_ seed: UInt64) throws -> [UInt8] {
            var training = try PerceptronTraining(sentences(), seed: seed, name: "sample")
            _ = training.runEpoch()
            _ = training.runEpoch()
            return training.tagger().fileBytes
        }
        #expect(try bytes(3) == bytes(3))
        #expect(try bytes(3) != bytes(4))
    }

    @Test func `words between brackets, ranges and empty nodes are read as CoNLL-U has them`()
        throws
    {
        let sentences = try sentences()
        #expect(sentences.count == 25)
        #expect(
            sentences.words[..<12].joined(separator: " ")
                == "The old ferry crosses the bay twice a day . Anna does"
        )
        #expect(sentences.tags[10] == .properNoun && sentences.tags[11] == .auxiliary)
        let numbers = sentences.words.indices.filter { sentences.tags[$0] == .numeral }
        #expect(numbers.map { sentences.words[$0] } == ["7:45", "two", "12", "9", "2", "One"])
    }

    @Test func `tags of another set are refused with the line and the tag`() throws {
        func failure(_ text: String, _ options: TaskFile.Options = .init()) throws -> String {
            let file = try WordFile(bytes: Array(text.utf8), name: "words.txt", options: options)
            return try #require(throws: Failure.self) { try TaggedSentences(file) }.description
        }
        let columns = "The\tDET\tDT\nsky\tNOUN\tNN\n\nIt\tPRON\tPRP\n\n"
        let penn = try failure(columns)
        #expect(
            penn.hasPrefix("words.txt: line 1: 'DT' is no Universal part of speech; those are ADJ,")
        )
        #expect(
            penn.hasSuffix(
                "X. Choose the column that has them with --label-column, or give CoNLL-U."
            )
        )
        #expect(try failure("The/DET sky/NOUN\nis/VBZ blue/ADJ\n").contains("line 2: 'VBZ' is no"))
        #expect(try failure("The/det sky/NOUN\n").contains("'det' is no"))
        let label = ColumnSelection(label: .index(1))
        let universal = try WordFile(
            bytes: Array(columns.utf8),
            name: "words.txt",
            options: TaskFile.Options(columns: label)
        )
        #expect(try TaggedSentences(universal).tags == [.determiner, .noun, .pronoun])
        let plain = TaskFile.Options(labels: .ignored)
        #expect(
            try failure(columns, plain)
                == "words.txt: its words have no tags. Give CoNLL-U, columns of words and tags, or lines of word/TAG."
        )
    }

    @Test func `one tag alone is nothing to learn from`() throws {
        let same = TaggedSentences(words: ["a", "b"], offsets: [0, 2], tags: [.noun, .noun])
        let failure = try #require(throws: Failure.self) {
            try PerceptronTraining(same, name: "same.txt")
        }
        #expect(
            failure.description
                == "same.txt: every word has the tag NOUN; a tagger needs two at least."
        )
    }

    @Test func `nothing, one word and punctuation alone are tagged`() throws {
        let tagger = PerceptronTagger.english
        #expect(tagger.tags(of: [String]()).isEmpty)
        #expect(tagger.tags(of: [""]).count == 1)
        #expect(tagger.tags(of: ["."]) == [.punctuation])
        #expect(
            tagger.tags(of: ["...", "!", "?!", "\"", "-LRB-"])
                == [PartOfSpeech](repeating: .punctuation, count: 5)
        )
        #expect(tagger.tags(of: ["Paris"]) == [.properNoun])
        let long = String(repeating: "é", count: 100_000)
        #expect(tagger.tags(of: [long, "\u{0}", "👩‍🚀"]).count == 3)
    }

    @Test func `any number of workers gives the tags of one sentence after another`() throws {
        let sentences = try sentences()
        let words = (0..<20).flatMap { _ in sentences.words }
        let offsets =
            [0]
            + (0..<20).flatMap { turn in
                sentences.offsets.dropFirst().map { $0 + turn * sentences.words.count }
            }
        let tagger = PerceptronTagger.english
        let expected = zip(offsets, offsets.dropFirst()).flatMap { tagger.tags(of: words[$0..<$1]) }
        for workers in [1, 3] {
            let pool = WorkerPool(workerCount: workers)
            #expect(tagger.tags(of: words, offsets: offsets, pool: pool) == expected)
        }
        let right = zip(expected, sentences.tags).count { $0 == $1 }
        // By hand, and in another style than the treebank's: not all agree.
        #expect(Double(right) > 0.9 * Double(sentences.words.count))
    }

    @Test func `scores are counted from pairs of tags`() {
        let scores = TaggingScores(
            given: [.noun, .noun, .verb, .verb, .adjective],
            right: [.noun, .verb, .verb, .noun, .noun],
            isKnown: [true, true, true, false, false]
        )
        #expect(scores.accuracy == 0.4 && scores.wordCount == 5)
        #expect(scores.knownAccuracy == 2.0 / 3 && scores.unknownAccuracy == 0)
        #expect(scores.unknownWordCount == 2)
        #expect(scores.support(.noun) == 3 && scores.given(.noun) == 2)
        #expect(scores.precision(.noun) == 0.5 && scores.recall(.noun) == 1.0 / 3)
        #expect(scores.f1(.noun) == 0.4)
        #expect(scores.recall(.adjective).isNaN && scores.precision(.adjective) == 0)
        let error = scores.mostFrequentError(.noun)
        #expect(error?.given == .adjective && error?.count == 1)
        #expect(scores.mostFrequentError(.adjective) == nil)
    }
}
