import Bert
import Checkpoints
import Compression
import Conversion
import Diagnostics
import Foundation
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite("int8 storage")
struct Int8Tests {
    /// A row as the scheme says it, in plain arithmetic.
    private static func rounded(_ row: ArraySlice<Float>) -> (bytes: [Int8], scale: Float) {
        let scale = (row.map { abs($0) }.max() ?? 0) / 127
        return (row.map { Int8(($0 / scale).rounded(.toNearestOrEven)) }, scale)
    }

    static let kept = [
        "embeddings.token_type_embeddings.weight", "classifier.weight",
    ]

    @Test(
        "comes back from both containers as byte times scale, and everything else bit for bit",
        arguments: [
            (ExportFormat.huggingFaceHDF5, nil), (.huggingFaceHDF5, 4), (.safetensors, nil),
        ] as [(ExportFormat, Int?)]
    )
    func roundTrip(format: ExportFormat, gzip: Int?) throws {
        try CompressionBench.with { bench in
            try bench.compress("small", format) {
                $0.isInt8 = true
                $0.compression = gzip
            }
            let (before, after) = (try bench.parameters("model"), try bench.parameters("small"))
            #expect(before.keys.sorted() == after.keys.sorted())
            var matrices = 0
            for (name, tensor) in before {
                let found = try #require(after[name])
                guard tensor.shape.rank == 2, !Self.kept.contains(name) else {
                    #expect(found == tensor, "\(name)")
                    continue
                }
                matrices += 1
                let columns = tensor.shape[1]
                for row in 0..<tensor.shape[0] {
                    let range = row * columns..<(row + 1) * columns
                    let (bytes, scale) = Self.rounded(tensor.values[range])
                    #expect(
                        bytes.map { Float($0) * scale } == Array(found.values[range]),
                        "\(name) \(row)"
                    )
                }
            }
            // Two tables, six matrices for each of three layers, the pooler.
            #expect(matrices == 2 + 3 * 6 + 1)
        }
    }

    @Test("lies in the file as signed bytes with a scale for each output, beside the matrix")
    func scheme() throws {
        try CompressionBench.with { bench in
            try bench.compress("h5") { $0.isInt8 = true }
            try bench.compress("pt", .safetensors) { $0.isInt8 = true }
            let h5 = try HDF5WeightsStore(path: bench["h5/tf_model.h5"].path)
            let entries = Dictionary(uniqueKeysWithValues: h5.entries.map { ($0.name, $0) })
            let path = "bert/tf_bert_for_sequence_classification/bert"
            let up = "\(path)/encoder/layer_._1/intermediate/dense"
            #expect(entries["\(up)/kernel:0"]?.elementType == .int8)
            #expect(entries["\(up)/kernel:0"]?.shape == [12, 20])
            #expect(entries["\(up)/kernel_scale:0"]?.shape == [1, 20])
            #expect(entries["\(up)/kernel_scale:0"]?.elementType == .float32)
            let words = "\(path)/embeddings/word_embeddings"
            #expect(entries["\(words)/weight:0"]?.elementType == .int8)
            let count = CompressionBench.pieces.count
            #expect(entries["\(words)/weight_scale:0"]?.shape == [count, 1])
            let pt = try SafetensorsStore(path: bench["pt/model.safetensors"].path)
            let stored = Dictionary(uniqueKeysWithValues: pt.entries.map { ($0.name, $0) })
            let key = "bert.encoder.layer.1.intermediate.dense.weight"
            #expect(stored[key]?.elementType == .int8)
            #expect(stored[key]?.shape == [20, 12])
            #expect(stored[key + "_scale"]?.shape == [20, 1])
            #expect(stored["classifier.weight"]?.elementType == .float32)
            let text = try String(contentsOf: bench["h5/config.json"], encoding: .utf8)
            #expect(text.contains(#""quantization_config""#))
            #expect(text.contains(#""quant_method": "bertkit-int8""#))
            let checkpoint = try Checkpoint.open(bench["h5"])
            #expect(checkpoint.configuration?.raw.isEmpty == true)
        }
    }

    @Test("rounds once: bytes and scales of what is read are those that are stored, bit for bit")
    func idempotent() {
        var random = Philox(seed: 11, purpose: .sampling)
        for _ in 0..<2000 {
            let size = Float.random(in: -20...10, using: &random)
            let row = (0..<17).map { _ in
                Float.random(in: -1...1, using: &random) * exp2(size.rounded())
            }
            var bytes = [Int8](repeating: 0, count: 17)
            let scale = round(row, &bytes)
            var again = bytes
            let same = round(bytes.map { Float($0) * scale }, &again)
            #expect(again == bytes)
            #expect(same == scale)
            #expect(bytes.map(abs).max() == 127)
        }
        var bytes = [Int8](repeating: 5, count: 17)
        #expect(round([Float](repeating: 0, count: 17), &bytes) == 0)
        #expect(bytes == [Int8](repeating: 0, count: 17))
    }

    private func round(_ row: [Float], _ bytes: inout [Int8]) -> Float {
        row.withUnsafeBufferPointer { row in
            bytes.withUnsafeMutableBufferPointer { ByteRounding.round(row, into: $0) }
        }
    }

    @Test("runs in int8 as the original does where embeddings and heads are the same")
    func running() throws {
        try CompressionBench.with { bench in
            try bench.compress { $0.isInt8 = true }
            let (original, small) = (
                try Checkpoint.open(bench["model"]).loadModel(),
                try Checkpoint.open(bench["small"]).loadModel()
            )
            // The original with the tables and the pooler that the small one has.
            var mixed = original.parameters
            mixed.embeddings = small.parameters.embeddings
            mixed.pooler = small.parameters.pooler
            let other = BertModel(original.configuration, parameters: mixed)
            let tokenizer = try TextClassifier(contentsOf: bench["model"]).tokenizer
            let batch = PackedBatch(
                CompressionBench.texts.map { tokenizer.encode($0, maximumLength: 24) }
            )
            func logits(_ model: BertModel) -> [Float] {
                BertInference(model, pool: bench.pool, precision: .int8).logits(batch)
            }
            #expect(logits(small) == logits(other))
            #expect(logits(small) != logits(original))
        }
    }

    @Test("the tied decoder of a language model is read from the one table", arguments: [3, nil])
    func languageModel(gzip: Int?) throws {
        try CompressionBench.with(.maskedLanguageModel) { bench in
            try bench.compress {
                $0.isInt8 = true
                $0.compression = gzip
            }
            let checkpoint = try Checkpoint.open(bench["small"])
            #expect(checkpoint.head == .maskedLanguageModel)
            #expect(!checkpoint.copies.isEmpty)
            try checkpoint.checkTies()
            _ = try checkpoint.loadModel()
            try bench.compress("pt", .safetensors) { $0.isInt8 = true }
            #expect(try bench.parameters("pt") == bench.parameters("small"))
        }
    }

    @Test("a conversion to f32 is an ordinary checkpoint with the same values")
    func restored() throws {
        try CompressionBench.with { bench in
            try bench.compress { $0.isInt8 = true }
            var options = ConversionOptions(format: .safetensors)
            options.elementType = .float32
            try Checkpoint.open(bench["small"]).write(to: bench["plain"], options)
            let store = try SafetensorsStore(path: bench["plain/model.safetensors"].path)
            #expect(store.entries.allSatisfy { $0.elementType == .float32 })
            #expect(!store.entries.contains { $0.name.hasSuffix("_scale") })
            #expect(try bench.parameters("plain") == bench.parameters("small"))
            let text = try String(contentsOf: bench["plain/config.json"], encoding: .utf8)
            #expect(!text.contains("quantization_config"))
        }
    }

    @Test("scales that do not fit their matrix are refused by name")
    func badScales() throws {
        try CompressionBench.with { bench in
            func refuse(_ shape: Shape, _ scales: Shape, _ phrase: String) throws {
                let entries = [
                    TensorEntry(name: "x", shape: shape, elementType: .int8),
                    TensorEntry(name: "x_scale", shape: scales, elementType: .float32),
                ]
                let path = bench["\(UUID().uuidString).safetensors"]
                let sink = try SafetensorsWriter(creating: path.path, tensors: entries)
                for entry in entries {
                    let bytes = [UInt8](repeating: 0, count: entry.byteCount)
                    try bytes.withUnsafeBytes { try sink.write($0, to: entry.name) }
                }
                try sink.finish()
                let found = failure { _ = try TensorContainer.open(path) }
                #expect(found?.kind == .badData)
                #expect(found?.reason.contains(phrase) == true, "\(found?.description ?? "none")")
            }
            try refuse([3, 4], [3], "are [3], must be [3, 1] or [1, 4]")
            try refuse([3, 4], [4, 1], "are [4, 1], must be [3, 1] or [1, 4]")
            try refuse([12], [1, 12], "no matrix but [12]")
        }
    }

    @Test("with a half type for the rest everything is as rounded as its place says")
    func mixedTypes() throws {
        try CompressionBench.with { bench in
            try bench.compress("small", .safetensors) {
                $0.isInt8 = true
                $0.elementType = .float16
            }
            let store = try SafetensorsStore(path: bench["small/model.safetensors"].path)
            for entry in store.entries {
                let isScale = entry.name.hasSuffix("_scale")
                #expect([.int8, isScale ? .float32 : .float16].contains(entry.elementType))
            }
            let before = try bench.parameters("model")
            let after = try bench.parameters("small")
            let bias = "encoder.layer.0.intermediate.dense.bias"
            for name in [bias, "classifier.weight"] {
                #expect(after[name]?.values == before[name]?.values.map { Float(Float16($0)) })
            }
        }
    }
}
