import Bert
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("The goldens, written by two libraries, agree with each other")
struct ReferenceLibrariesTests {
    let torch: Golden
    let tensorFlow: Golden

    init() throws {
        torch = try Golden("bert_classifier_gelu.h5")
        tensorFlow = try Golden("tf_classifier/golden.h5")
    }

    @Test("TensorFlow's folder holds PyTorch's parameters under the canonical names")
    func parameters() throws {
        let folder = try ModelFolder.open(Fixtures.folder.appending(path: "goldens/tf_classifier"), requireHead: true)
        let leaves = try folder.loadParameters().leaves
        #expect(try leaves.map(\.name).sorted() == torch.names(in: "parameters"))
        for (name, tensor) in leaves {
            #expect(try tensor == torch.tensor("parameters/\(name)"), "\(name)")
        }
    }

    @Test("TensorFlow's outputs and gradients are PyTorch's")
    func outputs() throws {
        for name in ["ids", "token_types", "offsets", "targets"] {
            #expect(try tensorFlow.integers("batch/\(name)") == torch.integers("batch/\(name)"))
        }
        for name in try tensorFlow.names(in: "outputs") {
            expectClose(
                actual: try tensorFlow.tensor("outputs/\(name)").values,
                expected: try torch.doubles("outputs/f64/\(name)"),
                absolute: 1e-5,
                reason: "\(name), single against double precision"
            )
        }
        for name in try tensorFlow.names(in: "gradients/cross_entropy") {
            let error = relativeL2(
                try tensorFlow.tensor("gradients/cross_entropy/\(name)").values,
                try torch.doubles("gradients/cross_entropy/f64/\(name)"),
                floor: 1e-3
            )
            #expect(error < 1e-4, "\(name)")
        }
    }

    @Test(
        "every golden fits the configuration beside it",
        arguments: GoldenCase.classifiers + ["bert_regression", "bert_training"]
    )
    func configurations(_ name: String) throws {
        let golden = try Golden("\(name).h5")
        let group = name == "bert_training" ? "initial" : "parameters"
        let configuration = try BertConfigurationFile(
            contentsOf: Fixtures.folder.appending(path: "goldens/\(name).config.json")
        ).configuration
        let leaves = BertParameters<Shape>(configuration).leaves
        #expect(try leaves.map(\.name).sorted() == golden.names(in: group))
        for (leaf, shape) in leaves {
            #expect(try golden.tensor("\(group)/\(leaf)").shape == shape, "\(leaf)")
        }
    }
}
