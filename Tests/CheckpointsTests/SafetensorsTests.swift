import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

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
        // About 7 MB of descriptions of empty tensors.
        let members = (0..<100_000).map {
            #""t\#($0)":\#(safetensorsTensor("F32", "[0]", "[0,0]"))"#
        }
        let header = "{" + members.joined(separator: ",") + "}"
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            try Data(safetensors(header)).write(to: url)
            var store: SafetensorsStore?
            let duration = try ContinuousClock().measure {
                store = try SafetensorsStore(path: url.path)
            }
            #expect(store?.entries.count == 100_000)
            #expect(duration < .seconds(10))
        }
    }
}
