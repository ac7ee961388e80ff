import Bert
import Distillation
import Foundation
import Tensors
import TestSupport
import Tokenization

/// A small model, a batch and what PyTorch computes for them: `fixtures/generate/bert_goldens.py`.
struct GoldenCase {
    let file: Golden
    var configuration: BertConfiguration
    var parameters: BertParameters<Tensor>
    var batch: PackedBatch

    static let classifiers = [
        "bert_classifier_gelu", "bert_classifier_gelu_new", "bert_classifier_relu",
    ]
    static let all = classifiers + ["bert_regression"]

    init(_ name: String) throws {
        let file = try Golden("\(name).h5")
        self.file = file
        configuration = try BertConfigurationFile(
            contentsOf: Fixtures.folder.appending(path: "goldens/\(name).config.json")
        ).configuration
        parameters = try BertParameters<Shape>(configuration).map { name, _ in
            try file.tensor("parameters/\(name)")
        }
        batch = PackedBatch(
            ids: try file.integers("batch/ids"),
            tokenTypes: try file.integers("batch/token_types"),
            offsets: try file.integers("batch/offsets").map { Int($0) }
        )
    }

    init(_ golden: HeadGolden) {
        file = golden.file
        configuration = golden.configuration
        parameters = golden.parameters
        batch = golden.batch
    }

    func model() -> BertModel { BertModel(configuration, parameters: parameters) }

    var examples: ArraySlice<Int> { Array(0..<batch.sequenceCount)[...] }

    /// The gold classes.
    var labels: [Float] {
        get throws { try file.integers("batch/targets").map { Float($0) } }
    }

    /// The golden's mixed loss, with or without its factor T².
    func softTargetLoss(scaled: Bool = true) throws -> SoftTargetLoss {
        SoftTargetLoss(
            teacherLogits: try file.tensor("soft_target/teacher_logits").values,
            classCount: configuration.labels.count,
            isRegression: false,
            temperature: try file.doubles("soft_target/temperature")[0],
            scalesByTemperatureSquared: scaled,
            hardLabelWeight: try file.doubles("soft_target/hard_label_weight")[0],
            targets: try labels
        )
    }

    /// The case with one parameter's values changed.
    func changing(_ name: String, _ change: (inout Tensor) -> Void) -> GoldenCase {
        var result = self
        var isFound = false
        result.parameters = parameters.map { leafName, tensor in
            guard leafName == name else { return tensor }
            isFound = true
            var tensor = tensor
            change(&tensor)
            return tensor
        }
        precondition(isFound, "no parameter \(name)")
        return result
    }
}
