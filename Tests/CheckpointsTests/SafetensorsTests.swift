import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// A safetensors file of that header and so many bytes of data.
func safetensors(_ header: String, dataByteCount: Int = 0) -> [UInt8] {
    let header = Array(header.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
}

private func tensor(_ type: String, _ shape: String, _ offsets: String) -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
}

private func open(_ url: URL) throws -> any TensorStore {
    try SafetensorsStore(path: url.path)
}

@Suite struct `Safetensors` {
    /// One tensor of each element type; a scalar and an empty one.
    static let every: [(entry: TensorEntry, bytes: [UInt8])] = ElementType.allCases.enumerated().map
    {
        index,
        type in
        let shape: Shape = index == 0 ? [] : index == 1 ? [3, 0] : [2, index]
        let entry = TensorEntry(name: "t\(index)é\n", shape: shape, elementType: type)
        return (entry, (0..<entry.byteCount).map { UInt8(truncatingIfNeeded: $0 * 7 + index) })
    }

    private func write(_ url: URL) throws {
        let writer = try SafetensorsWriter(
            creating: url.path,
            tensors: Self.every.map(\.entry),
            metadata: ["format": "pt", "a": "b\"\\"]
        )
        // In pieces, backwards.
        for (entry, bytes) in Self.every.reversed() {
            for start in stride(from: 0, to: bytes.count, by: 5).reversed() {
                try bytes[start..<min(start + 5, bytes.count)].withUnsafeBytes {
                    try writer.write($0, to: entry.name, at: start)
                }
            }
        }
        try writer.finish()
    }

    @Test func `what is written is read, and twice gives the same bytes`() throws {
        try withTemporaryFolder { folder in
            let urls = ["a", "b"].map { folder.appending(path: $0) }
            for url in urls { try write(url) }
            #expect(try Data(contentsOf: urls[0]) == (try Data(contentsOf: urls[1])))
            let store = try SafetensorsStore(path: urls[0].path)
            #expect(store.metadata == ["format": "pt", "a": "b\"\\"])
            #expect(Set(store.entries) == Set(Self.every.map(\.entry)))
            for (entry, expected) in Self.every {
                #expect(try bytes(of: entry, in: store) == expected)
                let extent = try #require(store.extent(of: entry))
                let range = extent.offset..<extent.offset + entry.byteCount
                #expect(try extent.file.bytes(range) == expected)
            }
            let sizes = store.entries.map(\.elementType.byteCount)
            #expect(sizes == sizes.sorted(by: >))
            #expect(
                store.entries.allSatisfy {
                    store.extent(of: $0)!.offset % 2 == 0 || sizes.last == 1
                }
            )
        }
    }

    @Test func `threads may write at once`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bertkit-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: "x.safetensors")
        let entries = (0..<8).map { TensorEntry(name: "\($0)", shape: [999], elementType: .uint8) }
        let writer = try SafetensorsWriter(creating: url.path, tensors: entries)
        try await withThrowingTaskGroup { group in
            for (index, entry) in entries.enumerated() {
                for start in [0, 333, 666] {
                    group.addTask {
                        try [UInt8](repeating: UInt8(index), count: 333).withUnsafeBytes {
                            try writer.write($0, to: entry.name, at: start)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try writer.finish()
        let store = try SafetensorsStore(path: url.path)
        for (index, entry) in entries.enumerated() {
            #expect(try bytes(of: entry, in: store).allSatisfy { $0 == UInt8(index) })
        }
    }

    @Test func `a file that is not complete is not finished, and none is replaced`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "x").path
            let entries = ["a", "b"].map { TensorEntry(name: $0, shape: [8], elementType: .uint8) }
            let writer = try SafetensorsWriter(creating: path, tensors: entries)
            let all = [UInt8](repeating: 1, count: 8)
            try all.withUnsafeBytes { try writer.write($0, to: "a") }
            for range in [0..<3, 5..<8, 2..<4] {
                try all[range].withUnsafeBytes {
                    try writer.write($0, to: "b", at: range.lowerBound)
                }
            }
            let incomplete = try failure { try writer.finish() }
            #expect(incomplete.kind == .inputOutput)
            #expect(incomplete.reason == "not everything was written of \"b\"")
            try all[4..<5].withUnsafeBytes { try writer.write($0, to: "b", at: 4) }
            try writer.finish()
            let refused = try failure { _ = try SafetensorsWriter(creating: path, tensors: []) }
            #expect(refused.kind == .cannotCreate)
        }
    }

    @Test func `a full disk is a failure`() throws {
        let entry = TensorEntry(name: "a", shape: [1 << 60], elementType: .uint8)
        try withTemporaryFolder { folder in
            let refused = try failure {
                _ = try SafetensorsWriter(
                    creating: folder.appending(path: "x").path,
                    tensors: [entry]
                )
            }
            #expect(refused.kind == .inputOutput, "\(refused)")
        }
    }

    static let f32 = tensor("F32", "[2]", "[0,8]")

    @Test(
        arguments: [
            (#"{}      "#, 0), (#"{"a":\#(f32)}"#, 8), (#"{"__metadata__":{},"a":\#(f32)}   "#, 8),
            // Scalars, and empty tensors wherever they lie.
            (#"{"a":\#(tensor("I64", "[]", "[0,8]"))}"#, 8),
            (
                #"{"z":\#(tensor("F16", "[0,5]", "[8,8]")),"b":\#(tensor("I8", "[0]", "[0,0]")),"a":\#(f32)}"#,
                8
            ),
        ]
    ) func `odd but well-formed files open`(header: String, dataByteCount: Int) throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try Data(safetensors(header, dataByteCount: dataByteCount)).write(to: url)
            try readEverything(SafetensorsStore(path: url.path))
        }
    }

    @Test(
        arguments: [
            ("", 0, "holds no JSON object"), ("{", 0, "holds no JSON object"),
            (#" {"a":\#(f32)}"#, 8, "does not begin with \"{\""),
            ("{}\n", 0, "other than spaces"), ("{}\0", 0, "other than spaces"),
            ("{}{}", 0, "other than spaces"), ("{]", 0, "a key that is not text"),
            (#"{"a":\#(f32),"a":\#(f32)}"#, 8, "the key \"a\" a second time"),
            ("{\"\u{e9}\":\(f32),\"e\u{301}\":\(f32)}", 8, "a second time"),
            (
                #"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8,
                "second time"
            ),
            (#"{"__metadata__":{"a":"b","a":"b"}}"#, 0, "the key \"a\" a second time"),
            (#"{"__metadata__":{"a":1}}"#, 0, "other than a text under \"a\""),
            (#"{"__metadata__":[]}"#, 0, "__metadata__ is not an object"),
            (#"{"":\#(f32)}"#, 8, "a tensor without a name"),
            (#"{"a":7}"#, 8, "other than an object"),
            (#"{"a":\#(tensor("f32", "[2]", "[0,8]"))}"#, 8, "the unknown type \"f32\""),
            (#"{"a":\#(tensor("F8_E4M3", "[8]", "[0,8]"))}"#, 8, "the unknown type \"F8_E4M3\""),
            (#"{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#, 8, "a dtype that is no text"),
            (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "has no dtype"),
            (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "has no shape"),
            (#"{"a":{"dtype":"F32","shape":[2]}}"#, 8, "has no two data_offsets"),
            (
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, 8,
                "unknown field \"x\""
            ),
            (#"{"a":\#(tensor("F32", "2", "[0,8]"))}"#, 8, "a shape that is no list"),
            (#"{"a":\#(tensor("F32", "[2.0]", "[0,8]"))}"#, 8, "other than whole numbers"),
            (#"{"a":\#(tensor("F32", "[2e0]", "[0,8]"))}"#, 8, "other than whole numbers"),
            (#"{"a":\#(tensor("F32", "[-2]", "[0,8]"))}"#, 8, "other than whole numbers"),
            (#"{"a":\#(tensor("F32", "[[2]]", "[0,8]"))}"#, 8, "other than whole numbers"),
            (#"{"a":\#(tensor("F32", "[02]", "[0,8]"))}"#, 8, "leading zeros"),
            (#"{"a":\#(tensor("F32", "[18446744073709551616]", "[0,8]"))}"#, 8, "other than whole"),
            (#"{"a":\#(tensor("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"))}"#, 8, "more than 8 numbers"),
            (#"{"a":\#(tensor("F32", "[2]", "[0]"))}"#, 8, "has no two data_offsets"),
            (#"{"a":\#(tensor("F32", "[2]", "[0,8,8]"))}"#, 8, "more than 2 numbers"),
            (#"{"a":\#(tensor("F32", "[2]", "[8,0]"))}"#, 8, "before it begins"),
            (
                #"{"a":\#(tensor("F32", "[3]", "[0,8]"))}"#, 8,
                "takes 12 bytes, but its data_offsets span 8"
            ),
            // The product of the extents is 4 when it wraps.
            (
                #"{"a":\#(tensor("I8", "[4194305,4194305,211106198978564]", "[0,4]"))}"#, 4,
                "can be counted"
            ),
            (#"{"a":\#(tensor("I8", "[0,4611686018427387904,4]", "[0,0]"))}"#, 0, "can be counted"),
            (
                #"{"a":\#(f32),"b":\#(tensor("F32", "[2]", "[4,12]"))}"#, 12,
                "inside the tensor before it"
            ),
            (#"{"a":\#(f32),"b":\#(f32)}"#, 8, "inside the tensor before it"),
            (
                #"{"a":\#(f32),"b":\#(tensor("F32", "[2]", "[9,17]"))}"#, 17,
                "bytes 8 to 9 of the data"
            ),
            (#"{"a":\#(tensor("F32", "[2]", "[1,9]"))}"#, 9, "bytes 0 to 1 of the data"),
            (#"{"a":\#(f32)}"#, 9, "1 bytes after the last tensor"),
            (#"{"a":\#(f32)}"#, 7, "truncated: the header declares 8 bytes of tensors"),
            (
                #"{"a":\#(tensor("U8", "[9223372036854775807]", "[0,9223372036854775807]"))}"#, 8,
                "truncated"
            ),
            ("{\"a\":" + String(repeating: "{\"a\":", count: 100), 0, "unknown field"),
            (
                "{\"a\":{\"shape\":" + String(repeating: "[", count: 9000), 0,
                "other than whole numbers"
            ),
        ]
    ) func `a header that breaks a rule is refused`(
        header: String,
        dataByteCount: Int,
        phrase: String
    ) throws {
        let failure = try refusal(of: safetensors(header, dataByteCount: dataByteCount), open: open)
        #expect(failure.kind == .badData)
        #expect(failure.reason.contains(phrase), "\(failure)")
    }

    @Test func `a length that is no header's is refused`() throws {
        for count in 0..<8 {
            let failure = try refusal(of: [UInt8](repeating: 1, count: count), open: open)
            #expect(failure.reason.contains(count == 0 ? "empty" : "truncated"), "\(failure)")
        }
        let header = Array(#"{"a":\#(Self.f32)}"#.utf8)
        for length in [100_000_001, UInt64(1) << 63, .max] {
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            let failure = try refusal(of: bytes + header, open: open)
            #expect(failure.reason.contains("more than 100000000"), "\(failure)")
        }
        let failure = try refusal(of: [100, 0, 0, 0, 0, 0, 0, 0] + header, open: open)
        #expect(failure.reason.contains("truncated: the header has 100 bytes"), "\(failure)")
        var invalid = safetensors(#"{"a":\#(Self.f32)}"#, dataByteCount: 8)
        invalid[10] = 0xFF
        #expect(try refusal(of: invalid, open: open).reason.contains("not UTF-8"))
    }

    @Test func `a file cut anywhere is refused`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try write(url)
            let bytes = [UInt8](try Data(contentsOf: url))
            for count in 0..<bytes.count {
                try Data(bytes[..<count]).write(to: url)
                #expect(throws: Failure.self) { try SafetensorsStore(path: url.path) }
            }
        }
    }

    @Test func `mutated files give failures or tensors`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try write(url)
            let bytes = [UInt8](try Data(contentsOf: url))
            try FileManager.default.removeItem(at: url)
            let refused = try refusals(of: bytes, at: url, count: 3000, seed: 1, open: open)
            #expect(refused > 1000)
        }
    }

    @Test func `a long header is read in time`() throws {
        // About 10 MB of descriptions of empty tensors.
        let members = (0..<150_000).map { #""t\#($0)":\#(tensor("F32", "[0]", "[0,0]"))"# }
        let header = "{" + members.joined(separator: ",") + "}"
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try Data(safetensors(header)).write(to: url)
            var store: SafetensorsStore?
            let duration = try ContinuousClock().measure {
                store = try SafetensorsStore(path: url.path)
            }
            #expect(store?.entries.count == 150_000)
            #expect(duration < .seconds(10))
        }
    }
}
