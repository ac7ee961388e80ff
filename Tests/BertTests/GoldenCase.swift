import Bert
import TestSupport
import Tensors
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

    init(_ name: String, parameterGroup: String = "parameters", batchGroup: String = "batch") throws {
        let file = Golden(name)
        self.file = file
        configuration = try BertConfigurationFile(
            contentsOf: Golden.url("\(name).config.json")
        ).configuration
        parameters = BertParameters<Shape>(configuration).map { name, shape in
            Tensor(shape: shape, values: file.floats("\(parameterGroup)/\(name)"))
        }
        batch = Self.batch(file, batchGroup)
    }

    static func batch(_ file: Golden, _ group: String) -> PackedBatch {
        PackedBatch(
            ids: file.integers("\(group)/ids"),
            tokenTypes: file.integers("\(group)/token_types"),
            offsets: file.integers("\(group)/offsets").map(Int.init)
        )
    }

    func model() -> BertModel { BertModel(configuration, parameters: parameters) }

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
