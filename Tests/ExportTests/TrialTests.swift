import Bert
import Checkpoints
import Diagnostics
import Export
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization

/// What was written is run beside the model.
@Suite struct `Running what was exported` {
    static func comparisons(
        _ layout: String,
        _ options: ExportOptions
    ) throws -> [OutputComparison] {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint(layout)
            var options = options
            options.texts = ExportBench.batch(try #require(checkpoint.configuration))
            let url = folder.appending(path: "out.mlpackage")
            return try ExportBench.export(checkpoint, options, to: url).comparisons
        }
    }

    @Test(arguments: `Exporting to ONNX`.layouts)
    func `a graph in single precision answers as the model does`(layout: String) throws {
        let checkpoint = try ExportBench.checkpoint(layout)
        let batch = ExportBench.batch(try #require(checkpoint.configuration))
        let expected = try ExportBench.expected(checkpoint, batch)
        let found = try Self.comparisons(layout, ExportOptions(format: .onnx))
        #expect(Set(found.map(\.name)) == Set(expected.keys))
        for output in found {
            #expect(output.isGood(isExact: true))
            #expect(output.largestDifference < 2e-5, "\(output)")
            let values = try #require(expected[output.name]).values
            let largest = try #require(values.map(\.magnitude).max())
            #expect(abs(output.largestMagnitude - largest) < 1e-5)
            // A graph's rows have padding, which is not compared.
            let first = output.dimensions[0]
            #expect(first == batch.sequenceCount)
            if output.name == "last_hidden_state" {
                #expect(output.agreement == nil)
            } else {
                #expect(output.agreement == 1)
            }
        }
    }

    /// The same differences as in double precision, but for bytes that are rounded to a neighbour.
    @Test(arguments: [ExportOptions.Weights.float16, .int8Dynamic, .int8QDQ])
    func `a rounded graph differs as its bytes do`(weights: ExportOptions.Weights) throws {
        for layout in ["safetensors", "distilbert", "roberta_masked_lm"] {
            let checkpoint = try ExportBench.checkpoint(layout)
            let configuration = try #require(checkpoint.configuration)
            let batch = ExportBench.batch(configuration)
            let expected = try ExportBench.expected(checkpoint, batch)
            try ExportBench.withFolder { folder in
                var options = ExportOptions(format: .onnx, weights: weights)
                options.texts = batch
                let url = folder.appending(path: "out")
                let report = try ExportBench.export(checkpoint, options, to: url)
                let name = weights == .float16 ? "model.onnx" : "model_quantized.onnx"
                let answers = try ExportBench.answers(
                    WrittenModel(url.appending(path: name)),
                    batch,
                    padding: configuration.padTokenID
                )
                for output in report.comparisons {
                    let pairs = zip(
                        try #require(answers[output.name]),
                        try #require(expected[output.name]).values
                    )
                    let worst = pairs.map { abs($0 - Double($1)) }.max() ?? 0
                    let found = Double(output.largestDifference)
                    #expect(found > 0 && found < 3 * worst + 1e-3, "\(layout) \(found) \(worst)")
                    if weights != .float16 { #expect(found > worst / 3, "\(found) \(worst)") }
                }
            }
        }
    }

    /// llama.cpp computes GELU in its tanh form, and so does this.
    @Test func `a file of GGUF is read back and answers`() throws {
        for (weights, bound) in [
            (ExportOptions.Weights.float32, Float(2e-3)), (.float16, 5e-3), (.q8, 0.2),
        ] {
            let options = ExportOptions(format: .gguf, weights: weights)
            let output = try #require(Self.comparisons("safetensors", options).first)
            #expect(output.name == "cls.output" && output.dimensions == [4, 3])
            #expect(output.largestDifference > 0 && output.largestDifference < bound)
            #expect(output.agreement == 1)
        }
        let exact = try Self.comparisons("safetensors_gelu_new", ExportOptions(format: .gguf))
        #expect(exact.allSatisfy { $0.largestDifference == 0 })
        var encoder = ExportOptions(format: .gguf)
        encoder.leavesHeadOut = true
        let states = try #require(Self.comparisons("distilbert", encoder).first)
        #expect(states.dimensions[0] == 17 && states.agreement == nil)
    }

    @Test(arguments: `Exporting to ONNX`.layouts)
    func `a package of Core ML's has the model's weights`(layout: String) throws {
        for output in try Self.comparisons(layout, ExportOptions(format: .coreML)) {
            #expect(output.largestDifference == 0 && output.largestMagnitude > 0)
        }
    }

    @Test func `without texts nothing is run`() throws {
        try ExportBench.withFolder { folder in
            let report = try ExportBench.export(
                ExportBench.checkpoint("safetensors"),
                ExportOptions(format: .onnx),
                to: folder.appending(path: "out")
            )
            #expect(report.comparisons.isEmpty)
        }
    }
}
