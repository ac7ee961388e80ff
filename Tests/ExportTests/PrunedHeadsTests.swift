import Bert
import Checkpoints
import Diagnostics
import Export
import Foundation
import Testing

/// Exports of models whose layers have two heads and one.
@Suite("Exporting models with pruned heads")
struct PrunedHeadsTests {
    @Test("GGUF is refused: its runtime has no such layers")
    func gguf() throws {
        let checkpoint = try ExportBench.checkpoint("\(ExportBench.pruned)bert")
        let failure = #expect(throws: Failure.self) {
            _ = try ExportPlan(checkpoint, ExportOptions(format: .gguf))
        }
        #expect(failure?.kind == .usage)
        #expect(
            failure?.reason
                == "GGUF's architecture bert has heads that fill the hidden width, and this model has "
                + "pruned heads"
        )
        #expect(failure?.remedy == "Export it with --to onnx")
    }

    @Test("a graph splits each layer into its own heads")
    func onnx() throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint("\(ExportBench.pruned)bert")
            let url = folder.appending(path: "out")
            _ = try ExportBench.export(checkpoint, ExportOptions(format: .onnx), to: url)
            let model = try WrittenModel(url.appending(path: "model.onnx"))
            for (layer, heads) in [(0, 1.0), (1, 2.0)] {
                let shapes = model.nodes
                    .filter {
                        $0.operation == "Reshape" && $0.name.contains("/encoder/layer.\(layer)/")
                    }
                    .compactMap { model.initializer($0.inputs[1])?.numbers }
                #expect(
                    shapes == [[Double]](repeating: [0, 0, heads, 4], count: 3)
                        + [[0, 0, 4 * heads]]
                )
            }
        }
    }
}
