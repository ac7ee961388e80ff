import Bert
import Evaluation
import Foundation
import TestSupport
import Testing

/// Against scikit-learn and scipy; `fixtures/generate/metrics_goldens.py` wrote the answers.
struct MetricsGoldens: Decodable {
    struct Classification: Decodable {
        var name: String
        var classCount: Int
        var targets: [Int]
        var predictions: [Int]
        var accuracy: Double
        var binaryF1: Double?
        var macroF1: Double
        var matthews: Double
    }
    struct Logits: Decodable {
        var name: String
        var classCount: Int
        var teacher: [Float]
        var student: [Float]
        var targets: [Int]
        var temperatures: [Double]
        var meanKL: [Double]
        var crossEntropy: Double
        var agreement: Double
    }
    struct Scores: Decodable {
        var name: String
        var x: [Double]
        var y: [Double]
        var pearson: Double
        var spearman: Double
        var meanSquaredError: Double
    }
    var classification: [Classification]
    var logits: [Logits]
    var scores: [Scores]

    static func read() throws -> MetricsGoldens {
        let url = Fixtures.folder.appending(path: "goldens/metrics.json")
        return try JSONDecoder().decode(MetricsGoldens.self, from: Data(contentsOf: url))
    }
}

/// Within 1e-9, relative for values above one.
func isClose(_ value: Double?, _ expected: Double) -> Bool {
    guard let value else { return false }
    return abs(value - expected) <= 1e-9 * max(1, abs(expected))
}

@Suite struct MetricsTests {
    @Test func `class measures equal scikit-learn's`() throws {
        let cases = try MetricsGoldens.read().classification
        #expect(cases.count == 7)
        for golden in cases {
            let matrix = ConfusionMatrix(
                predictions: golden.predictions,
                targets: golden.targets,
                classCount: golden.classCount
            )
            #expect(isClose(matrix.accuracy, golden.accuracy), "\(golden.name)")
            #expect(isClose(matrix.macroF1, golden.macroF1), "\(golden.name)")
            #expect(isClose(matrix.matthews, golden.matthews), "\(golden.name)")
            if let binaryF1 = golden.binaryF1 {
                #expect(isClose(matrix.f1(of: 1), binaryF1), "\(golden.name)")
            }
        }
    }

    @Test func `logit measures equal scipy's`() throws {
        let cases = try MetricsGoldens.read().logits
        #expect(cases.count == 4)
        for golden in cases {
            for (temperature, expected) in zip(golden.temperatures, golden.meanKL) {
                let value = LogitMetrics.meanKL(
                    teacher: golden.teacher,
                    student: golden.student,
                    classCount: golden.classCount,
                    temperature: temperature
                )
                #expect(isClose(value, expected), "\(golden.name) at T = \(temperature)")
            }
            let entropy = LogitMetrics.crossEntropy(
                golden.student,
                targets: golden.targets,
                classCount: golden.classCount
            )
            #expect(isClose(entropy, golden.crossEntropy), "\(golden.name)")
            let agreement = LogitMetrics.agreement(
                golden.teacher,
                golden.student,
                classCount: golden.classCount
            )
            #expect(isClose(agreement, golden.agreement), "\(golden.name)")
        }
    }

    @Test func `score measures equal scipy's`() throws {
        let cases = try MetricsGoldens.read().scores
        #expect(cases.count == 4)
        for golden in cases {
            #expect(isClose(Regression.pearson(golden.x, golden.y), golden.pearson))
            #expect(isClose(Regression.spearman(golden.x, golden.y), golden.spearman))
            #expect(
                isClose(Regression.meanSquaredError(golden.x, golden.y), golden.meanSquaredError)
            )
        }
    }
}

@Suite struct MetricsEdgeTests {
    private func matrix(_ predictions: [Int], _ targets: [Int], _ count: Int) -> ConfusionMatrix {
        ConfusionMatrix(predictions: predictions, targets: targets, classCount: count)
    }

    @Test func `without examples everything is undefined`() {
        let empty = matrix([], [], 3)
        #expect(empty.accuracy == nil && empty.macroF1 == nil && empty.matthews == nil)
        #expect(empty.f1(of: 0) == nil)
        #expect(Regression.meanSquaredError([], []) == nil)
        #expect(Regression.pearson([], []) == nil && Regression.spearman([], []) == nil)
        #expect(LogitMetrics.crossEntropy([], targets: [], classCount: 2) == nil)
        #expect(LogitMetrics.agreement([], [], classCount: 2) == nil)
        #expect(
            LogitMetrics.meanKL(teacher: [], student: [], classCount: 2, temperature: 1) == nil
        )
    }

    @Test func `one class only`() {
        let onlyZero = matrix([0, 0, 0], [0, 0, 0], 2)
        #expect(onlyZero.accuracy == 1 && onlyZero.matthews == 0)
        #expect(onlyZero.f1(of: 0) == 1 && onlyZero.f1(of: 1) == nil && onlyZero.macroF1 == 1)
        let missed = matrix([0, 0, 0], [1, 1, 1], 2)
        #expect(missed.f1(of: 1) == 0 && missed.f1(of: 0) == 0 && missed.matthews == 0)
    }

    @Test func `counts are kept by true and answered class`() {
        let mixed = matrix([0, 1, 1, 2, 0], [0, 0, 1, 2, 2], 3)
        #expect(mixed.counts == [1, 1, 0, 0, 1, 0, 1, 0, 1])
        #expect(mixed.actual(0) == 2 && mixed.answered(1) == 2 && mixed.correct == 3)
    }

    @Test func `a side that does not vary has no correlation`() {
        let constant = [Double](repeating: 0.1, count: 10)
        let line = (0..<10).map { Double($0) }
        #expect(Regression.pearson(constant, line) == nil)
        #expect(Regression.spearman(line, constant) == nil)
        #expect(Regression.pearson([1], [2]) == nil)
        #expect(Regression.pearson([1, .nan], [1, 2]) == nil)
        #expect(Regression.spearman([1, 2], [1, .infinity]) == nil)
        #expect(Regression.pearson(line, line) == 1)
        #expect(Regression.spearman(line, line.map { -$0 * $0 }) == -1)
    }

    @Test func `the first of equal logits is the answer`() {
        #expect(LogitMetrics.topClasses([1, 1, 0, 0, 2, 2], classCount: 3) == [0, 1])
        #expect(LogitMetrics.topClasses([-.infinity, -5], classCount: 2) == [1])
    }

    @Test func `a probability of zero on either side has a meaning`() {
        func kl(_ teacher: [Float], _ student: [Float], _ temperature: Double = 1) -> Double? {
            LogitMetrics.meanKL(
                teacher: teacher,
                student: student,
                classCount: 2,
                temperature: temperature
            )
        }
        // The teacher is certain: log 2 to a student that is undecided.
        #expect(isClose(kl([0, -.infinity], [0, 0]), log(2)))
        #expect(kl([0, 0], [0, -.infinity]) == .infinity)
        #expect(kl([0, -.infinity], [0, -.infinity]) == 0)
        // Logits so far apart that the probability underflows: the logarithm does not.
        #expect(isClose(kl([0, 0], [0, -10_000]), 5_000 - log(2)))
        #expect(kl([0.3, -0.7], [0.3, -0.7], 3) == 0)
        // Only differences of logits count.
        #expect(isClose(kl([100, 101], [0, 3]), kl([0, 1], [-7, -4]) ?? -1))
    }

    @Test func `the cross-entropy of certainty is stable`() {
        #expect(LogitMetrics.crossEntropy([1e4, -1e4], targets: [0], classCount: 2) == 0)
        #expect(LogitMetrics.crossEntropy([1e4, -1e4], targets: [1], classCount: 2) == 2e4)
        let chance = LogitMetrics.crossEntropy([7, 7, 7], targets: [2], classCount: 3)
        #expect(isClose(chance, log(3)))
    }

    /// The papers' figures for sequences of 128 tokens, in billions.
    @Test(arguments: [
        (12, 768, 3072, 22.35), (6, 768, 3072, 11.17), (4, 768, 3072, 7.45), (4, 512, 2048, 3.36),
        (4, 312, 1200, 1.25),
    ])
    func `operations equal the papers' counts`(l: Int, d: Int, f: Int, billions: Double) {
        let perToken = EncoderCost.operationsPerToken(encoder(l, d, f), meanLength: 128)
        #expect(abs(perToken * 128 / 1e9 - billions) < 0.005)
    }

    @Test func `a pruned head's products are not counted`() {
        let whole = encoder(3, 8, 5)
        var pruned = whole
        pruned.prunedHeads = [1: [0, 3]]
        let lost =
            EncoderCost.operationsPerToken(whole, meanLength: 10)
            - EncoderCost.operationsPerToken(pruned, meanLength: 10)
        // Four numbers of a token's queries, keys, values and context.
        #expect(lost == 2 * 4 * 8 * 4 + 4 * 10 * 4)
    }

    /// An encoder of four heads.
    private func encoder(_ layers: Int, _ hidden: Int, _ intermediate: Int) -> BertConfiguration {
        BertConfiguration(
            hiddenSize: hidden,
            hiddenLayerCount: layers,
            attentionHeadCount: 4,
            intermediateSize: intermediate,
            vocabularySize: 9,
            maximumPositionCount: 9,
            tokenTypeCount: 2,
            layerNormEpsilon: 1e-12,
            activation: .gelu,
            hiddenDropoutProbability: 0,
            attentionDropoutProbability: 0,
            classifierDropout: nil,
            initializerRange: 0.02,
            padTokenID: 0,
            labels: ["a", "b"],
            problemType: .classification
        )
    }
}
