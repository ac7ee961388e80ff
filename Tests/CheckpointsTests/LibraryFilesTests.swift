import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// The small files that PyTorch, safetensors and TensorFlow wrote, as containers: `fixtures/layouts`.
@Suite struct `Files of the reference libraries` {
    static let folder = Fixtures.folder.appending(path: "layouts")

    private func open(_ name: String) throws -> any TensorStore {
        try TensorContainer.open(Self.folder.appending(path: name))
    }

    /// The bytes of every tensor by its name.
    private func content(_ store: any TensorStore) throws -> [String: [UInt8]] {
        var content: [String: [UInt8]] = [:]
        for entry in store.entries { content[entry.name] = try bytes(of: entry, in: store) }
        return content
    }

    @Test(
        arguments: [
            ("bin", "safetensors"), ("bin_parameters", "safetensors"), ("bin_views", "safetensors"),
            ("bin_state_dict", "safetensors"), ("bin_legacy", "safetensors"),
            ("bin_legacy_views", "safetensors"), ("bin_data_parallel", "safetensors"),
            ("bin_f16", "safetensors_f16"), ("bin_bf16", "safetensors_bf16"),
            ("bin_f64", "safetensors_f64"),
        ]
    ) func `PyTorch's pickles hold the bytes of their safetensors twins`(
        name: String,
        twin: String
    ) throws {
        let store = try open("\(name)/pytorch_model.bin")
        #expect(store is PyTorchStore)
        try (store as? any ChecksummedStore)?.checkValues()
        var found = try content(store)
        if name == "bin_data_parallel" {
            found = Dictionary(
                uniqueKeysWithValues: found.map { (String($0.dropFirst("module.".count)), $1) }
            )
        }
        let expected = try content(try open("\(twin)/model.safetensors"))
        #expect(found == expected)
        let strided = store.entries.filter { $0.storage == "strided" }
        #expect(strided.isEmpty == !name.hasSuffix("views"))
    }

    @Test(arguments: ["safetensors_sharded/model.safetensors", "bin_sharded/pytorch_model.bin"])
    func `shards hold the bytes of the single file`(name: String) throws {
        let store = try open("\(name).index.json")
        #expect(store is ShardedStore && store.files.count == 5 && store.notes == [])
        let found = try content(store)
        let expected = try content(try open("safetensors/model.safetensors"))
        #expect(found == expected)
    }

    @Test func `TensorFlow's shards of safetensors hold the bytes of the single file`() throws {
        let found = try content(try open("tf_safetensors_sharded/model.safetensors.index.json"))
        let expected = try content(try open("tf_safetensors/model.safetensors"))
        #expect(Set(found.values) == Set(expected.values))
        #expect(found.count == expected.count)
    }

    @Test(arguments: ["google/bert_model.ckpt", "google_two_shards/bert_model.ckpt"])
    func `Google's checkpoints hold the values of their PyTorch twins`(name: String) throws {
        let store = try open(name)
        try (store as? any ChecksummedStore)?.checkValues()
        let twin = try open("safetensors_pre_training/model.safetensors")
        for (entry, other) in [
            ("embeddings/word_embeddings", "embeddings.word_embeddings.weight"),
            ("embeddings/LayerNorm/gamma", "embeddings.LayerNorm.weight"),
            ("pooler/dense/bias", "pooler.dense.bias"),
        ] {
            let found = try store.tensor(named: "bert/\(entry)")
            let expected = try twin.tensor(named: "bert.\(other)")
            #expect(found == expected)
        }
        let found = try store.tensor(named: "bert/pooler/dense/kernel").transposed()
        let expected = try twin.tensor(named: "bert.pooler.dense.weight")
        #expect(found == expected)
    }

    @Test func `an optimizer's state is read like all else`() throws {
        let store = try open("google_optimizer/model.ckpt-7")
        let step = try #require(store.entries.first { $0.name == "global_step" })
        #expect(step.elementType == .int64 && step.shape == [])
        #expect(store.entries.contains { $0.name.hasSuffix("/adam_m") })
        try (store as? any ChecksummedStore)?.checkValues()
    }

    @Test func `the writer gives the reference library's bytes`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
            .filter { $0.hasPrefix("safetensors") && !$0.hasSuffix("sharded") }
        #expect(names.count > 10)
        try withTemporaryFolder { folder in
            for name in names {
                let url = Self.folder.appending(path: "\(name)/model.safetensors")
                let store = try SafetensorsStore(path: url.path)
                let copy = folder.appending(path: name)
                let writer = try SafetensorsWriter(
                    creating: copy.path,
                    tensors: store.entries.reversed(),
                    metadata: store.metadata
                )
                for entry in store.entries {
                    try bytes(of: entry, in: store).withUnsafeBytes {
                        try writer.write($0, to: entry.name)
                    }
                }
                try writer.finish()
                let (written, original) = (try Data(contentsOf: copy), try Data(contentsOf: url))
                #expect(written == original, "\(name)")
            }
        }
    }

    @Test(arguments: ["bin_views", "bin_legacy_views", "bin_state_dict"])
    func `mutated pickles of the library give failures or tensors`(name: String) throws {
        let url = Self.folder.appending(path: "\(name)/pytorch_model.bin")
        let bytes = [UInt8](try Data(contentsOf: url))
        try withTemporaryFolder { folder in
            let refused = try refusals(
                of: bytes,
                at: folder.appending(path: "x"),
                count: 1000,
                seed: 9,
                // The pickle, and not only values.
                within: 0..<5000,
                open: TensorContainer.open
            )
            #expect(refused > 300)
        }
    }
}
