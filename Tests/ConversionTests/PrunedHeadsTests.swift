import Bert
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import TestSupport
import Testing

@Suite("Converting models with pruned heads")
struct PrunedHeadsTests {
    static let families = ModelFamily.allCases.map(\.rawValue)

    private func checkpoint(_ name: String) throws -> Checkpoint {
        try Checkpoint.open(Fixtures.folder.appending(path: "goldens/pruned_heads/\(name)"))
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-pruned-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test("both of Hugging Face's layouts keep heads and weights", arguments: families)
    func layouts(name: String) throws {
        try withFolder { folder in
            let source = try checkpoint(name)
            for format in [ExportFormat.huggingFaceHDF5, .safetensors] {
                let url = folder.appending(path: format.rawValue)
                let plan = try ConversionPlan(source, ConversionOptions(format: format))
                #expect(
                    plan.notes.contains { $0.contains("TensorFlow classes do not prune") }
                        == (format == .huggingFaceHDF5)
                )
                _ = try Conversion(plan).write(to: url)
                let written = try Checkpoint.open(url)
                #expect(written.configuration?.prunedHeads == [0: [0, 2], 1: [1]])
                for tensor in source.tensors {
                    #expect(
                        try written.tensor(named: tensor.name).isBitEqual(
                            to: source.tensor(named: tensor.name)
                        ),
                        "\(tensor.name)"
                    )
                }
            }
        }
    }

    @Test("KerasHub is refused: its layers have one number of heads")
    func kerasHub() throws {
        for format in [ExportFormat.kerasHub, .kerasWeights] {
            var options = ConversionOptions(format: format)
            options.allowsApproximation = true
            let failure = #expect(throws: Failure.self) {
                _ = try ConversionPlan(checkpoint("bert"), options)
            }
            #expect(failure?.kind == .usage)
            #expect(
                failure?.reason
                    == "KerasHub's layers have one number of heads that fill the hidden width, and this "
                    + "model has pruned heads"
            )
        }
    }

    @Test("tensors that are not those of the heads that stay are a contradiction")
    func contradiction() throws {
        try withFolder { folder in
            let url = folder.appending(path: "model")
            try FileManager.default.copyItem(
                at: Fixtures.folder.appending(path: "goldens/pruned_heads/bert"),
                to: url
            )
            let file = url.appending(path: "config.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(text.contains("\"1\": [\n      1\n    ]"))
            try Data(text.replacing("\"1\": [\n      1\n    ]", with: "\"1\": [0, 1]").utf8)
                .write(to: file)
            let opened = try Checkpoint.open(url)
            let failure = #expect(throws: Failure.self) { _ = try opened.loadModel() }
            #expect(failure?.kind == .badData)
            #expect(failure?.reason.contains("[8, 12]") == true, "\(failure?.reason ?? "")")
            #expect(failure?.reason.contains("[4, 12]") == true, "\(failure?.reason ?? "")")
            let notes = try CheckpointSummary(opened).notes
            #expect(notes.contains { $0.contains("the configuration contradicts the tensors") })
        }
    }
}
