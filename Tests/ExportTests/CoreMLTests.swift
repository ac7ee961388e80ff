import Bert
import Checkpoints
import Diagnostics
import Export
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct `Exporting to Core ML` {
    static func written<Result>(
        _ layout: String,
        lengths: [Int] = [],
        weights: ExportOptions.Weights = .float32,
        _ body: (WrittenPackage) throws -> Result
    ) throws -> Result {
        try ExportBench.withFolder { folder in
            let url = folder.appending(path: "model.mlpackage")
            var options = ExportOptions(format: .coreML, weights: weights)
            options.lengths = lengths
            _ = try ExportBench.export(ExportBench.checkpoint(layout), options, to: url)
            return try body(WrittenPackage(url))
        }
    }

    @Test func `a package has a manifest, a program and its weights`() throws {
        try ExportBench.withFolder { folder in
            let url = folder.appending(path: "model.mlpackage")
            let checkpoint = try ExportBench.checkpoint("safetensors")
            let report = try ExportBench.export(
                checkpoint,
                ExportOptions(format: .coreML),
                to: url
            )
            #expect(report.largestDifference == 0)
            let manifest = try #require(
                JSONSerialization.jsonObject(
                    with: Data(contentsOf: url.appending(path: "Manifest.json"))
                ) as? [String: Any]
            )
            let items = try #require(manifest["itemInfoEntries"] as? [String: [String: String]])
            let root = try #require(manifest["rootModelIdentifier"] as? String)
            #expect(manifest["fileFormatVersion"] as? String == "1.0.0")
            #expect(items[root]?["path"] == "com.apple.CoreML/model.mlmodel")
            for item in items.values {
                let path = url.appending(path: "Data").appending(path: item["path"] ?? "")
                #expect(FileManager.default.fileExists(atPath: path.path))
            }
        }
    }

    @Test(arguments: [
        ("safetensors", ["input_ids", "attention_mask", "token_type_ids"], ["logits"]),
        ("distilbert", ["input_ids", "attention_mask"], ["logits"]),
        ("roberta", ["input_ids", "attention_mask"], ["logits"]),
        (
            "safetensors_question_answering",
            ["input_ids", "attention_mask", "token_type_ids"], ["start_logits", "end_logits"]
        ),
        (
            "safetensors_base", ["input_ids", "attention_mask", "token_type_ids"],
            ["last_hidden_state"]
        ),
    ])
    func `inputs are whole numbers of a fixed length`(
        layout: String,
        inputs: [String],
        outputs: [String]
    ) throws {
        try Self.written(layout, lengths: [7]) { package in
            #expect(package.specificationVersion == 8 && package.opset == "CoreML7")
            #expect(package.inputs.map(\.name) == inputs)
            #expect(package.inputs.allSatisfy { $0.type == 131_104 && $0.shape == [1, 7] })
            #expect(package.inputs.allSatisfy { $0.shapes.isEmpty })
            #expect(package.outputs.map(\.name) == outputs)
            #expect(package.outputs.allSatisfy { $0.type == 65_568 })
            #expect(package.blockOutputs == outputs)
        }
    }

    @Test func `several lengths are listed, the longest the usual one`() throws {
        try Self.written("safetensors", lengths: [9, 4]) { package in
            #expect(package.specificationVersion == 9 && package.opset == "CoreML8")
            for input in package.inputs {
                #expect(input.shape == [1, 9] && input.shapes == [[1, 4], [1, 9]])
            }
        }
    }

    /// Names that are read have been made before, and every operation has its own.
    @Test(arguments: `Exporting to ONNX`.layouts)
    func `a program's operands are there before they are read`(layout: String) throws {
        for lengths in [[6], [4, 6]] {
            try Self.written(layout, lengths: lengths) { package in
                var known = Set(package.inputs.map(\.name))
                for operation in package.operations {
                    #expect(known.isSuperset(of: operation.inputs.values), "\(operation)")
                    #expect(known.insert(operation.output).inserted, "\(operation.output) twice")
                }
                #expect(known.isSuperset(of: package.blockOutputs))
            }
        }
    }

    @Test(arguments: [ExportOptions.Weights.float32, .float16])
    func `weights are the checkpoint's, where the program says`(
        weights: ExportOptions.Weights
    ) throws {
        let checkpoint = try ExportBench.checkpoint("tf")
        try ExportBench.withFolder { folder in
            let url = folder.appending(path: "model.mlpackage")
            _ = try ExportBench.export(
                checkpoint,
                ExportOptions(format: .coreML, weights: weights),
                to: url
            )
            let package = try WrittenPackage(url)
            #expect(package.weights.count == checkpoint.tensors.count)
            #expect(package.blobCount == package.weights.count)
            for tensor in checkpoint.tensors {
                let expected = try checkpoint.tensor(named: tensor.name)
                let name = tensor.name.replacing(".", with: "_")
                let found = try #require(package.weights[name], "\(name)")
                #expect(found.shape == expected.shape.dimensions)
                #expect(found.offset % 64 == 0)
                let type: ElementType = weights == .float16 ? .float16 : .float32
                var bytes = [UInt8](repeating: 0, count: expected.values.count * type.byteCount)
                expected.values.withUnsafeBufferPointer { values in
                    bytes.withUnsafeMutableBytes { _ = type.encode(values, into: $0) }
                }
                #expect(found.bytes == bytes, "\(name)")
            }
        }
    }

    @Test func `masks are finite and no epsilon is lost`() throws {
        for weights in [ExportOptions.Weights.float32, .float16] {
            try Self.written("safetensors", weights: weights) { package in
                let numbers = package.operations.compactMap(\.number)
                #expect(numbers.contains(-10000))
                #expect(numbers.allSatisfy { $0.isFinite && $0 != 0 })
            }
        }
    }

    @Test func `what a program cannot be is refused`() throws {
        let checkpoint = try ExportBench.checkpoint("safetensors")
        var long = ExportOptions(format: .coreML)
        long.lengths = [100_000]
        var other = ExportOptions(format: .onnx)
        other.lengths = [8]
        for (options, phrase) in [
            (ExportOptions(format: .coreML, weights: .q8), "weights in f32 or f16"),
            (ExportOptions(format: .coreML, weights: .int8Dynamic), "weights in f32 or f16"),
            (long, "100000 is no length"), (other, "for --to coreml alone"),
        ] {
            let failure = #expect(throws: Failure.self) { try ExportPlan(checkpoint, options) }
            #expect(failure?.kind == .usage)
            #expect(failure?.description.contains(phrase) == true, "\(failure?.description ?? "")")
        }
        try ExportBench.withFolder { folder in
            let failure = #expect(throws: Failure.self) {
                try ExportBench.export(
                    checkpoint,
                    ExportOptions(format: .coreML),
                    to: folder.appending(path: "model")
                )
            }
            #expect(failure?.description.contains("ends in .mlpackage") == true)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.isEmpty)
        }
    }
}
