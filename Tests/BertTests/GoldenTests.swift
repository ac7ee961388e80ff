import Bert
import Distillation
import TestSupport
import Testing
import Tokenization
import Training

@Suite("The network computes what PyTorch computes")
struct GoldenTests {
    @Test("outputs of every layer", arguments: GoldenCase.classifiers + ["bert_regression"])
    func outputs(_ name: String) throws {
        let verdict = Comparison(try GoldenCase(name)).forward()
        #expect(verdict.passes, "\(verdict)")
    }

    @Test("gradients of the cross entropy", arguments: GoldenCase.classifiers)
    func crossEntropy(_ name: String) throws {
        let golden = try GoldenCase(name)
        let loss = CrossEntropyLoss(targets: golden.file.floats("batch/targets"), classCount: 5)
        try expectGradients(golden, "cross_entropy", loss)
    }

    @Test("gradients of soft targets mixed with gold labels", arguments: GoldenCase.classifiers)
    func softTargets(_ name: String) throws {
        let golden = try GoldenCase(name)
        let loss = SoftTargetLoss(
            teacherLogits: golden.file.floats("soft_target/teacher_logits"),
            classCount: 5,
            isRegression: false,
            temperature: golden.file.doubles("soft_target/temperature")[0],
            hardLabelWeight: golden.file.doubles("soft_target/hard_label_weight")[0],
            targets: golden.file.floats("batch/targets")
        )
        try expectGradients(golden, "soft_target", loss)
    }

    @Test("gradients of the mean squared error")
    func regression() throws {
        let golden = try GoldenCase("bert_regression")
        let loss = MeanSquaredError(targets: golden.file.floats("batch/targets"))
        try expectGradients(golden, "mean_squared_error", loss)
    }

    @Test(
        "gradients that enter at hidden states and attention scores",
        arguments: GoldenCase.classifiers
    )
    func intermediate(_ name: String) throws {
        let golden = try GoldenCase(name)
        let layers = golden.configuration.hiddenLayerCount
        let verdict = Comparison(golden).backward("intermediate", mode: .all) { logits in
            OutputGradients(
                logits: logits.map { _ in 0 },
                hiddenStates: Dictionary(
                    uniqueKeysWithValues: (0...layers).map {
                        ($0, golden.file.floats("cotangents/hidden_states.\($0)"))
                    }
                ),
                attentionScores: Dictionary(
                    uniqueKeysWithValues: (0..<layers).map {
                        ($0, golden.file.floats("cotangents/attention_scores.\($0)"))
                    }
                )
            )
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
        let examples = Array(0..<golden.batch.sequenceCount)[...]
        for mode in [TrainingPass.Outputs.all, .logits] {
            let verdict = comparison.backward(name, mode: mode) { logits in
                let value = objective.evaluate(logits: logits, examples: examples)
                let expected = golden.file.doubles("losses/\(name)/f64")[0]
                #expect(abs(value.loss - expected) <= 1e-5 * max(1, expected))
                return value.gradient
            }
            #expect(verdict.passes, "\(mode): \(verdict)")
        }
    }
}
