import Evaluation
import Foundation
import TestSupport
import Testing

@Suite("Scores of named entities")
struct EntityTests {
    /// Against seqeval; `fixtures/generate/entity_goldens.py` wrote the answers.
    private struct Case: Decodable {
        let name: String
        let truth: [[String]]
        let answers: [[String]]
        let precision: Double
        let recall: Double
        let f1: Double
    }

    private static func cases() throws -> [Case] {
        let url = Fixtures.folder.appending(path: "goldens/entities.json")
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    private static func scores(_ truth: [[String]], _ answers: [[String]]) -> EntityScores {
        let labels = Set((truth + answers).joined()).sorted()
        func classes(_ sentences: [[String]]) -> [Int] {
            sentences.joined().map { labels.firstIndex(of: $0) ?? -1 }
        }
        return EntityScores(
            predictions: classes(answers),
            targets: classes(truth),
            sentences: truth.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) },
            labels: labels
        )
    }

    @Test func `precision, recall and F1 are seqeval's, of broken sequences too`() throws {
        let cases = try Self.cases()
        #expect(cases.count == 9)
        for golden in cases {
            let scores = Self.scores(golden.truth, golden.answers)
            #expect(isClose(scores.precision, golden.precision), "\(golden.name)")
            #expect(isClose(scores.recall, golden.recall), "\(golden.name)")
            #expect(isClose(scores.f1, golden.f1), "\(golden.name)")
        }
    }

    @Test func `an entity does not go on in the next sentence`() {
        let apart = Self.scores([["B-X"], ["I-X"]], [["B-X"], ["I-X"]])
        #expect(apart.actual == 2 && apart.correct == 2)
        let together = Self.scores([["B-X", "I-X"]], [["B-X", "I-X"]])
        #expect(together.actual == 1)
    }

    @Test func `without entities nothing is defined`() {
        let none = Self.scores([["O", "O"]], [["O", "O"]])
        #expect(none.f1 == nil && none.precision == nil && none.recall == nil)
    }

    @Test(arguments: [
        (["O", "B-PER", "I-PER"], true), (["I-a", "S-b", "E-b"], true), (["O"], false),
        (["NOUN", "VERB"], false), (["O", "B-PER", "X"], false), (["O", "B-"], false),
    ])
    func `labels that mark entities are told from others`(_ labels: [String], _ areMarked: Bool) {
        #expect(EntityScores.areMarked(by: labels) == areMarked)
    }
}
