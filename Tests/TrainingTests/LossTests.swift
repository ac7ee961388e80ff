import Bert
import Distillation
import Foundation
import TestSupport
import Testing
import Training

/// Losses and their gradients against PyTorch's in double precision.
@Suite struct LossTests {
    struct Measured: Decodable, Sendable {
        let value: Double
        let gradient: [[Double]]
    }
    struct MeasuredScores: Decodable, Sendable {
        let value: Double
        let gradient: [Double]
    }
    struct Classification: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let temperature: Double
        let hardLabelWeight: Double
        let student: [[Float]]
        let teacher: [[Float]]
        let labels: [Int]
        let losses: [String: Measured]
        var testDescription: String { name }

        func loss(hard: Double, scaled: Bool = true) -> SoftTargetLoss {
            SoftTargetLoss(
                teacherLogits: teacher.flatMap { $0 },
                classCount: teacher[0].count,
                isRegression: false,
                temperature: temperature,
                scalesByTemperatureSquared: scaled,
                hardLabelWeight: hard,
                targets: labels.map { Float($0) }
            )
        }
    }
    struct Regression: Decodable, Sendable {
        let hardLabelWeight: Double
        let student: [Float]
        let teacher: [Float]
        let targets: [Float]
        let losses: [String: MeasuredScores]
    }
    struct File: Decodable, Sendable {
        let classification: [Classification]
        let regression: [Regression]
    }

    static let file: File? = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let url = Fixtures.folder.appending(path: "goldens/losses.json")
        return (try? Data(contentsOf: url)).flatMap { try? decoder.decode(File.self, from: $0) }
    }()

    @Test func `the goldens are there`() throws {
        let file = try #require(Self.file)
        #expect(file.classification.count >= 14 && !file.regression.isEmpty)
    }

    @Test(arguments: file?.classification ?? [])
    func `soft targets, gold labels and their mixture are PyTorch's`(_ data: Classification) throws
    {
        let factor = data.temperature * data.temperature
        try expect(data.loss(hard: 0), data, "soft_cross_entropy_times_t2", scale: factor)
        try expect(data.loss(hard: 0, scaled: false), data, "soft_cross_entropy", scale: 1)
        try expect(data.loss(hard: data.hardLabelWeight), data, "mixed", scale: factor)
        try expect(data.loss(hard: 1), data, "cross_entropy", scale: 1)
        try expect(
            CrossEntropyLoss(
                targets: data.labels.map { Float($0) },
                classCount: data.teacher[0].count
            ),
            data,
            "cross_entropy",
            scale: 1
        )
    }

    @Test(arguments: file?.classification ?? [])
    func `the gradient is the divergence's, the value larger by the teacher's entropy`(
        _ data: Classification
    ) throws {
        let factor = data.temperature * data.temperature
        let value = evaluate(data.loss(hard: 0), data)
        let divergence = try #require(data.losses["kl_times_t2"])
        expectGradient(value.gradient.logits, divergence.gradient, factor)
        let entropies = data.teacher.map { row in
            logSoftmax(row[...], temperature: data.temperature).reduce(0) { $0 - exp($1) * $1 }
        }
        let entropy = factor * entropies.reduce(0, +) / Double(entropies.count)
        let difference = abs(value.loss - entropy - divergence.value)
        #expect(difference <= 1e-5 * max(factor, abs(divergence.value)), "\(difference)")
    }

    @Test func `the worked example has its published numbers`() throws {
        let student: [Float] = [1, 2, 0.5, 0.2, -1, 0.3]
        let teacher: [Float] = [2, 3.5, -1, 1.5, -2, 0.1]
        for (temperature, cross, divergence) in [
            (1.0, 0.77291906, 0.21309078), (2.0, 0.96736671, 0.10033618),
            (4.0, 1.05831976, 0.03378703),
        ] {
            let entropies = [teacher[..<3], teacher[3...]].map {
                logSoftmax($0, temperature: temperature).reduce(0) { $0 - exp($1) * $1 }
            }
            for isScaled in [false, true] {
                let factor = isScaled ? temperature * temperature : 1
                let loss = SoftTargetLoss(
                    teacherLogits: teacher,
                    classCount: 3,
                    isRegression: false,
                    temperature: temperature,
                    scalesByTemperatureSquared: isScaled,
                    hardLabelWeight: 0,
                    targets: []
                ).evaluate(logits: student, examples: [0, 1]).loss
                #expect(abs(loss - factor * cross) < 1e-7 * factor)
                let entropy = entropies.reduce(0, +) / 2
                #expect(abs(loss - factor * (divergence + entropy)) < 1e-7 * factor)
            }
        }
    }

    @Test func `rows are those of the examples, in their order`() {
        let loss = SoftTargetLoss(
            teacherLogits: [0, 0, 5, -5, -3, 3],
            classCount: 2,
            isRegression: false,
            temperature: 1,
            hardLabelWeight: 0.5,
            targets: [0, 0, 1]
        )
        let logits: [Float] = [1, -1, 0.5, 2]
        let both = loss.evaluate(logits: logits, examples: [2, 1])
        let alone = [
            loss.evaluate(logits: [1, -1], examples: [2]),
            loss.evaluate(logits: [0.5, 2], examples: [1]),
        ]
        #expect(abs(both.loss - (alone[0].loss + alone[1].loss) / 2) < 1e-12)
        let gradients = alone.flatMap(\.gradient.logits)
        for (found, expected) in zip(both.gradient.logits, gradients) {
            #expect(abs(found - expected / 2) < 1e-7)
        }
        #expect(abs(both.terms.reduce(0) { $0 + $1.value } - both.loss) < 1e-12)
    }

    @Test func `regression mixes the distances to teacher and gold scores`() throws {
        let data = try #require(Self.file?.regression.first)
        func loss(_ hard: Double) -> SoftTargetLoss {
            SoftTargetLoss(
                teacherLogits: data.teacher,
                classCount: 1,
                isRegression: true,
                temperature: 7,
                hardLabelWeight: hard,
                targets: data.targets
            )
        }
        let objectives: [(any Objective, String)] = [
            (loss(0), "teacher_mse"), (loss(1), "target_mse"),
            (loss(data.hardLabelWeight), "mixed"),
            (MeanSquaredError(targets: data.targets), "target_mse"),
        ]
        for (objective, name) in objectives {
            let expected = try #require(data.losses[name])
            let value = objective.evaluate(
                logits: data.student,
                examples: Array(data.student.indices)[...]
            )
            #expect(abs(value.loss - expected.value) <= 1e-6 * expected.value, "\(name)")
            expectClose(
                actual: value.gradient.logits,
                expected: expected.gradient,
                absolute: 1e-6,
                reason: name
            )
        }
    }

    @Test func `log softmax stays finite and sums to one`() {
        for logits in [[1e4, -1e4, 0], [-1e30, 1e30], [5], [88, 89, 90.5]] as [[Float]] {
            for temperature in [0.01, 1, 100] {
                let values = logSoftmax(logits[...], temperature: temperature)
                #expect(values.allSatisfy { $0.isFinite && $0 <= 0 })
                #expect(abs(values.reduce(0) { $0 + exp($1) } - 1) < 1e-12)
            }
        }
    }

    // MARK: Comparison

    private func evaluate(_ objective: any Objective, _ data: Classification) -> ObjectiveValue {
        objective.evaluate(
            logits: data.student.flatMap { $0 },
            examples: Array(data.student.indices)[...]
        )
    }

    private func expect(
        _ objective: any Objective,
        _ data: Classification,
        _ name: String,
        scale: Double
    ) throws {
        let expected = try #require(data.losses[name])
        let value = evaluate(objective, data)
        let allowed = 2e-6 * max(scale, abs(expected.value))
        #expect(abs(value.loss - expected.value) <= allowed, "\(name): \(value.loss)")
        expectGradient(value.gradient.logits, expected.gradient, scale)
    }

    /// The file's logits are rounded to single precision before they get here.
    private func expectGradient(_ found: [Float], _ expected: [[Double]], _ scale: Double) {
        expectClose(
            actual: found,
            expected: expected.flatMap { $0 },
            absolute: 2e-6 * max(1, scale),
            reason: "gradient"
        )
    }

    /// Rows that nobody labelled have the teacher's part of the loss alone.
    @Test func `a row without a label adds nothing to the hard part`() throws {
        let logits: [Float] = [1, 2, 0.5, -1]
        func loss(_ targets: [Float], hard: Double) -> ObjectiveValue {
            SoftTargetLoss(
                teacherLogits: [2, 1, 0, 3],
                classCount: 2,
                isRegression: false,
                temperature: 1,
                hardLabelWeight: hard,
                targets: targets
            ).evaluate(logits: logits, examples: [0, 1])
        }
        let soft = loss([], hard: 0)
        let one = CrossEntropyLoss(targets: [1], classCount: 2)
            .evaluate(logits: Array(logits[..<2]), examples: [0])
        let mixed = loss([1, .nan], hard: 0.25)
        #expect(abs(mixed.loss - (0.75 * soft.loss + 0.25 * one.loss / 2)) < 1e-6)
        for index in 0..<4 {
            let hard = index < 2 ? 0.25 * one.gradient.logits[index] / 2 : 0
            let expected = 0.75 * soft.gradient.logits[index] + hard
            #expect(abs(mixed.gradient.logits[index] - expected) < 1e-6)
        }
        let score = MeanSquaredError(targets: [.nan, 2], mayLackTargets: true)
            .evaluate(logits: [5, 3], examples: [0, 1])
        #expect(score.loss == 0.5 && score.gradient.logits == [0, 1])
        #expect(
            MeanSquaredError(targets: [.nan]).evaluate(logits: [5], examples: [0]).loss.isNaN
        )
    }
}
