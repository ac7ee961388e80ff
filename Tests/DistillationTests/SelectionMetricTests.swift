import Datasets
import Diagnostics
import Distillation
import Foundation
import Testing
import Training

@Suite("What decides which weights are kept")
struct SelectionMetricTests {
    private let kind = TaskKind.classification(labels: ["a", "b"])
    // Answers b, b, a, a, b to a, b, a, b, b; the teacher answers b, b, b, a, b.
    private let logits: [Float] = [0, 1, 0, 2, 3, 0, 1, 0, 0, 1]
    private let teacher: [Float] = [0, 1, 0, 2, 0, 3, 1, 0, 0, 1]
    private let targets: [Float] = [0, 1, 0, 1, 1]

    private func score(_ metric: SelectionMetric) -> DevelopmentScore {
        DevelopmentScore(
            metric,
            logits: logits,
            targets: targets,
            kind: kind,
            teacherLogits: teacher
        )
    }

    @Test("measures of classes, worked out by hand")
    func classes() {
        #expect(score(.accuracy).value == 0.6)
        // b: 2 right, 1 wrongly answered, 1 missed.
        #expect(abs(score(.f1).value - 4.0 / 6) < 1e-12)
        #expect(abs(score(.macroF1).value - (4.0 / 6 + 2.0 / 4) / 2) < 1e-12)
        #expect(score(.agreement).value == 0.8)
        // Of one row alone, with p = (1, e³)/(1 + e³): Σ p (log p − log q) = 3 (e³ − 1)/(1 + e³).
        let divergence = 3 * (exp(3.0) - 1) / (1 + exp(3.0)) / 5
        #expect(abs(score(.divergence).value - divergence) < 1e-6)
        #expect(score(.crossEntropy).value == score(.accuracy).loss)
    }

    @Test("measures of scores, worked out by hand")
    func scores() {
        func value(_ metric: SelectionMetric) -> Double {
            DevelopmentScore(
                metric,
                logits: [1, 2, 4],
                targets: [1, 3, 4],
                kind: .regression
            ).value
        }
        #expect(abs(value(.meanSquaredError) - 1.0 / 3) < 1e-12)
        #expect(abs(value(.spearman) - 1) < 1e-12)
        #expect(abs(value(.pearson) - 13.0 / 14) < 1e-12)
    }

    @Test("of divergences the smaller is better, and the loss decides between equals")
    func direction() {
        let (small, large) = (score(.divergence), score(.divergence))
        var worse = large
        worse.value += 1
        #expect(small.isBetter(than: worse) && !worse.isBetter(than: small))
        var better = score(.accuracy)
        better.value += 0.1
        #expect(better.isBetter(than: score(.accuracy)))
        var closer = small
        closer.loss -= 0.1
        #expect(closer.isBetter(than: small))
    }

    @Test(
        "a measure of another task, or without a teacher, is refused with those that are possible",
        arguments: [
            (SelectionMetric.pearson, false, true, "pearson does not measure classes"),
            (.accuracy, true, true, "accuracy does not measure scores. Choose one of pearson"),
            (.divergence, true, true, "kl does not measure scores"),
            (.divergence, false, false, "kl compares with a teacher, and there is none"),
        ]
    )
    func refusals(
        _ metric: SelectionMetric,
        _ isRegression: Bool,
        _ hasTeacher: Bool,
        _ sentence: String
    ) {
        let failure = #expect(throws: Failure.self) {
            try metric.check(isRegression ? .regression : kind, hasTeacher: hasTeacher)
        }
        #expect(failure?.description.contains(sentence) == true, "\(failure?.description ?? "")")
    }

    @Test("the common measure of every task is possible")
    func standard() throws {
        for kind in [kind, .regression] {
            try SelectionMetric.standard(for: kind).check(kind, hasTeacher: false)
        }
    }
}
