import Bert
import Kernels
import Randomness
import Tensors
import Testing
import Tokenization

@Suite struct DropoutTests {
    /// A model whose layers have two heads and one.
    private static let pruned = "pruned"

    /// Three different probabilities, so that one taken for another shows.
    private func golden(_ name: String = "bert") throws -> GoldenCase {
        var golden =
            switch name {
            case "bert": try GoldenCase("bert_classifier_gelu")
            case Self.pruned: try GoldenCase(HeadGolden("bert", .sequenceClassification)).pruned()
            default: GoldenCase(try HeadGolden(name, .sequenceClassification))
            }
        golden.configuration.hiddenDropoutProbability = 0.2
        golden.configuration.attentionDropoutProbability = 0.3
        golden.configuration.classifierDropout = 0.4
        return golden
    }

    @Test(
        arguments: [KeptOutputs.all, .logits],
        ModelFamily.allCases.map(\.rawValue) + [HeadGolden.projected, pruned]
    )
    func `values and slopes with dropout are those of the definition with the same masks`(
        _ mode: KeptOutputs,
        _ name: String
    ) throws {
        let golden = try golden(name)
        let (seed, step) = (UInt64(0x1234_5678_9ABC_DEF0), UInt32(7))
        let model = golden.model()
        let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
        var reference = ReferenceModel(
            golden,
            firstTokensOnly: mode == .logits,
            seed: seed,
            step: step
        )
        let logits = pass.forward(
            golden.batch,
            outputs: mode.selection(model.configuration),
            dropoutSeed: seed,
            step: step
        )
        var verdict = Verdict()
        verdict.compare("logits", logits, reference.logits(), within: 2e-5)

        // The loss Σ cᵢ logitᵢ, whose gradient with respect to the logits is c.
        var random = Philox(seed: 1, purpose: .sampling)
        let cotangent = logits.map { _ in Float(random.nextUniform() - 0.5) }
        func loss(_ model: ReferenceModel) -> Double {
            zip(model.logits(), cotangent).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        let gradients = Gradients(model.layout)
        pass.backward(OutputGradients(logits: cotangent), into: gradients)
        let global = gradients.all(model.layout).reduce(0) { $0 + Double($1) * Double($1) }
            .squareRoot()
        for (name, slot) in model.layout.entries {
            let gradient = gradients.values(name, slot).map(Double.init)
            let start = reference.weights[name] ?? []
            let direction = gradient.map { _ in
                Double(random.nextUniform() - 0.5) * 12.0.squareRoot()
            }
            let size = 1e-6
            reference.weights[name] = zip(start, direction).map { $0 + size * $1 }
            let above = loss(reference)
            reference.weights[name] = zip(start, direction).map { $0 - size * $1 }
            let slope = (above - loss(reference)) / (2 * size)
            reference.weights[name] = start
            let computed = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
            // A direction of unit variance meets an error of the gradient with about its norm.
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            verdict.add(
                "slope along \(name)",
                error: abs(computed - slope),
                allowed: 1e-4 * norm + 1e-6 * global
            )
        }
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `probability zero computes what no dropout computes`() throws {
        var golden = try golden()
        golden.configuration.hiddenDropoutProbability = 0
        golden.configuration.attentionDropoutProbability = 0
        golden.configuration.classifierDropout = 0
        let (without, zero) = (run(golden, nil, 0), run(golden, 5, 3))
        #expect(without == zero)
    }

    @Test func `an absent classifier probability is the hidden one`() throws {
        var (absent, given) = (try golden(), try golden())
        absent.configuration.classifierDropout = nil
        given.configuration.classifierDropout = 0.2
        #expect(run(absent, 5, 3) == run(given, 5, 3))
        #expect(try run(absent, 5, 3) != run(golden(), 5, 3))
    }

    @Test func `seed and step name the masks`() throws {
        let golden = try golden()
        let first = run(golden, 5, 3)
        #expect(run(golden, 5, 3) == first)
        #expect(run(golden, 5, 4) != first)
        #expect(run(golden, 6, 3) != first)
        #expect(run(golden, nil, 3) != first)
    }

    /// Logits and all gradients, as bits.
    private func run(_ golden: GoldenCase, _ seed: UInt64?, _ step: UInt32) -> [UInt32] {
        let model = golden.model()
        let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
        let logits = pass.forward(golden.batch, dropoutSeed: seed, step: step)
        let gradients = Gradients(model.layout)
        pass.backward(OutputGradients(logits: logits), into: gradients)
        return (logits + gradients.all(model.layout)).map(\.bitPattern)
    }
}

extension GoldenCase {
    /// Without some of the three heads of each of two layers.
    fileprivate func pruned() -> GoldenCase {
        let mask = HeadMask(
            configuration: configuration,
            parameters: parameters,
            heads: [0: [1], 1: [0, 2]]
        )
        var result = self
        result.configuration = mask.prunedConfiguration
        result.parameters = parameters.map { mask.cut($0, $1) }
        return result
    }
}
