import Bert
import Distillation
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite struct NetworkTests {
    @Test(arguments: GoldenCase.all)
    func `outputs of every layer are PyTorch's`(_ name: String) throws {
        let verdict = try Comparison(GoldenCase(name)).forward()
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(arguments: GoldenCase.classifiers)
    func `gradients of the cross entropy are PyTorch's`(_ name: String) throws {
        let golden = try GoldenCase(name)
        let loss = CrossEntropyLoss(targets: try golden.labels, classCount: 5)
        try expectGradients(golden, "cross_entropy", loss)
    }

    @Test(arguments: GoldenCase.classifiers)
    func `gradients of soft targets mixed with gold labels are PyTorch's`(_ name: String) throws {
        let golden = try GoldenCase(name)
        try expectGradients(golden, "soft_target", golden.softTargetLoss())
    }

    @Test func `gradients of the mean squared error are PyTorch's`() throws {
        let golden = try GoldenCase("bert_regression")
        let loss = MeanSquaredError(targets: try golden.file.tensor("batch/targets").values)
        try expectGradients(golden, "mean_squared_error", loss)
    }

    @Test(arguments: GoldenCase.classifiers)
    func `gradients that enter at hidden states and attention scores are PyTorch's`(
        _ name: String
    ) throws {
        let golden = try GoldenCase(name)
        let layers = golden.configuration.hiddenLayerCount
        var cotangents = OutputGradients(
            logits: [Float](repeating: 0, count: golden.batch.sequenceCount * 5)
        )
        for index in 0...layers {
            cotangents.hiddenStates[index] =
                try golden.file.tensor("cotangents/hidden_states.\(index)").values
        }
        for layer in 0..<layers {
            cotangents.attentionScores[layer] =
                try golden.file.tensor("cotangents/attention_scores.\(layer)").values
        }
        let verdict = try Comparison(golden).backward("intermediate", mode: .all) { _ in cotangents
        }
        #expect(verdict.passes, "\(verdict)")
    }

    /// The loss and its gradients, whether or not the last layer computes its other tokens.
    private func expectGradients(
        _ golden: GoldenCase,
        _ name: String,
        _ objective: any Objective
    ) throws {
        let comparison = Comparison(golden)
        let expected = try golden.file.doubles("losses/\(name)/f64")[0]
        for mode in [KeptOutputs.all, .logits] {
            let verdict = try comparison.backward(name, mode: mode) { logits in
                let value = objective.evaluate(logits: logits, examples: golden.examples)
                #expect(abs(value.loss - expected) <= 2e-6 * max(1, expected))
                return value.gradient
            }
            #expect(verdict.passes, "\(mode): \(verdict)")
        }
    }
}
