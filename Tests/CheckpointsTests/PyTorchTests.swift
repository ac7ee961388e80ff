import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

private typealias Build = PickleBuilder

/// Runs `body` with the store that a file of those bytes is.
private func open<Result>(
    _ bytes: [UInt8],
    _ body: (any TensorStore) throws -> Result
) throws -> Result {
    try withTemporaryFolder { folder in
        let url = folder.appending(path: "pytorch_model.bin")
        try Data(bytes).write(to: url)
        return try body(TensorContainer.open(url))
    }
}

/// The archive of a pickle of that value.
private func archive(_ value: [UInt8]) -> [UInt8] { Build.archive(Build.pickle(value)).bytes() }

private func values(_ name: String, _ store: any TensorStore) throws -> [Float] {
    try store.tensor(named: name).values
}

private func names(_ bytes: [UInt8]) throws -> [String] {
    try open(bytes) { $0.entries.map(\.name) }
}

@Suite struct `PyTorch's state dicts` {
    @Test func `views of storages are read, in both formats`() throws {
        func views(isLegacy: Bool) -> [UInt8] {
            let storage = Build.storage(isLegacy: isLegacy)
            return Build.dictionary(
                ("whole", Build.tensor(storage)),
                ("row", Build.tensor(storage, offset: 3, size: [3], strides: [1])),
                ("transposed", Build.tensor(storage, size: [3, 2], strides: [1, 3])),
                ("column", Build.tensor(storage, offset: 1, size: [2], strides: [3])),
                ("cube", Build.tensor(storage, size: [3, 1, 2], strides: [1, 999, 3])),
                ("scalar", Build.tensor(storage, offset: 5, size: [], strides: [])),
                ("empty", Build.tensor(storage, offset: 9, size: [0, 2], strides: [2, 1]))
            )
        }
        for bytes in [archive(views(isLegacy: false)), Build.legacy(views(isLegacy: true))] {
            try open(bytes) { store in
                #expect(try values("whole", store) == [0, 1, 2, 3, 4, 5])
                #expect(try values("row", store) == [3, 4, 5])
                #expect(try values("transposed", store) == [0, 3, 1, 4, 2, 5])
                #expect(try values("column", store) == [1, 4])
                #expect(try values("cube", store) == [0, 3, 1, 4, 2, 5])
                #expect(try values("scalar", store) == [5])
                #expect(try values("empty", store) == [])
                let inOnePiece = store.entries.filter { store.extent(of: $0) != nil }.map(\.name)
                #expect(inOnePiece == ["whole", "row", "scalar", "empty"])
                #expect(store.entries.map(\.storage)[2...4] == ["strided", "strided", "strided"])
                try (store as? any ChecksummedStore)?.checkValues()
            }
        }
    }

    @Test func `big-endian storages are turned round`() throws {
        let pickle = Build.pickle(Build.dictionary(("a", Build.tensor())))
        let swapped = (0..<6).flatMap { littleEndian(Float($0).bitPattern.byteSwapped, 4) }
        let bytes = Build.archive(pickle, storages: ["0": swapped], byteOrder: "big").bytes()
        try open(bytes) { store in
            let found = try values("a", store)
            #expect(found == [0, 1, 2, 3, 4, 5])
            #expect(store.extent(of: store.entries[0]) == nil)
        }
        let odd = Build.archive(pickle, byteOrder: "middle").bytes()
        #expect(try refusal(of: odd).reason.contains("byteorder is neither"))
        try open(Build.archive(pickle, byteOrder: nil).bytes()) { store in
            #expect(store.entries.count == 1)
        }
    }

    @Test func `a wrapped state dict is unwrapped, and what is beside it is noted`() throws {
        let inner = Build.dictionary(("a", Build.tensor()), ("steps", Build.integer(7)))
        let outer = Build.dictionary(
            ("epoch", Build.integer(300)),
            ("model", Build.dictionary(("state_dict", inner)))
        )
        try open(archive(outer)) { store in
            #expect(store.entries.map(\.name) == ["a"])
            #expect(
                store.notes == [
                    "the tensors are those of \"model\"; beside it, and not read: \"epoch\" (an integer)",
                    "the tensors are those of \"state_dict\"",
                    "not tensors, and not read: \"steps\" (an integer)",
                ]
            )
        }
    }

    @Test func `parameters, attributes and newer opcodes are understood`() throws {
        let parameter =
            Build.global("torch._utils", "_rebuild_parameter")
            + Build.tuple(
                Build.tensor(),
                [0x88],
                Build.global("collections", "OrderedDict") + [0x29, 0x52]
            )
            + [0x52]
        let ordered = Build.global("collections", "OrderedDict") + [0x29, 0x52, 0x71, 0]
        let metadata =
            ordered + Build.text("p") + parameter + [0x73]
            + Build.dictionary(("_metadata", [0x7D])) + [0x62]
        #expect(try names(archive(metadata)) == ["p"])
        // Protocol 4: FRAME, SHORT_BINUNICODE, MEMOIZE, STACK_GLOBAL, BINUNICODE8, BINFLOAT, LONG1.
        let short: (String) -> [UInt8] = { [0x8C, UInt8($0.utf8.count)] + Array($0.utf8) + [0x94] }
        let content: [UInt8] =
            [0x7D, 0x94, 0x28] + short("a") + Build.tensor() + short("f") + [0x47, 0x3F, 0xF0]
            + [UInt8](repeating: 0, count: 6) + [0x8D] + littleEndian(1, 8) + [0x6C, 0x8A, 1, 0xFF]
            + short("o") + short("collections") + short("OrderedDict") + [0x93, 0x29, 0x81]
            + short("s") + [0x43, 2, 1, 2] + [0x75, 0x2E]
        let pickle = [0x80, 4, 0x95] + littleEndian(content.count, 8) + content
        try open(Build.archive(pickle).bytes()) { store in
            #expect(store.entries.map(\.name) == ["a"])
            #expect(
                store.notes == [
                    "not tensors, and not read: \"f\" (a float), \"l\" (an integer), "
                        + "\"o\" (a dictionary), \"s\" (bytes)"
                ]
            )
        }
        // Python 2: an OrderedDict of a list of pairs, texts as byte strings.
        let pairs =
            Build.global("collections", "OrderedDict") + [0x5D, 0x28, 0x5D, 0x28, 0x55, 1, 0x61]
            + Build.tensor() + [0x65, 0x65, 0x85, 0x52]
        #expect(try names(archive(pairs)) == ["a"])
    }

    @Test func `one tensor under several names is noted`() throws {
        let value = Build.dictionary(("b", Build.tensor()), ("a", Build.tensor()))
        try open(archive(value)) { store in
            #expect(store.notes == ["one tensor under several names: a, b"])
        }
        let many =
            [0x7D] + Build.mark + (0..<200).flatMap { Build.text("\($0)") + Build.tensor() }
            + [0x75]
        let found = try open(archive(many)) { $0.entries.count }
        #expect(found == 200)
        let large = Build.archive(
            Build.pickle(
                [0x7D, 0x71, 0] + Build.mark
                    + (0..<200).flatMap {
                        Build.text("\($0)")
                            + Build.tensor(Build.storage(count: 60000), size: [60000], strides: [1])
                    } + [0x75]
            ),
            storages: ["0": Build.floats(60000)]
        )
        #expect(
            try refusal(of: large.bytes()).reason.contains("more than 16 times the file's bytes")
        )
    }

    @Test func `archives of other programs are refused for what they are`() throws {
        let pickle = Build.pickle(Build.dictionary(("a", Build.tensor())))
        var script = Build.archive(pickle)
        script.entries.append(ZipBuilder.Entry("archive/code/__torch__.py", [1]))
        #expect(try refusal(of: script.bytes()).reason.contains("TorchScript"))
        var twice = Build.archive(pickle)
        twice.entries.append(ZipBuilder.Entry("other/data.pkl", pickle))
        #expect(try refusal(of: twice.bytes()).reason.contains("several data.pkl"))
        var packed = Build.archive(pickle)
        packed.entries[2].method = (8, 8)
        #expect(try refusal(of: packed.bytes()).reason.contains("is compressed"))
        let other = ZipBuilder([ZipBuilder.Entry("a.txt", [1])]).bytes()
        #expect(try refusal(of: other).reason.contains("neither PyTorch's data.pkl nor"))
        let longer = Build.archive(pickle + [0x4E]).bytes()
        #expect(try refusal(of: longer).reason.contains("ends before its file does"))
    }

    @Test func `the old format is checked to its end`() throws {
        let value = Build.dictionary(("a", Build.tensor(Build.storage(isLegacy: true))))
        let good = Build.legacy(value)
        let found = try open(good) { try values("a", $0) }
        #expect(found == [0, 1, 2, 3, 4, 5])
        let storages = littleEndian(6, 8) + Build.floats(6)
        let cases: [([UInt8], String)] = [
            (Build.legacy(value, magic: [1, 2]), "none that torch.save wrote"),
            (Build.legacy(value, version: 1002), "is not 1001"),
            (Build.legacy(value, isLittleEndian: false), "a big-endian machine"),
            (Build.legacy(value, keys: []), "bytes after the last storage"),
            (Build.legacy(value, keys: ["7"]), "a storage's key that no tensor has"),
            (Build.legacy(value, keys: ["0", "0"], storages: storages + storages), "or one twice"),
            (Build.legacy(value, storages: littleEndian(7, 8) + Build.floats(7)), "has 7 elements"),
            (
                Build.legacy(value, storages: littleEndian(UInt64.max, 8)),
                "elements, the pickle says 6"
            ),
            (good + [0], "1 bytes after the last storage"),
            (Build.pickle([0x4E]), "none that torch.save wrote"),
            (Build.pickle(Build.global("numpy", "ndarray")), "names \"numpy.ndarray\""),
            (
                Build.legacy(
                    Build.dictionary(
                        (
                            "a",
                            Build.tensor(
                                Build.storage(count: 1 << 62, isLegacy: true),
                                size: [1],
                                strides: [1]
                            )
                        )
                    ),
                    storages: littleEndian(1 << 62, 8)
                ),
                "the pickle says"
            ),
        ]
        for (bytes, phrase) in cases {
            let failure = try refusal(of: bytes)
            #expect(failure.kind == .badData)
            #expect(failure.reason.contains(phrase), "\(failure)")
        }
        for count in 2..<good.count {
            #expect(throws: Failure.self) { try open(Array(good[..<count])) { _ in } }
        }
    }

    @Test func `mutated files give failures or tensors`() throws {
        func value(isLegacy: Bool) -> [UInt8] {
            let storage = Build.storage(isLegacy: isLegacy)
            return Build.dictionary(
                ("a", Build.tensor(storage)),
                ("b", Build.tensor(storage, size: [3, 2], strides: [1, 3])),
                ("c", Build.tensor(storage, offset: 1, size: [2, 1, 2], strides: [3, 1, 2]))
            )
        }
        let files = [archive(value(isLegacy: false)), Build.legacy(value(isLegacy: true))]
        try withTemporaryFolder { folder in
            for (seed, bytes) in files.enumerated() {
                let refused = try refusals(
                    of: bytes,
                    at: folder.appending(path: "x"),
                    count: 3000,
                    seed: UInt64(seed),
                    open: TensorContainer.open
                )
                #expect(refused > 1000)
            }
        }
    }
}
