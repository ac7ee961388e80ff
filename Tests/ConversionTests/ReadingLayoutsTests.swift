import Bert
import Checkpoints
import Kernels
import Tensors
import Testing

@Suite struct `Reading every layout` {
    @Test func `there is a folder for every layout`() {
        #expect(LayoutFixture.all.count > 85)
    }

    @Test(arguments: LayoutFixture.all)
    func `every tensor is the one that was stored, bit for bit`(fixture: LayoutFixture) throws {
        let checkpoint = try Checkpoint.open(fixture.url)
        #expect(checkpoint.head == fixture.head)
        #expect(checkpoint.unknown.map(\.name) == [])
        let expected = try fixture.expectedTensors()
        #expect(Set(checkpoint.tensors.map(\.name)) == Set(expected.keys))
        for tensor in checkpoint.tensors {
            let found = try checkpoint.tensor(named: tensor.name)
            #expect(tensor.entry.elementType == fixture.elementType)
            #expect(found == expected[tensor.name], "\(tensor.name)")
        }
        try checkpoint.checkTies()
    }

    @Test(arguments: LayoutFixture.all)
    func `the outputs are the library's`(fixture: LayoutFixture) throws {
        let checkpoint = try Checkpoint.open(fixture.url)
        let model = try checkpoint.loadModel()
        let configuration = model.configuration
        if fixture.activation == "gelu_new" {
            #expect(configuration.activation == .geluTanh(name: "gelu_new"))
        }
        let inference = BertInference(model, pool: WorkerPool(workerCount: 2))
        var selection: OutputSelection = [.head, .lastHiddenState]
        if model.layout.slots.pooler != nil { selection.insert(.poolerOutput) }
        let outputs = inference.outputs(try fixture.batch(), selection)
        let expected = try fixture.expectedOutputs()
        #expect(!expected.isEmpty)
        for (name, tensor) in expected {
            let found: Tensor? =
                switch name {
                case "last_hidden_state": outputs.lastHiddenState
                case "pooled": outputs.poolerOutput
                case "prediction_logits": outputs.predictionLogits
                case "seq_relationship_logits": outputs.nextSentenceLogits
                case "start_logits": outputs.startLogits
                case "end_logits": outputs.endLogits
                case "logits":
                    outputs.logits ?? outputs.predictionLogits ?? outputs.nextSentenceLogits
                        ?? outputs.replacedTokenLogits
                default: nil
                }
            let values = try #require(found, "\(name)").values
            #expect(values.count == tensor.values.count)
            let worst = zip(values, tensor.values).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst < 1e-5, "\(name)")
        }
    }
}
