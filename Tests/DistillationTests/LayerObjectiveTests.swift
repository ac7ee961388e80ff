import Bert
import Distillation
import Kernels
import Randomness
import TestSupport
import Testing
import Training

/// Losses between intermediate outputs: PyTorch's values and gradients, and finite differences.
@Suite struct LayerObjectiveTests {
    @Test func `the goldens are there`() throws {
        let file = try #require(LayerGolden.file)
        #expect(file.cases.count >= 28)
    }

    @Test(arguments: LayerGolden.file?.cases ?? [])
    func `value and gradients are PyTorch's`(_ data: LayerGolden.Case) throws {
        let file = try #require(LayerGolden.file)
        let teacher = LayerGolden.teacherConfiguration(data)
        let objective = LayerGolden.objective(data)
        try objective.check(student: LayerGolden.studentConfiguration, teacher: teacher)
        let bench = Bench(
            lengths: file.lengths,
            objective,
            student: LayerGolden.studentConfiguration,
            teacher: teacher
        )
        var expected = file.teacher
        if teacher.hiddenSize == 12 {
            expected["hidden.0"] = file.teacher["narrow.0"]
            expected["hidden.2"] = file.teacher["narrow.2"]
        }
        if teacher.attentionHeadCount == 4 { expected["scores"] = file.teacher["scores4"] }
        bench.fill(bench.student, from: file.student)
        bench.fill(bench.teacher, from: expected)
        for (index, specification) in bench.auxiliary.specifications.enumerated() {
            let linear = bench.auxiliary.linear(index)
            for (element, value) in file.weights[index].enumerated() {
                linear.weight[element] = value
            }
            for (element, value) in file.bias.enumerated() where specification.hasBias {
                linear.bias[element] = value
            }
        }

        for cuts in [[], [1], [1, 2, 3]] {
            let loss = bench.evaluate(cuts: cuts)
            #expect(abs(loss - data.value) <= 1e-5 * max(1, abs(data.value)), "\(loss)")
            let found = bench.values(bench.gradient)
            let projections = bench.projectionGradients()
            for (name, gradient) in data.gradients {
                expectClose(
                    actual: projections[name] ?? (found[name] ?? []).map(Double.init),
                    expected: gradient,
                    absolute: 1e-5,
                    relative: 1e-5,
                    reason: name
                )
            }
        }
        // Nothing but what the loss reads has a gradient.
        for (name, values) in bench.values(bench.gradient) where data.gradients[name] == nil {
            #expect(values.allSatisfy { $0 == 0 }, "\(name)")
        }
    }

    @Test(arguments: LayerGolden.file?.cases ?? [])
    func `the gradient is the loss's slope along any direction`(_ data: LayerGolden.Case) throws {
        let student = LayerGolden.studentConfiguration
        let lengths = [2, 7, 1, 19, 4]
        let bench = Bench(
            lengths: lengths,
            LayerGolden.objective(data),
            student: student,
            teacher: LayerGolden.teacherConfiguration(data)
        )
        var random = Philox(seed: 12, purpose: .sampling)
        for outputs in [bench.student, bench.teacher] {
            Bench.visit(outputs, lengths.count) { $1.pointee = Float(random.nextNormal()) }
        }
        let weight = 0.7
        let base = bench.values(bench.student)
        _ = bench.evaluate(weight: weight, cuts: [2])
        let gradient = bench.values(bench.gradient)
        var direction = base
        for name in direction.keys.sorted() {
            direction[name] = direction[name]?.map { _ in Float(random.nextNormal()) }
        }
        func shifted(_ step: Float) -> Double {
            var values = base
            for (name, slope) in direction {
                values[name] = zip(values[name] ?? [], slope).map { $0 + step * $1 }
            }
            bench.fill(bench.student, from: values)
            return bench.evaluate(cuts: [2])
        }
        let step: Float = 4e-3
        let slope = (shifted(step) - shifted(-step)) / (2 * Double(step))
        var product = 0.0
        for (name, values) in gradient {
            for (a, b) in zip(values, direction[name] ?? []) { product += Double(a) * Double(b) }
        }
        let expected = weight * slope
        #expect(
            abs(product - expected) <= 2e-3 * max(abs(expected), 0.02),
            "\(product) \(expected)"
        )
    }

    @Test func `a student that equals its teacher has no loss and no gradient`() throws {
        let file = try #require(LayerGolden.file)
        for data in file.cases where data.projection != "per-pair" && data.projection != "shared" {
            let configuration = LayerGolden.sized(hidden: 12, layers: 2, heads: 3)
            let bench = Bench(
                lengths: file.lengths,
                LayerGolden.objective(data),
                student: configuration,
                teacher: configuration
            )
            var random = Philox(seed: 3, purpose: .sampling)
            Bench.visit(bench.student, file.lengths.count) {
                $1.pointee = Float(random.nextNormal())
            }
            var same = bench.values(bench.student)
            same["hidden.2"] = same["hidden.1"]
            bench.fill(bench.teacher, from: same)
            let loss = bench.evaluate()
            #expect(abs(loss) < 1e-6, "\(data.name): \(loss)")
            for values in bench.values(bench.gradient).values {
                #expect(values.allSatisfy { abs($0) < 1e-6 }, "\(data.name)")
            }
        }
    }

    @Test func `a mean over tokens weighs sequences by their tokens, a batch mean does not`() throws
    {
        let configuration = LayerGolden.sized(hidden: 12, layers: 2, heads: 3)
        for reduction in Reduction.allCases {
            let objective = HiddenStateLoss(
                pairs: [LayerPair(1, 1)],
                projection: .none,
                reduction: reduction
            )
            let bench = Bench(
                lengths: [1, 3],
                objective,
                student: configuration,
                teacher: configuration
            )
            // Every component is off by 1 in the first sequence and by 2 in the second.
            let rows = [1, 2, 2, 2].flatMap { [Float](repeating: $0, count: 12) }
            bench.fill(bench.student, from: ["hidden.1": rows])
            bench.fill(bench.teacher, from: [:])
            let expected = reduction == .tokenMean ? (1 + 3 * 4) / 4.0 : (1 + 4) / 2.0
            #expect(abs(bench.evaluate() - expected) < 1e-6)
        }
    }
}
