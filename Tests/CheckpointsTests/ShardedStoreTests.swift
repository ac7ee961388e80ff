import Checkpoints
import Diagnostics
import Foundation
import Tensors
import Testing

private func shard(_ names: [String], in folder: URL, _ file: String) throws {
    let entries = names.map { TensorEntry(name: $0, shape: [2], elementType: .int8) }
    let writer = try SafetensorsWriter(
        creating: folder.appending(path: file).path,
        tensors: entries
    )
    for name in names {
        try Array(name.utf8.prefix(2)).withUnsafeBytes { try writer.write($0, to: name) }
    }
    try writer.finish()
}

/// A folder of the shards `1` (aa, bb) and `2` (cc), and an index of that text.
private func withShards<Result>(_ index: String, _ body: (URL) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
        try shard(["aa", "bb"], in: folder, "1")
        try shard(["cc"], in: folder, "2")
        let url = folder.appending(path: "model.safetensors.index.json")
        try Data(index.utf8).write(to: url)
        return try body(url)
    }
}

private func index(_ map: String, size: Int = 6) -> String {
    #"{"metadata":{"total_size":\#(size)},"weight_map":{\#(map)}}"#
}

@Suite struct `Sharded weights` {
    static let good = #""aa":"1","bb":"1","cc":"2""#

    @Test func `the tensors of all shards are one store's`() throws {
        try withShards(index(Self.good)) { url in
            let store = try TensorContainer.open(url)
            #expect(store.layout == "safetensors in 2 shards")
            #expect(store.entries.map(\.name) == ["aa", "bb", "cc"])
            #expect(store.notes == [])
            #expect(store.files.map(\.lastPathComponent) == [url.lastPathComponent, "1", "2"])
            for entry in store.entries {
                #expect(try bytes(of: entry, in: store) == Array(entry.name.utf8))
                #expect(store.extent(of: entry) != nil)
            }
            #expect((store as? ShardedStore)?.metadata == ["format": "pt"])
        }
    }

    @Test func `a link to a shard is followed, as in a download cache`() throws {
        try withShards(index(Self.good)) { url in
            let folder = url.deletingLastPathComponent()
            let blobs = folder.appending(path: "blobs")
            try FileManager.default.createDirectory(at: blobs, withIntermediateDirectories: true)
            let shard = folder.appending(path: "2")
            try FileManager.default.moveItem(at: shard, to: blobs.appending(path: "x"))
            try FileManager.default.createSymbolicLink(
                atPath: shard.path,
                withDestinationPath: "blobs/x"
            )
            #expect(try TensorContainer.open(url).entries.count == 3)
            try FileManager.default.removeItem(at: shard)
            try FileManager.default.createSymbolicLink(
                atPath: shard.path,
                withDestinationPath: "blobs"
            )
            let failure = try failure { _ = try TensorContainer.open(url) }
            #expect(failure.reason == "this is a folder, not a file")
        }
    }

    @Test func `an index that declares another size is noted`() throws {
        try withShards(index(Self.good, size: 7)) { url in
            let notes = try TensorContainer.open(url).notes
            #expect(notes == ["the index declares 7 bytes of tensors, the shards hold 6"])
        }
    }

    @Test(
        arguments: [
            (#""aa":"1","bb":"1""# + #","cc":"../2""#, "not the name of a file beside"),
            (#""cc":"/etc/hostname""#, "not the name of a file"), (#""cc":"..""#, "not the name"),
            (#""cc":".hidden""#, "not the name"), (#""cc":"""#, "not the name"),
            (#""cc":"a\\b""#, "not the name"), (#""cc":"a\u0000b""#, "not the name"),
            (#""cc":7"#, "not the name"), (#""cc":["2"]"#, "not the name"),
            ("", "\"weight_map\" is empty"),
            (good + #","cc":"2""#, "the key \"cc\" a second time"),
            (good + #","dd":"2","ee":"1""#, "\"dd\" is in no shard; \"ee\" is in no shard"),
            (#""aa":"1","bb":"2","cc":"2""#, "\"bb\" is in 1, not in 2"),
            (#""aa":"1","cc":"2""#, "\"bb\" is not in the index"),
            (#""bb":"1","cc":"2""#, "\"aa\" is not in the index"),
            (good + #","x/cc":"2""#, "\"x/cc\" is in the index twice"),
        ]
    ) func `an index that breaks a rule is refused`(map: String, phrase: String) throws {
        try withShards(index(map)) { url in
            let failure = try failure { _ = try TensorContainer.open(url) }
            #expect(failure.kind == .badData)
            #expect(failure.reason.contains(phrase), "\(failure)")
        }
    }

    @Test func `all missing shards are named at once`() throws {
        try withShards(index(Self.good + #","dd":"3","ee":"4""#)) { url in
            let failure = try failure { _ = try TensorContainer.open(url) }
            #expect(failure.kind == .missingInput)
            #expect(failure.reason == "2 of its 4 shards are missing: 3, 4")
        }
    }

    @Test func `a tensor in two shards is refused, and so is an index as a shard`() throws {
        try withShards(index(Self.good)) { url in
            let folder = url.deletingLastPathComponent()
            try FileManager.default.removeItem(at: folder.appending(path: "2"))
            try shard(["cc", "aa"], in: folder, "2")
            let twice = try failure { _ = try TensorContainer.open(url) }
            #expect(twice.reason.contains("\"aa\" is in two shards, 1 and 2"), "\(twice)")
            try Data(#"{"weight_map":{"cc":"2"}}"#.utf8).write(to: folder.appending(path: "2"))
            let nested = try failure { _ = try TensorContainer.open(url) }
            #expect(nested.reason.contains("is no shard of an index"), "\(nested)")
        }
    }

    @Test func `what is no index is refused`() throws {
        for text in ["{}", #"{"weight_map":[]}"#, #"{"model_type":"bert"}"#] {
            let failure = try refusal(of: Array(text.utf8))
            #expect(failure.reason.hasPrefix("there is no object \"weight_map\""))
        }
    }
}
