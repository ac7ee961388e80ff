import Bert
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import Tensors
import Testing

/// A folder for outputs, removed when the body is left.
func withOutputs<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "bertkit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

@Suite struct `Writing layouts` {
    /// One folder of every model that can be written.
    static let models = [
        "safetensors", "safetensors_base", "safetensors_masked_lm", "safetensors_pre_training",
        "safetensors_next_sentence", "safetensors_multiple_choice",
        "safetensors_question_answering", "safetensors_token_classification", "distilbert",
        "distilbert_masked_lm", "roberta", "roberta_masked_lm", "electra",
        "electra_replaced_token_detection", "electra_narrow", "tinybert", "google", "keras_bert",
        "bert4keras", "tf_sharded",
    ].map(LayoutFixture.named)

    static func expectSame(_ first: Checkpoint, _ second: Checkpoint, _ comment: Comment) throws {
        #expect(Set(first.tensors.map(\.name)) == Set(second.tensors.map(\.name)), comment)
        #expect(second.unknown.isEmpty, comment)
        #expect(first.head == second.head, comment)
        for tensor in first.tensors {
            #expect(
                try first.tensor(named: tensor.name) == second.tensor(named: tensor.name),
                "\(tensor.name)"
            )
        }
        var (one, other) = (first.configuration, second.configuration)
        one?.raw = [:]
        other?.raw = [:]
        // A head without labels has none to keep.
        if one?.head.hasLabels == false { other?.labels = one?.labels ?? [] }
        #expect(one == other, comment)
        #expect(try one == nil || first.loadsSame(second), comment)
    }

    @Test(arguments: models)
    func `there and back through every layout is the identity`(fixture: LayoutFixture) throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(fixture.url)
            var last = folder.appending(path: "0")
            try source.write(to: last, ConversionOptions(format: .safetensors))
            for (index, format) in [ExportFormat.huggingFaceHDF5, .safetensors].enumerated() {
                let next = folder.appending(path: "\(index + 1)")
                try Checkpoint.open(last).write(to: next, ConversionOptions(format: format))
                try Self.expectSame(source, Checkpoint.open(next), "\(format)")
                last = next
            }
            #expect(
                try Data(contentsOf: last.appending(path: "model.safetensors"))
                    == Data(contentsOf: folder.appending(path: "0/model.safetensors"))
            )
        }
    }

    @Test(arguments: [
        "safetensors_gelu_new", "safetensors_gelu_new_base", "keras_classifier", "keras_masked_lm",
        "keras_classifier_archive",
    ])
    func `KerasHub's layouts hold what KerasHub can compute, exactly`(name: String) throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named(name).url)
            for format in [ExportFormat.kerasHub, .kerasWeights] {
                let output = folder.appending(path: format.rawValue)
                try source.write(to: output, ConversionOptions(format: format))
                let read = try Checkpoint.open(output)
                #expect(Set(source.tensors.map(\.name)) == Set(read.tensors.map(\.name)))
                for tensor in source.tensors {
                    #expect(
                        try source.tensor(named: tensor.name) == read.tensor(named: tensor.name)
                    )
                }
                #expect(read.configuration?.activation == .geluTanh(name: "gelu_new"))
            }
        }
    }

    @Test(arguments: [ElementType.float16, .bfloat16])
    func `shorter types are rounded once, and back again they stay`(type: ElementType) throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("safetensors").url)
            let name = type == .float16 ? "safetensors_f16" : "safetensors_bf16"
            let rounded = try Checkpoint.open(LayoutFixture.named(name).url)
            for format in [ExportFormat.safetensors, .huggingFaceHDF5] {
                var options = ConversionOptions(format: format)
                options.elementType = type
                let output = folder.appending(path: format.rawValue)
                try source.write(to: output, options)
                let short = try Checkpoint.open(output)
                #expect(short.tensors.allSatisfy { $0.entry.elementType == type })
                let back = folder.appending(path: format.rawValue + "-back")
                options.elementType = .float32
                try short.write(to: back, options)
                for checkpoint in [short, try Checkpoint.open(back)] {
                    for tensor in rounded.tensors {
                        #expect(
                            try rounded.tensor(named: tensor.name)
                                == checkpoint.tensor(named: tensor.name),
                            "\(format) \(tensor.name)"
                        )
                    }
                }
            }
        }
    }

    @Test func `what a shorter type costs is counted`() throws {
        try withOutputs { folder in
            let values: [Float] = [1, 65_519, 65_520, -1e30, 1e-5, 1e-30, 0, -0.0]
            let store = MemoryStore(
                source: "memory",
                [("a", Tensor(shape: [8], values: values))]
            )
            let target = TensorEntry(name: "a", shape: [8], elementType: .float16)
            let item = TensorCopy.Item(
                from: store,
                store.entries[0],
                reading: .identity,
                writing: .identity,
                to: target
            )
            let sink = try SafetensorsWriter(
                creating: folder.appending(path: "a.safetensors").path,
                tensors: [target]
            )
            let result = try TensorCopy.run([item], to: sink)
            try sink.finish()
            #expect(result.narrowing["a"]?.overflowCount == 2)
            #expect(result.narrowing["a"]?.underflowCount == 2)
        }
    }

    @Test(arguments: [ExportFormat.safetensors, .huggingFaceHDF5])
    func `shards hold the same model`(format: ExportFormat) throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("tf").url)
            var options = ConversionOptions(format: format)
            options.shardByteCount = 4000
            if format == .huggingFaceHDF5 { options.compression = 3 }
            let output = folder.appending(path: "shards")
            let report = try source.write(to: output, options)
            #expect(report.files.count { $0.name.contains("-of-") } > 2)
            try Self.expectSame(source, Checkpoint.open(output), "\(format)")
        }
    }

    @Test func `shards of a preset hold the same model`() throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("keras_classifier").url)
            var options = ConversionOptions(format: .kerasHub)
            options.shardByteCount = 4000
            let output = folder.appending(path: "shards")
            let report = try source.write(to: output, options)
            #expect(report.files.count { $0.name.hasPrefix("model_") } > 2)
            let read = try Checkpoint.open(output)
            #expect(Set(read.tensors.map(\.name)) == Set(source.tensors.map(\.name)))
            for tensor in source.tensors {
                #expect(try source.tensor(named: tensor.name) == read.tensor(named: tensor.name))
            }
        }
    }

    @Test func `compressed HDF5 is smaller and the same`() throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("tf").url)
            var options = ConversionOptions(format: .huggingFaceHDF5)
            options.compression = 9
            let output = folder.appending(path: "gzip")
            try source.write(to: output, options)
            let read = try Checkpoint.open(output)
            #expect(read.store.entries.allSatisfy { $0.storage == "chunked, shuffle, gzip" })
            try Self.expectSame(source, read, "gzip")
        }
    }

    @Test func `the same input gives the same bytes`() throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("tf").url)
            for format in ExportFormat.allCases {
                var options = ConversionOptions(format: format)
                options.allowsApproximation = true
                var contents: [[String: Data]] = []
                for run in ["a", "b"] {
                    let output = folder.appending(path: "\(format.rawValue)-\(run)")
                    let report = try source.write(to: output, options)
                    contents.append(
                        try Dictionary(
                            uniqueKeysWithValues: report.files.map {
                                ($0.name, try Data(contentsOf: output.appending(path: $0.name)))
                            }
                        )
                    )
                }
                #expect(contents[0] == contents[1], "\(format)")
            }
        }
    }

    @Test func `a head is left out, or made`() throws {
        try withOutputs { folder in
            let source = try Checkpoint.open(LayoutFixture.named("safetensors").url)
            var options = ConversionOptions(format: .safetensors)
            options.head = .none
            let bare = folder.appending(path: "bare")
            try source.write(to: bare, options)
            let encoder = try Checkpoint.open(bare)
            #expect(encoder.head == .none)
            // Readers of encoders expect names without a prefix.
            #expect(encoder.store.entries.contains { $0.name.hasPrefix("embeddings.") })
            options.head = .new(labels: ["a", "b"], seed: 7)
            let made = folder.appending(path: "made")
            try source.write(to: made, options)
            let classifier = try Checkpoint.open(made)
            #expect(classifier["classifier.weight"]?.shape == [2, 12])
            #expect(classifier.configuration?.labels == ["a", "b"])
            let fresh = try classifier.tensor(named: "classifier.weight").values
            #expect(Set(fresh).count == 24)
        }
    }
}

extension Checkpoint {
    /// Whether the whole models, as they are run, are equal.
    fileprivate func loadsSame(_ other: Checkpoint) throws -> Bool {
        let (one, two) = (
            try loadModel().parameters.leaves, try other.loadModel().parameters.leaves
        )
        return one.map(\.name) == two.map(\.name) && one.map(\.leaf) == two.map(\.leaf)
    }
}
