import Bert
import Tensors
import TestSupport
import Testing

@Suite("The goldens, written by two libraries, agree with each other")
struct ReferenceLibrariesTests {
    let torch = Golden("bert_classifier_gelu")
    let tensorFlow = Golden("tf_classifier/golden")

    @Test("TensorFlow's folder holds PyTorch's parameters under the canonical names")
    func parameters() throws {
        let folder = try ModelFolder.open(Golden.url("tf_classifier"), requireHead: true)
        let leaves = try folder.loadParameters().leaves
        #expect(leaves.map(\.name).sorted() == torch.names(in: "parameters"))
        for (name, tensor) in leaves {
            #expect(tensor == torch.tensor("parameters/\(name)"), "\(name)")
        }
    }

    @Test("TensorFlow's outputs and gradients are PyTorch's")
    func outputs() {
        for name in ["ids", "token_types", "offsets", "targets"] {
            #expect(tensorFlow.integers("batch/\(name)") == torch.integers("batch/\(name)"))
        }
        for name in tensorFlow.names(in: "outputs") {
            expectClose(
                actual: tensorFlow.floats("outputs/\(name)"),
                expected: torch.doubles("outputs/f64/\(name)"),
                absolute: 1e-5,
                reason: "\(name), single against double precision"
            )
        }
        for name in tensorFlow.names(in: "gradients/cross_entropy") {
            let error = relativeL2(
                tensorFlow.floats("gradients/cross_entropy/\(name)"),
                torch.doubles("gradients/cross_entropy/f64/\(name)"),
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
        let golden = Golden(name)
        let group = name == "bert_training" ? "initial" : "parameters"
        let configuration = try BertConfigurationFile(
            contentsOf: Golden.url("\(name).config.json")
        ).configuration
        let leaves = BertParameters<Shape>(configuration).leaves
        #expect(leaves.map(\.name).sorted() == golden.names(in: group))
        for (leaf, shape) in leaves {
            #expect(golden.tensor("\(group)/\(leaf)").shape == shape, "\(leaf)")
        }
    }
}
