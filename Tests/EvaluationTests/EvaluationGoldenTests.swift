import Evaluation
import Foundation
import TestSupport
import Testing

/// Against numpy, scipy and scikit-learn; `fixtures/generate/evaluation_goldens.py` wrote the answers.
struct EvaluationGoldens: Decodable {
    struct Calibrated: Decodable {
        var name: String
        var classCount: Int
        var binCount: Int
        var logits: [Float]
        var targets: [Int]
        var brier: Double
        var temperature: Double
        var expectedError: Double
        var precision: [Double]
        var recall: [Double]
        var f1: [Double]
        var support: [Int]
        var microF1: Double
    }
    struct Distances: Decodable {
        var name: String
        var classCount: Int
        var temperature: Double
        var teacher: [Float]
        var student: [Float]
        var kl: [Double]
        var reverseKL: [Double]
        var jensenShannon: [Double]
        var totalVariation: [Double]
    }
    struct Test: Decodable {
        var first: Int
        var second: Int
        var pValue: Double
    }
    struct Similarity: Decodable {
        var name: String
        var first: [Float]
        var firstWidth: Int
        var second: [Float]
        var secondWidth: Int
        var alignment: Double
        var cosine: Double?
    }
    struct Attention: Decodable {
        var lengths: [Int]
        var teacherHeads: Int
        var studentHeads: Int
        var teacher: [Float]
        var student: [Float]
        var kl: Double
    }
    struct Percentiles: Decodable {
        var values: [Double]
        var shares: [Double]
        var percentiles: [Double]
    }
    var calibration: [Calibrated]
    var divergences: [Distances]
    var mcNemar: [Test]
    var similarity: [Similarity]
    var attention: [Attention]
    var percentiles: Percentiles

    static func read() throws -> EvaluationGoldens {
        let url = Fixtures.folder.appending(path: "goldens/evaluation.json")
        return try JSONDecoder().decode(EvaluationGoldens.self, from: Data(contentsOf: url))
    }
}

@Suite struct EvaluationGoldenTests {
    @Test func `calibration and classes equal scikit-learn's`() throws {
        let cases = try EvaluationGoldens.read().calibration
        #expect(cases.count == 4)
        for golden in cases {
            let calibration = Calibration(
                golden.logits,
                targets: golden.targets,
                classCount: golden.classCount,
                binCount: golden.binCount
            )
            #expect(isClose(calibration.brier, golden.brier), "\(golden.name)")
            #expect(isClose(calibration.expectedError, golden.expectedError), "\(golden.name)")
            #expect(isClose(calibration.temperature, golden.temperature), "\(golden.name)")
            #expect(calibration.bins.reduce(0) { $0 + $1.count } == golden.targets.count)
            let matrix = ConfusionMatrix(
                predictions: LogitMetrics.topClasses(golden.logits, classCount: golden.classCount),
                targets: golden.targets,
                classCount: golden.classCount
            )
            #expect(isClose(matrix.microF1, golden.microF1))
            for label in 0..<golden.classCount {
                // Where scikit-learn was told to say 0, nothing divides.
                #expect(isClose(matrix.precision(of: label) ?? 0, golden.precision[label]))
                #expect(isClose(matrix.recall(of: label) ?? 0, golden.recall[label]))
                #expect(isClose(matrix.f1(of: label) ?? 0, golden.f1[label]))
                #expect(matrix.actual(label) == golden.support[label])
            }
        }
    }

    @Test func `divergences equal scipy's`() throws {
        let cases = try EvaluationGoldens.read().divergences
        #expect(cases.count == 3)
        for golden in cases {
            let examples = Divergences.ofExamples(
                teacher: golden.teacher,
                student: golden.student,
                classCount: golden.classCount,
                temperature: golden.temperature
            )
            #expect(examples.count == golden.kl.count)
            for (index, divergences) in examples.enumerated() {
                #expect(isClose(divergences.kl, golden.kl[index]), "\(golden.name)")
                #expect(isClose(divergences.reverseKL, golden.reverseKL[index]), "\(golden.name)")
                #expect(
                    isClose(divergences.jensenShannon, golden.jensenShannon[index]),
                    "\(golden.name)"
                )
                #expect(isClose(divergences.totalVariation, golden.totalVariation[index]))
            }
        }
    }

    @Test func `McNemar's exact test is the binomial one`() throws {
        let cases = try EvaluationGoldens.read().mcNemar
        #expect(cases.count == 9)
        for golden in cases {
            let test = McNemar(onlyFirstRight: golden.first, onlySecondRight: golden.second)
            // Relative: a p-value of 1e-18 has digits too.
            #expect(abs(test.pValue - golden.pValue) <= 1e-9 * golden.pValue, "\(golden)")
        }
    }

    @Test func `alignment and cosine are numpy's`() throws {
        let cases = try EvaluationGoldens.read().similarity
        #expect(cases.count == 3)
        for golden in cases {
            let first = InnerProducts(golden.first, width: golden.firstWidth)
            let second = InnerProducts(golden.second, width: golden.secondWidth)
            #expect(isClose(first.alignment(second), golden.alignment), "\(golden.name)")
            #expect(isClose(second.alignment(first), golden.alignment), "\(golden.name)")
            guard let cosine = golden.cosine else { continue }
            let own = LayerComparison.meanCosine(
                golden.first,
                golden.second,
                width: golden.firstWidth
            )
            #expect(isClose(own, cosine), "\(golden.name)")
        }
        #expect(isClose(cases[0].alignment, 1) || abs(cases[0].alignment - 1) < 1e-5)
    }

    @Test func `the divergence of attentions is of means over heads`() throws {
        let cases = try EvaluationGoldens.read().attention
        #expect(cases.count == 2)
        for golden in cases {
            let value = LayerComparison.attentionKL(
                teacher: golden.teacher,
                heads: golden.teacherHeads,
                student: golden.student,
                heads: golden.studentHeads,
                lengths: golden.lengths
            )
            #expect(isClose(value, golden.kl))
        }
    }

    @Test func `percentiles are numpy's`() throws {
        let golden = try EvaluationGoldens.read().percentiles
        let sorted = golden.values.sorted()
        for (share, expected) in zip(golden.shares, golden.percentiles) {
            #expect(isClose(Bootstrap.percentile(sorted, share), expected))
        }
    }
}

@Suite struct ResamplingTests {
    @Test func `an interval is that of the normal approximation`() throws {
        // 300 of 400 right: a standard error of 0.02165.
        let right = (0..<400).map { $0 < 300 ? 1.0 : 0.0 }
        var means: [Double?] = []
        Bootstrap(resamples: 4000, seed: 7).forEachResample(of: 400) { drawn in
            #expect(drawn.count == 400)
            means.append(drawn.reduce(0) { $0 + right[$1] } / 400)
        }
        let interval = try #require(Bootstrap.interval(means))
        #expect(abs(interval.low - (0.75 - 1.96 * 0.02165)) < 0.004)
        #expect(abs(interval.high - (0.75 + 1.96 * 0.02165)) < 0.004)
        #expect(Bootstrap.interval(means + [nil]) == nil && Bootstrap.interval([]) == nil)
    }

    @Test func `every example is drawn, as often as the others`() {
        var counts = [Int](repeating: 0, count: 7)
        Bootstrap(resamples: 7000, seed: 1).forEachResample(of: 7) { drawn in
            for index in drawn { counts[index] += 1 }
        }
        // 7,000 each, with a standard deviation of 77.
        #expect(counts.allSatisfy { abs($0 - 7000) < 400 }, "\(counts)")
    }

    @Test func `a seed gives the same draws, another seed others`() {
        func draws(_ seed: UInt64) -> [[Int]] {
            var all: [[Int]] = []
            Bootstrap(resamples: 3, seed: seed).forEachResample(of: 20) { all.append($0) }
            return all
        }
        #expect(draws(5) == draws(5) && draws(5) != draws(6))
    }
}

@Suite struct CalibrationEdgeTests {
    @Test func `no temperature calibrates what is always right, or always wrong`() {
        let logits: [Float] = [3, 0, 0, 2]
        #expect(Calibration(logits, targets: [0, 1], classCount: 2).temperature == nil)
        #expect(Calibration(logits, targets: [1, 0], classCount: 2).temperature == nil)
    }

    @Test func `one example makes one bin`() {
        let one = Calibration([0, 0], targets: [1], classCount: 2)
        #expect(one.bins.count == 1 && one.bins[0].confidence == 0.5 && one.bins[0].accuracy == 0)
        #expect(one.expectedError == 0.5 && one.brier == 0.25)
    }
}

@Suite struct LabelOrderTests {
    /// All of 0...5 in every order, by brute force.
    private func bestByTrying(_ matrix: ConfusionMatrix) -> Int {
        var best = 0
        func extend(_ order: [Int], _ right: Int) {
            guard order.count < matrix.classCount else {
                best = max(best, right)
                return
            }
            for label in 0..<matrix.classCount where !order.contains(label) {
                extend(
                    order + [label],
                    right + matrix.counts[label * matrix.classCount + order.count]
                )
            }
        }
        extend([], 0)
        return best
    }

    @Test func `the assignment is the best there is`() {
        var generator = SeededGenerator(state: 3)
        for count in 1...6 {
            for _ in 0..<20 {
                let targets = (0..<50).map { _ in Int.random(in: 0..<count, using: &generator) }
                let answers = (0..<50).map { _ in Int.random(in: 0..<count, using: &generator) }
                let matrix = ConfusionMatrix(
                    predictions: answers,
                    targets: targets,
                    classCount: count
                )
                let order = LabelOrder.best(matrix)
                #expect(order.sorted() == Array(0..<count))
                let right = order.enumerated().reduce(0) {
                    $0 + matrix.counts[$1.element * count + $1.offset]
                }
                #expect(right == bestByTrying(matrix))
            }
        }
    }

    @Test func `exchanged labels are named, chance and few examples are not`() throws {
        let targets = (0..<60).map { $0 % 3 }
        let rotated = targets.map { ($0 + 1) % 3 }
        let better = try #require(LabelOrder.betterOrder(rotated, targets, classCount: 3))
        #expect(better.order == [2, 0, 1] && better.accuracy == 1)
        #expect(LabelOrder.betterOrder(targets, targets, classCount: 3) == nil)
        #expect(LabelOrder.betterOrder([1], [0], classCount: 2) == nil)
        #expect(LabelOrder.betterOrder([1, 1, 0, 1], [0, 0, 1, 1], classCount: 2) == nil)
        // 19 points better is not enough.
        let most = (0..<100).map { $0 < 59 ? 1 : 0 }
        #expect(LabelOrder.betterOrder(most, Array(repeating: 0, count: 100), classCount: 2) == nil)
    }
}
