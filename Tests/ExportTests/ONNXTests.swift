import Bert
import Checkpoints
import Diagnostics
import Export
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite struct `Exporting to ONNX` {
    static let layouts = [
        "safetensors", "safetensors_base", "safetensors_token_classification",
        "safetensors_question_answering", "safetensors_masked_lm", "safetensors_gelu_new",
        "distilbert", "distilbert_masked_lm", "roberta", "roberta_masked_lm", "electra",
        "electra_narrow", "tf", "keras_masked_lm", "\(ExportBench.pruned)bert",
        "\(ExportBench.pruned)distilbert", "\(ExportBench.pruned)roberta",
    ]

    /// The graph is computed operator by operator, on sequences with padding.
    @Test(arguments: layouts)
    func `the graph answers as the model does`(layout: String) throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint(layout)
            let configuration = try #require(checkpoint.configuration)
            let batch = ExportBench.batch(configuration)
            let expected = try ExportBench.expected(checkpoint, batch)
            let exports: [(ExportOptions.Weights, tolerance: Double)] = [
                (.float32, 2e-5), (.float16, 2e-2), (.int8Dynamic, 0.5), (.int8QDQ, 0.5),
            ]
            for (weights, tolerance) in exports {
                let url = folder.appending(path: "\(weights)")
                let options = ExportOptions(format: .onnx, weights: weights)
                let report = try ExportBench.export(checkpoint, options, to: url)
                #expect((report.largestDifference == 0) == (weights == .float32))
                let isRounded = [.int8Dynamic, .int8QDQ].contains(weights)
                let model = try WrittenModel(
                    url.appending(path: isRounded ? "model_quantized.onnx" : "model.onnx")
                )
                let answers = try ExportBench.answers(
                    model,
                    batch,
                    padding: configuration.padTokenID
                )
                #expect(Set(answers.keys) == Set(expected.keys))
                for (name, tensor) in expected {
                    expectClose(
                        actual: try #require(answers[name]),
                        expected: tensor.values,
                        absolute: tolerance,
                        reason: "\(layout) \(weights) \(name)"
                    )
                }
            }
        }
    }

    @Test func `names, types and free dimensions are those of the library's exporter`() throws {
        try ExportBench.withFolder { folder in
            for (layout, inputs, output, dimensions) in [
                (
                    "safetensors", ["input_ids", "attention_mask", "token_type_ids"], "logits",
                    ["batch_size", "3"]
                ),
                (
                    "distilbert", ["input_ids", "attention_mask"], "logits",
                    ["batch_size", "3"]
                ),
            ] {
                let url = folder.appending(path: layout)
                let checkpoint = try ExportBench.checkpoint(layout)
                _ = try ExportBench.export(checkpoint, ExportOptions(format: .onnx), to: url)
                let model = try WrittenModel(url.appending(path: "model.onnx"))
                #expect(model.message.numbers(1) == [8])
                let operators = try model.message.messages(8)
                #expect(operators.map { $0.texts(1) } == [[""]])
                #expect(operators.map { $0.numbers(2) } == [[18]])
                let free = ["batch_size", "sequence_length"]
                #expect(
                    model.inputs == inputs.map { .init(name: $0, type: 7, dimensions: free) }
                )
                let labels = try #require(checkpoint.configuration).labels.count
                #expect(
                    model.outputs == [
                        .init(
                            name: output,
                            type: 1,
                            dimensions: [dimensions[0], String(labels)]
                        )
                    ]
                )
                let names = try FileManager.default.contentsOfDirectory(atPath: url.path)
                #expect(
                    Set(names) == [
                        "model.onnx", "config.json", "vocab.txt", "tokenizer.json",
                        "tokenizer_config.json", "special_tokens_map.json",
                    ]
                )
            }
        }
    }

    @Test func `the nodes of a layer are in the order that runtimes fuse`() throws {
        try ExportBench.withFolder { folder in
            let url = folder.appending(path: "out")
            _ = try ExportBench.export(
                ExportBench.checkpoint("safetensors"),
                ExportOptions(format: .onnx),
                to: url
            )
            let model = try WrittenModel(url.appending(path: "model.onnx"))
            let layer = model.nodes.filter { $0.name.hasPrefix("/encoder/layer.0/") }
                .map(\.operation)
            let projection = ["MatMul", "Add", "Reshape", "Transpose"]
            #expect(
                layer == projection + projection + projection
                    + ["MatMul", "Div", "Add", "Softmax", "MatMul", "Transpose", "Reshape"]
                    + ["MatMul", "Add", "Add", "LayerNormalization"]
                    + ["MatMul", "Add", "Div", "Erf", "Add", "Mul", "Mul"]
                    + ["MatMul", "Add", "Add", "LayerNormalization"]
            )
            #expect(Set(model.nodes.map(\.name)).count == model.nodes.count)
            let ends = model.nodes.filter { !$0.name.hasPrefix("/encoder/") }.map(\.operation)
            #expect(
                ends == [
                    "Gather", "Gather", "Add", "Shape", "Slice", "Add", "LayerNormalization",
                    "Unsqueeze", "Unsqueeze", "Cast", "Sub", "Mul", "Gather", "MatMul", "Add",
                    "Tanh", "MatMul", "Add",
                ]
            )
        }
    }

    @Test func `weights have the checkpoint's bits, matrices transposed`() throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint("safetensors")
            let url = folder.appending(path: "out")
            _ = try ExportBench.export(checkpoint, ExportOptions(format: .onnx), to: url)
            let model = try WrittenModel(url.appending(path: "model.onnx"))
            for tensor in checkpoint.tensors {
                let expected = try checkpoint.tensor(named: tensor.name)
                let key = tensor.entry.name
                if let written = model.initializer(key) {
                    #expect(written.dimensions == expected.shape.dimensions)
                    #expect(Array(written.raw) == expected.values.withUnsafeBytes { Array($0) })
                } else {
                    let written = try #require(model.initializer(key + "_transposed"))
                    let turned = expected.transposed()
                    #expect(written.dimensions == turned.shape.dimensions)
                    #expect(Array(written.raw) == turned.values.withUnsafeBytes { Array($0) })
                }
            }
        }
    }

    @Test func `bytes are symmetric, with a scale for each output`() throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint("tf")
            let url = folder.appending(path: "out")
            let options = ExportOptions(format: .onnx, weights: .int8Dynamic)
            _ = try ExportBench.export(checkpoint, options, to: url)
            let model = try WrittenModel(url.appending(path: "model_quantized.onnx"))
            let key = "bert.encoder.layer.0.intermediate.dense.weight"
            let matrix = try checkpoint.tensor(named: "encoder.layer.0.intermediate.dense.weight")
            let bytes = try #require(model.initializer(key + "_quantized"))
            let scales = try #require(model.initializer(key + "_scale"))
            let (outputs, inputs) = (matrix.shape[0], matrix.shape[1])
            #expect(bytes.type == 3 && bytes.dimensions == [inputs, outputs])
            #expect(scales.type == 1 && scales.dimensions == [outputs])
            for output in 0..<outputs {
                let row = matrix.values[output * inputs..<(output + 1) * inputs]
                let scale = scales.numbers[output]
                #expect(abs(scale * 127 - Double(row.map(abs).max() ?? 0)) < 1e-7)
                for (input, value) in row.enumerated() {
                    let byte = bytes.numbers[input * outputs + output]
                    #expect(abs(byte * scale - Double(value)) <= scale * 0.5001)
                }
            }
            // Queries, keys and values round their input once.
            let layer = model.nodes.filter { $0.name.contains("layer.0/attention/self") }
            #expect(layer.filter { $0.operation == "DynamicQuantizeLinear" }.count == 1)
            #expect(layer.filter { $0.operation == "MatMulInteger" }.count == 3)
            // Embeddings and heads stay as they are.
            #expect(model.initializer("classifier.weight_transposed")?.type == 1)
            #expect(model.initializer("bert.embeddings.word_embeddings.weight")?.type == 1)
        }
    }

    /// Queries, keys and values share one; the range is every token's own, and 0 is exact.
    @Test func `inputs become bytes over one fixed range`() throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint("safetensors")
            let url = folder.appending(path: "out")
            let options = ExportOptions(format: .onnx, weights: .int8QDQ)
            _ = try ExportBench.export(checkpoint, options, to: url)
            let model = try WrittenModel(url.appending(path: "model_quantized.onnx"))
            let rounded = model.nodes.filter { $0.operation == "QuantizeLinear" }
            let layers = try #require(checkpoint.configuration).hiddenLayerCount
            #expect(rounded.count == 4 * layers)
            for node in rounded {
                let scale = try #require(model.initializer(node.inputs[1])).numbers[0]
                let zero = try #require(model.initializer(node.inputs[2])).numbers[0]
                #expect(abs(scale - 1.0 / 127) < 1e-9 && zero == 128)
                let divided = try #require(model.nodes.first { $0.outputs == [node.inputs[0]] })
                #expect(divided.operation == "Div")
            }
        }
    }

    @Test func `weights that do not fit into one message lie beside it`() throws {
        try ExportBench.withFolder { folder in
            let checkpoint = try ExportBench.checkpoint("safetensors")
            let url = folder.appending(path: "out")
            let plan = try ExportPlan(
                checkpoint,
                ExportOptions(format: .onnx),
                longestMessage: 64 << 20
            )
            _ = try Exporter(plan).write(to: url)
            let model = try WrittenModel(url.appending(path: "model.onnx"))
            let data = try [UInt8](Data(contentsOf: url.appending(path: "model.onnx_data")))
            let outside = model.initializers.filter { !$0.external.isEmpty }
            #expect(!outside.isEmpty)
            for tensor in outside {
                let offset = try #require(Int(tensor.external["offset"] ?? ""))
                let length = try #require(Int(tensor.external["length"] ?? ""))
                #expect(tensor.external["location"] == "model.onnx_data")
                #expect(offset % 4096 == 0 && tensor.raw.isEmpty)
                let parameter = try #require(
                    checkpoint.tensors.first {
                        $0.entry.name == tensor.name.replacing("_transposed", with: "")
                    }
                )
                var values = try checkpoint.tensor(named: parameter.name)
                if tensor.name.hasSuffix("_transposed") { values = values.transposed() }
                #expect(
                    Array(data[offset..<offset + length])
                        == values.values.withUnsafeBytes { Array($0) }
                )
            }
        }
    }

    @Test(arguments: [
        ("safetensors_next_sentence", "next-sentence head"),
        ("safetensors_pre_training", "pre-training head"),
        ("safetensors_multiple_choice", "multiple-choice head"),
        ("electra_replaced_token_detection", "replaced-token-detection head"),
    ])
    func `other heads are refused, and can be left out`(layout: String, phrase: String) throws {
        let checkpoint = try ExportBench.checkpoint(layout)
        var options = ExportOptions(format: .onnx)
        let failure = #expect(throws: Failure.self) { try ExportPlan(checkpoint, options) }
        #expect(failure?.kind == .usage)
        #expect(failure?.description.contains(phrase) == true)
        options.leavesHeadOut = true
        #expect(try ExportPlan(checkpoint, options).outputs.map(\.name) == ["last_hidden_state"])
    }

    @Test func `values that bytes cannot hold are refused, and nothing is left`() throws {
        try ExportBench.withFolder { folder in
            let source = folder.appending(path: "source")
            let layout = Fixtures.folder.appending(path: "layouts/safetensors")
            try FileManager.default.copyItem(at: layout, to: source)
            let checkpoint = try Checkpoint.open(source)
            let name = "encoder.layer.1.output.dense.weight"
            let entry = try #require(checkpoint[name]).entry
            let extent = try #require(checkpoint.store.extent(of: entry))
            let file = try FileHandle(forUpdating: source.appending(path: "model.safetensors"))
            try file.seek(toOffset: UInt64(extent.offset + 8))
            try file.write(contentsOf: Data([0, 0, 0xC0, 0x7F]))
            try file.close()
            let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            for options in [
                ExportOptions(format: .onnx, weights: .int8Dynamic),
                ExportOptions(format: .onnx, weights: .float16),
                ExportOptions(format: .gguf, weights: .q8),
            ] {
                let failure = #expect(throws: Failure.self) {
                    try ExportBench.export(
                        Checkpoint.open(source),
                        options,
                        to: folder.appending(path: "out")
                    )
                }
                #expect(failure?.kind == .badData)
                #expect(failure?.description.contains(name) == true)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
            }
        }
    }
}
