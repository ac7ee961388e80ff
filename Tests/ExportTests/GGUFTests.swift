import Bert
import Checkpoints
import Diagnostics
import Export
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite struct `Exporting to GGUF` {
    static func written(
        _ layout: String,
        _ weights: ExportOptions.Weights,
        _ change: (inout ExportOptions) -> Void = { _ in }
    ) throws -> WrittenGGUF {
        try ExportBench.withFolder { folder in
            let url = folder.appending(path: "model.gguf")
            var options = ExportOptions(format: .gguf, weights: weights)
            change(&options)
            _ = try ExportBench.export(ExportBench.checkpoint(layout), options, to: url)
            return try WrittenGGUF([UInt8](Data(contentsOf: url)))
        }
    }

    @Test func `a classifier's metadata and vocabulary`() throws {
        let file = try Self.written("safetensors", .float32)
        let checkpoint = try ExportBench.checkpoint("safetensors")
        let configuration = try #require(checkpoint.configuration)
        let vocabulary = try #require(checkpoint.tokenizer).loadVocabulary()
        #expect(file.texts["general.architecture"] == ["bert"])
        #expect(file.numbers["general.file_type"] == [0])
        #expect(file.numbers["bert.embedding_length"] == [configuration.hiddenSize])
        #expect(file.numbers["bert.block_count"] == [configuration.hiddenLayerCount])
        #expect(file.numbers["bert.feed_forward_length"] == [configuration.intermediateSize])
        #expect(file.numbers["bert.attention.head_count"] == [configuration.attentionHeadCount])
        #expect(file.numbers["bert.context_length"] == [configuration.maximumPositionCount])
        #expect(file.numbers["bert.attention.causal"] == [0])
        #expect(file.numbers["bert.pooling_type"] == [4])
        #expect(file.texts["bert.classifier.output_labels"] == configuration.labels)
        #expect(file.texts["tokenizer.ggml.model"] == ["bert"])
        let tokens = try #require(file.texts["tokenizer.ggml.tokens"])
        let types = try #require(file.numbers["tokenizer.ggml.token_type"])
        #expect(tokens.count == configuration.vocabularySize && types.count == tokens.count)
        for (id, piece) in vocabulary.pieces.enumerated() {
            let isSpecial = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].contains(piece)
            #expect(types[id] == (isSpecial ? 3 : 1))
            let expected =
                isSpecial
                ? piece
                : piece.utf8.starts(with: "##".utf8)
                    ? String(piece.dropFirst(2)) : "\u{2581}" + piece
            #expect(tokens[id] == expected)
        }
        #expect(
            file.numbers["tokenizer.ggml.seperator_token_id"] == [Int(vocabulary.separator)]
        )
        #expect(file.numbers["tokenizer.ggml.bos_token_id"] == [Int(vocabulary.classification)])
    }

    @Test func `tensors have the runtime's names, the checkpoint's bits and aligned places`() throws
    {
        let file = try Self.written("tf", .float32)
        let checkpoint = try ExportBench.checkpoint("tf")
        let names = [
            "token_embd.weight": "embeddings.word_embeddings.weight",
            "token_types.weight": "embeddings.token_type_embeddings.weight",
            "position_embd.weight": "embeddings.position_embeddings.weight",
            "token_embd_norm.bias": "embeddings.LayerNorm.bias",
            "blk.1.attn_q.weight": "encoder.layer.1.attention.self.query.weight",
            "blk.1.attn_k.weight": "encoder.layer.1.attention.self.key.weight",
            "blk.0.attn_v.bias": "encoder.layer.0.attention.self.value.bias",
            "blk.0.attn_output.weight": "encoder.layer.0.attention.output.dense.weight",
            "blk.0.attn_output_norm.weight": "encoder.layer.0.attention.output.LayerNorm.weight",
            "blk.1.ffn_up.weight": "encoder.layer.1.intermediate.dense.weight",
            "blk.1.ffn_down.weight": "encoder.layer.1.output.dense.weight",
            "blk.1.layer_output_norm.bias": "encoder.layer.1.output.LayerNorm.bias",
            "cls.weight": "pooler.dense.weight", "cls.bias": "pooler.dense.bias",
            "cls.output.weight": "classifier.weight", "cls.output.bias": "classifier.bias",
        ]
        for (name, parameter) in names {
            let tensor = try #require(file.tensors[name], "\(name)")
            let expected = try checkpoint.tensor(named: parameter)
            #expect(tensor.type == 0 && tensor.offset % 32 == 0)
            #expect(tensor.dimensions == expected.shape.dimensions.reversed())
            let bytes = expected.values.withUnsafeBytes { Array($0) }
            #expect(file.bytes(tensor, count: bytes.count) == bytes)
        }
        #expect(file.tensors.count == checkpoint.tensors.count)
        #expect(file.dataByteCount % 32 == 0)
    }

    @Test func `half precision and blocks take matrices alone`() throws {
        for (weights, fileType, type) in [
            (ExportOptions.Weights.float16, 1, 1), (.q8, 7, 8),
        ] {
            let file = try Self.written("safetensors", weights)
            #expect(file.numbers["general.file_type"] == [fileType])
            for (name, tensor) in file.tensors {
                let isSingle =
                    tensor.dimensions.count == 1 || name.hasPrefix("position_embd")
                    || name.hasPrefix("token_types")
                // Rows of odd lengths are no blocks.
                let whole = tensor.dimensions[0] % 32 == 0 ? type : 1
                #expect(tensor.type == (isSingle ? 0 : whole), "\(name)")
            }
        }
    }

    /// By hand: 127 steps for the largest magnitude, halves away from zero.
    @Test func `a block of Q8_0 is a scale and 32 bytes`() throws {
        var values = [Float](repeating: 0, count: 32)
        values[0] = -127
        values[1] = 63.5
        values[2] = 0.5
        values[3] = -2.5
        values[4] = Float(0.5).nextDown
        let bytes = ExportedBlocks.q8(values)
        #expect(bytes.count == 34)
        // 1 in binary16.
        #expect(Array(bytes[0..<2]) == [0x00, 0x3C])
        #expect(bytes[2...6].map { Int8(bitPattern: $0) } == [-127, 64, 1, -3, 0])
        #expect(bytes[7...].allSatisfy { $0 == 0 })
    }

    @Test func `an encoder has no head and its labels are not asked for`() throws {
        let file = try Self.written("safetensors", .float32) { $0.leavesHeadOut = true }
        #expect(file.numbers["bert.pooling_type"] == [0])
        #expect(!file.tensors.keys.contains { $0.hasPrefix("cls") })
        #expect(try Self.written("distilbert", .q8) { $0.leavesHeadOut = true }.tensors.count > 0)
    }

    @Test(arguments: [
        ("distilbert", "DistilBERT has a ReLU there"),
        ("roberta", "a model of type roberta is not written as GGUF"),
        ("electra", "a model of type electra is not written as GGUF"),
        ("safetensors_token_classification", "has no token-classification head"),
        ("safetensors_masked_lm", "has no masked-language-model head"),
    ])
    func `what the runtime would answer wrongly is refused`(layout: String, phrase: String) throws {
        let checkpoint = try ExportBench.checkpoint(layout)
        let failure = #expect(throws: Failure.self) {
            try ExportPlan(checkpoint, ExportOptions(format: .gguf))
        }
        #expect(failure?.kind == .usage)
        #expect(failure?.description.contains(phrase) == true, "\(failure?.description ?? "")")
    }

    @Test func `a classifier of pairs is refused`() throws {
        try ExportBench.withFolder { folder in
            let source = folder.appending(path: "source")
            let layout = Fixtures.folder.appending(path: "layouts/safetensors")
            try FileManager.default.copyItem(at: layout, to: source)
            let configuration = source.appending(path: "config.json")
            let labels = try #require(ExportBench.checkpoint("safetensors").configuration).labels
            let text = try String(contentsOf: configuration, encoding: .utf8)
                .replacing("\"\(labels[0])\"", with: "\"entailment\"")
            try Data(text.utf8).write(to: configuration)
            let checkpoint = try Checkpoint.open(source)
            let failure = #expect(throws: Failure.self) {
                try ExportPlan(checkpoint, ExportOptions(format: .gguf))
            }
            #expect(failure?.description.contains("the label \"entailment\"") == true)
        }
    }

    @Test func `formats do not take each other's types`() throws {
        let checkpoint = try ExportBench.checkpoint("safetensors")
        for options in [
            ExportOptions(format: .onnx, weights: .q8),
            ExportOptions(format: .gguf, weights: .int8Dynamic),
        ] {
            let failure = #expect(throws: Failure.self) { try ExportPlan(checkpoint, options) }
            #expect(failure?.kind == .usage)
        }
    }
}
