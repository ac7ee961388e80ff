import Bert
import Checkpoints
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Training

/// Folders that transformers wrote of models with pruned heads: `fixtures/generate/pruned_goldens.py`.
@Suite("Pruned heads as transformers keeps them")
struct PrunedGoldenTests {
    static let families = ModelFamily.allCases.map(\.rawValue)

    private func checkpoint(_ name: String) throws -> Checkpoint {
        try Checkpoint.open(Fixtures.folder.appending(path: "goldens/pruned_heads/\(name)"))
    }

    @Test(arguments: families)
    func `outputs and gradients are PyTorch's`(_ name: String) throws {
        let golden = try Golden("pruned_heads/\(name)/golden.h5")
        let model = try checkpoint(name).loadModel()
        #expect(model.configuration.prunedHeads == [0: [0, 2], 1: [1]])
        #expect(model.configuration.heads(ofLayer: 0) == [1])
        #expect(model.configuration.heads(ofLayer: 1) == [0, 2])
        let batch = try HeadGolden.batch("batch", golden)
        var verdict = Verdict()
        for isPacked in [false, true] {
            let pool = WorkerPool(workerCount: 2)
            let inference = BertInference(model, pool: pool, packing: isPacked)
            let outputs = inference.outputs(batch, [.head, .hiddenStates, .attentions])
            for quantity in try golden.names(in: "outputs") {
                verdict.compare(
                    quantity,
                    outputs.tensor(named: quantity)?.values ?? [],
                    try golden.tensor("outputs/\(quantity)").values.map(Double.init),
                    within: 1e-5
                )
            }
            verdict.compare(
                "logits alone",
                inference.logits(batch),
                try golden.tensor("outputs/logits").values.map(Double.init),
                within: 1e-5
            )
        }
        let expected = try golden.tensors(in: "gradients")
        let global = expected.values.reduce(0.0) { sum, tensor in
            tensor.values.reduce(sum) { $0 + Double($1) * Double($1) }
        }
        for mode in KeptOutputs.allCases {
            let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
            let gradients = Gradients(model.layout)
            let logits = pass.forward(
                batch,
                outputs: mode.selection(model.configuration),
                dropoutSeed: nil,
                step: 0
            )
            let loss = CrossEntropyLoss(targets: [3, 0, 4, 1, 0, 2], classCount: 5)
            let value = loss.evaluate(logits: logits, examples: Array(0..<6)[...])
            pass.backward(value.gradient, into: gradients)
            #expect(Set(model.layout.entries.map(\.name)) == Set(expected.keys))
            for (parameter, slot) in model.layout.entries {
                let tensor = try #require(expected[parameter])
                #expect(tensor.shape == slot.shape)
                verdict.compareNorm(
                    "\(mode): \(parameter)",
                    gradients.values(parameter, slot),
                    tensor.values.map(Double.init),
                    relative: 1e-4,
                    floor: 1e-7 * global.squareRoot()
                )
            }
        }
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(arguments: families)
    func `the configuration is written as transformers writes it`(_ name: String) throws {
        let checkpoint = try checkpoint(name)
        let configuration = try #require(checkpoint.configuration)
        let text = configuration.json.text()
        guard case .object(let members) = configuration.json else { preconditionFailure() }
        #expect(
            members["pruned_heads"]
                == .object([
                    "0": .array([.integer(0), .integer(2)]), "1": .array([.integer(1)]),
                ])
        )
        let again = try BertConfigurationFile(bytes: Array(text.utf8), source: "again")
        #expect(again.configuration.prunedHeads == configuration.prunedHeads)
        #expect(again.configuration.json.text() == text)
        #expect(configuration.raw.isEmpty)
    }
}
