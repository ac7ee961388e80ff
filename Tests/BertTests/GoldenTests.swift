import Bert
<<<<<<< HEAD
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// The goldens themselves: two libraries wrote them, and they must agree before anything is
/// compared with them.
@Suite struct GoldenTests {
    @Test func `TensorFlow's folder holds PyTorch's parameters under the canonical names`() throws {
        let torch = try Golden("bert_classifier_gelu.h5").tensors(in: "parameters")
        let folder = try ModelFolder.open(
            Fixtures.folder.appending(path: "goldens/tf_classifier"),
            requireHead: true
        )
        let leaves = try folder.loadParameters().leaves
        #expect(Set(leaves.map(\.name)) == Set(torch.keys))
        for (name, tensor) in leaves {
            #expect(tensor == torch[name], "\(name)")
        }
    }

    @Test func `TensorFlow's outputs and gradients agree with PyTorch's`() throws {
        let torch = try Golden("bert_classifier_gelu.h5")
        let tensorFlow = try Golden("tf_classifier/golden.h5")
        for name in ["ids", "token_types", "offsets", "targets"] {
            #expect(
                try tensorFlow.integers("batch/\(name)") == torch.integers("batch/\(name)"),
                "\(name)"
            )
        }
        for name in try tensorFlow.names(in: "outputs") {
            expectClose(
                actual: try tensorFlow.tensor("outputs/\(name)").values,
                expected: try torch.doubles("outputs/f64/\(name)"),
                absolute: 1e-5,
                reason: "\(name): float32 against float64, 1.5e-6 when written"
            )
        }
        for (name, gradient) in try tensorFlow.tensors(in: "gradients/cross_entropy") {
            let reference = try torch.doubles("gradients/cross_entropy/f64/\(name)")
            #expect(relativeL2(gradient.values, reference, floor: 1e-3) < 1e-4, "\(name)")
        }
    }

    @Test(arguments: [
        "bert_classifier_gelu", "bert_classifier_gelu_new", "bert_classifier_relu",
        "bert_regression", "bert_training",
    ])
    func `Every golden fits the configuration beside it`(name: String) throws {
        let golden = try Golden("\(name).h5")
        let file = Fixtures.folder.appending(path: "goldens/\(name).config.json")
        let configuration = try BertConfigurationFile(contentsOf: file).configuration
        let group = name == "bert_training" ? "initial" : "parameters"
        let specification = BertParameters<Shape>(configuration)
        let shapes = Dictionary(
            uniqueKeysWithValues: specification.leaves.map { ($0.name, $0.leaf) }
        )
        #expect(try golden.tensors(in: group).mapValues(\.shape) == shapes)
    }

    @Test func `A dataset that is absent or of another type is a failure, not zeros`() throws {
        let golden = try Golden("bert_regression.h5")
        #expect(throws: Failure.self) { try golden.tensor("outputs/f64/scores") }
        #expect(throws: Failure.self) { try golden.tensor("batch/ids") }
        #expect(throws: Failure.self) { try golden.integers("batch/targets") }
        #expect(throws: Failure.self) { try golden.doubles("outputs/f32/logits") }
        #expect(throws: Failure.self) { try golden.names(in: "output") }
    }
}

@Suite struct ClosenessTests {
    @Test func `The worst element, its place and the count beyond are named`() throws {
        let found = try #require(
            mismatch(actual: [1, 2.5, 3, 4.2] as [Float], expected: [1, 2, 3, 4], absolute: 0.1)
        )
        #expect(found.worstIndex == 1)
        #expect(found.actual == 2.5)
        #expect(found.expected == 2)
        #expect(found.countBeyond == 2)
        #expect(found.count == 4)
    }

    @Test func `Absolute and relative allowances add up, and the bound itself is within`() {
        #expect(mismatch(actual: [10.75], expected: [10.0], absolute: 0.25, relative: 0.05) == nil)
        #expect(mismatch(actual: [10.76], expected: [10.0], absolute: 0.25, relative: 0.05) != nil)
        #expect(mismatch(actual: [1.0], expected: [1.0], absolute: 0) == nil)
    }

    @Test func `NaN and an unexpected infinity are never close`() {
        let nan = mismatch(actual: [0, Double.nan, 5.0], expected: [0, 0, 0], absolute: 1)
        #expect(nan?.worstIndex == 1)
        #expect(nan?.countBeyond == 2)
        let infinite = [Double.infinity]
        #expect(mismatch(actual: infinite, expected: [0.0], absolute: .infinity) != nil)
        #expect(mismatch(actual: infinite, expected: infinite, absolute: 0) == nil)
    }

    @Test func `A mismatch and a wrong count are recorded as issues`() {
        withKnownIssue {
            expectClose(actual: [1.0], expected: [2.0], absolute: 0.5, reason: "control")
        }
        withKnownIssue {
            expectClose(actual: [1.0, 2.0], expected: [1.0], absolute: 0.5, reason: "control")
        }
    }

    @Test func `The relative distance is that of the whole vector`() {
        #expect(relativeL2([3, 4] as [Float], [0, 4]) == 0.75)
        #expect(relativeL2([0.0, 0.0], [0.0, 0.0]) == 0)
        #expect(relativeL2([1e-9], [0.0]) == .infinity)
        #expect(relativeL2([1e-9], [0.0], floor: 1) == 1e-9)
        #expect(relativeL2([Double.nan], [1.0]).isNaN)
=======
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
>>>>>>> gold
    }
}
