import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

private typealias Bundle = BundleBuilder

private let first = PickleBuilder.floats(6)
private let second = PickleBuilder.floats(4)

func sampleBundle() -> BundleBuilder {
    Bundle([
        .init("bert/embeddings/LayerNorm/gamma", [2, 3], at: 0, first),
        .init("bert/embeddings/LayerNorm/beta", [4], at: 24, second),
        .init("global_step", [], at: 40, [1, 2, 3, 4]), .init("none", [0, 7], at: 0, []),
    ])
}

/// Writes a checkpoint of one data file, or as many as are given, and runs `body` with its index.
func withCheckpoint<Result>(
    _ index: [UInt8],
    data: [[UInt8]] = [first + second + [1, 2, 3, 4]],
    _ body: (URL) throws -> Result
) throws -> Result {
    try withTemporaryFolder { folder in
        let url = folder.appending(path: "model.ckpt.index")
        try Data(index).write(to: url)
        for (number, bytes) in data.enumerated() {
            let name = "model.ckpt.data-0000\(number)-of-0000\(data.count)"
            try Data(bytes).write(to: folder.appending(path: name))
        }
        return try body(url)
    }
}

func checkpointRefusal(_ index: [UInt8], data: [[UInt8]]? = nil) throws -> String {
    let failure = try failure {
        try withCheckpoint(index, data: data ?? [first + second + [1, 2, 3, 4]]) {
            try readEverything(TensorContainer.open($0))
        }
    }
    #expect(failure.kind == .badData)
    return failure.reason
}

@Suite struct `TensorFlow's checkpoints` {
    @Test(arguments: [1, 2, 100], [false, true]) func `tensors are read and checked`(
        entriesPerBlock: Int,
        isPacked: Bool
    ) throws {
        var bundle = sampleBundle()
        bundle.entriesPerBlock = entriesPerBlock
        bundle.tensors[2].type = 3
        if isPacked {
            bundle.compression = 1
            bundle.pack = Bundle.snappy
        }
        try withCheckpoint(bundle.index()) { url in
            let folder = url.deletingLastPathComponent()
            for name in ["model.ckpt.index", "model.ckpt", "model.ckpt.data-00000-of-00001"] {
                let store = try TensorContainer.open(folder.appending(path: name))
                #expect(store.layout == "TensorFlow checkpoint")
                let names = store.entries.map(\.name)
                #expect(names == names.sorted() && names.count == 4)
                let gamma = try store.tensor(named: "bert/embeddings/LayerNorm/gamma")
                #expect(gamma == Tensor(shape: [2, 3], values: [0, 1, 2, 3, 4, 5]))
                let step = try #require(store.entries.first { $0.name == "global_step" })
                #expect(step.elementType == .int32 && step.shape == [])
                #expect(store.extent(of: step)?.offset == 40)
                try (store as? any ChecksummedStore)?.checkValues()
                #expect(store.files.count == 2)
            }
        }
    }

    @Test func `data may lie in several files, and in the other byte order`() throws {
        var bundle = sampleBundle()
        bundle.shardCount = 2
        bundle.endianness = 1
        let swapped = [0, 1, 2, 3].flatMap { littleEndian(Float($0).bitPattern.byteSwapped, 4) }
        bundle.tensors[1] = .init("b", [4], at: 0, swapped)
        bundle.tensors[1].shard = 1
        try withCheckpoint(bundle.index(), data: [first + second + [1, 2, 3, 4], swapped]) { url in
            let store = try TensorContainer.open(url)
            let values = try store.tensor(named: "b").values
            #expect(values == [0, 1, 2, 3])
            #expect(store.entries.allSatisfy { store.extent(of: $0) == nil })
            #expect(store.layout == "TensorFlow checkpoint in 2 data files")
        }
    }

    @Test func `what is no number is noted`() throws {
        var bundle = sampleBundle()
        bundle.tensors[0].type = 7
        bundle.tensors[1].type = 99
        try withCheckpoint(bundle.index()) { url in
            let store = try TensorContainer.open(url)
            #expect(store.entries.map(\.name) == ["global_step", "none"])
            let note =
                "not numbers, and not read: \"bert/embeddings/LayerNorm/beta\" (TensorFlow's type 99), "
                + "\"bert/embeddings/LayerNorm/gamma\" (strings)"
            #expect(store.notes == [note])
        }
    }

    @Test func `a changed value is found when it is read`() throws {
        var data = first + second + [1, 2, 3, 4]
        data[5] ^= 1
        #expect(
            try checkpointRefusal(sampleBundle().index(), data: [data]).contains(
                "gamma\" is damaged"
            )
        )
    }

    @Test func `entries that break a rule are refused`() throws {
        let cases: [(phrase: String, change: (inout Bundle) -> Void)] = [
            ("takes 24 bytes, the index gives 25", { $0.tensors[0].byteCount = 25 }),
            ("takes 48 bytes", { $0.tensors[0].type = 2 }),
            ("truncated", { $0.tensors[2].offset = 41 }),
            ("truncated", { $0.tensors[2].offset = Int.max }),
            ("begins at byte", { $0.tensors[2].offset = -1 }),
            ("be counted", { $0.tensors[0].dimensions = [1 << 40, 1 << 40] }),
            ("be counted", { $0.tensors[0].dimensions = [-1, 2] }),
            (
                "more than 8 dimensions",
                { $0.tensors[0].dimensions = .init(repeating: 1, count: 9) }
            ),
            ("data file 1 of 1", { $0.tensors[0].shard = 1 }),
            ("overlaps", { $0.tensors[1].offset = 20 }),
            ("has no shape", { $0.tensors[0].extra = [0x12, 2, 0x18, 1] }),
            ("are partitioned", { $0.tensors[0].extra = [0x3A, 0] }),
            ("a field of another kind", { $0.tensors[0].extra = [0x38, 0] }),
            ("unknown wire type 3", { $0.tensors[0].extra = [0x43] }),
            ("is cut short", { $0.tensors[0].extra = [0x42, 9] }),
            (
                "more than 64 bits",
                { $0.tensors[0].extra = [0x40] + [UInt8](repeating: 0xFF, count: 10) }
            ),
            ("not UTF-8", { $0.tensors[0].name = [0x61, 0xFF] }),
            ("is not after the one before it", { $0.tensors.append($0.tensors[0]) }),
            (
                "is not after the one before it",
                {
                    $0.isSorted = false
                    $0.entriesPerBlock = 1
                }
            ),
            ("has 0 data files", { $0.shardCount = 0 }),
            ("has 4097 data files", { $0.shardCount = 4097 }),
            ("byte order 2", { $0.endianness = 2 }), ("of version 2", { $0.neededVersion = 2 }),
            ("unknown compression 2", { $0.compression = 2 }),
            ("cannot be unpacked", { $0.compression = 1 }),
        ]
        for (phrase, change) in cases {
            var bundle = sampleBundle()
            change(&bundle)
            let reason = try checkpointRefusal(bundle.index())
            #expect(reason.contains(phrase), "\(reason)")
        }
        let twins = Bundle([.init("\u{E9}", [0], at: 0, []), .init("e\u{301}", [0], at: 0, [])])
        #expect(try checkpointRefusal(twins.index()).contains("twice"))
    }

    @Test func `missing data files are named, and the index needs its name`() throws {
        var bundle = sampleBundle()
        bundle.shardCount = 3
        try withCheckpoint(bundle.index(), data: []) { url in
            let failure = try failure { _ = try TensorContainer.open(url) }
            #expect(failure.kind == .missingInput)
            #expect(failure.reason.contains("3 of the checkpoint's 3 data files are missing"))
            #expect(failure.reason.hasSuffix("model.ckpt.data-00002-of-00003"))
        }
        #expect(try refusal(of: bundle.index()).reason.contains("does not end in .index"))
    }

    @Test func `an index cut anywhere is refused`() throws {
        let bytes = sampleBundle().index()
        for count in 0..<bytes.count {
            #expect(throws: Failure.self) {
                try withCheckpoint(Array(bytes[..<count])) { _ = try TensorContainer.open($0) }
            }
        }
    }

    @Test func `mutated indexes give failures or tensors`() throws {
        let bytes = sampleBundle().index()
        try withCheckpoint(bytes) { url in
            let refused = try refusals(
                of: bytes,
                at: url,
                count: 1000,
                seed: 5,
                open: TensorContainer.open
            )
            #expect(refused > 800)
        }
        // With its checksums made right again, a change reaches what is behind them.
        var generator = SeededGenerator(state: 6)
        for _ in 0..<3000 {
            var bundle = sampleBundle()
            bundle.pack = { content in
                var content = content
                let place = Int.random(in: 0..<content.count, using: &generator)
                content[place] =
                    Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : content[place] ^ 1 << UInt8.random(in: 0..<8, using: &generator)
                return content
            }
            do {
                try withCheckpoint(bundle.index()) { try readEverything(TensorContainer.open($0)) }
            } catch is Failure {
                continue
            }
        }
    }
}
