import Checkpoints
import Diagnostics
import Foundation
import TestSupport
import Testing

private typealias Build = PickleBuilder

/// A pickle, in parts, and what its refusal says.
struct PickleCase: Sendable, CustomTestStringConvertible {
    let phrase: String
    let value: [UInt8]

    init(_ phrase: String, _ parts: [UInt8]...) {
        self.phrase = phrase
        value = Array(parts.joined())
    }

    var testDescription: String { phrase }

    func check() throws {
        let failure = try refusal(of: Build.archive(Build.pickle(value)).bytes())
        #expect(failure.kind == .badData)
        #expect(failure.reason.contains(phrase), "\(failure)")
    }
}

@Suite struct `Hostile pickles` {
    static let tensors: [PickleCase] = [
        tensor("reaches past the storage's 6 elements", Build.tensor(offset: 1)),
        tensor("reaches past", Build.tensor(size: [2, 4])),
        tensor("reaches past", Build.tensor(strides: [4, 1])),
        tensor("reaches past", Build.tensor(size: [2, 3], strides: [Int.max, 1])),
        tensor("reaches past", Build.tensor(offset: Int.max, size: [2], strides: [Int.max])),
        tensor("reaches past", Build.tensor(offset: 6, size: [], strides: [])),
        tensor("repeats the 6 elements", Build.tensor(size: [7], strides: [0])),
        tensor("be counted", Build.tensor(size: [1 << 40, 1 << 40], strides: [0, 0])),
        tensor("other than whole numbers from 0", Build.tensor(size: [-2, 3])),
        tensor("other than whole numbers from 0", Build.tensor(strides: [-3, 1])),
        tensor("storage or offset is none", Build.tensor(offset: -1)),
        tensor("storage or offset is none", Build.tensor([0x4E])),
        tensor("1 dimensions with 2 strides", Build.tensor(size: [6], strides: [1, 1])),
        tensor("of 9 numbers, more than 8", Build.tensor(size: nine, strides: nine)),
        tensor("the storage \"7\" is not in the archive", Build.tensor(Build.storage("7"))),
        tensor("is not in the archive", Build.tensor(Build.storage("../version"))),
        tensor("7 elements of f32, but 24 bytes", Build.tensor(Build.storage(count: 7))),
        tensor("6 elements of f16", Build.tensor(Build.storage(type: "HalfStorage"))),
        tensor("but 24 bytes", Build.tensor(Build.storage(count: Int.max))),
        tensor("class, key, device or size", Build.tensor(Build.storage(count: -1))),
        tensor("\"torch.ComplexFloatStorage\"", Build.tensor(complex)),
    ]

    private static let nine = [Int](repeating: 1, count: 9)
    private static let complex = Build.storage(type: "ComplexFloatStorage")

    private static func tensor(_ phrase: String, _ tensor: [UInt8]) -> PickleCase {
        PickleCase(phrase, Build.dictionary(("a", tensor)))
    }

    @Test(arguments: tensors) func `a tensor that its storage does not hold is refused`(
        _ hostile: PickleCase
    ) throws {
        try hostile.check()
    }

    static let programs: [PickleCase] = [
        PickleCase(
            "names \"os.system\"",
            Build.global("os", "system"),
            Build.tuple(Build.text("true")),
            [0x52]
        ),
        PickleCase(
            "of it was executed (at archive/data.pkl, byte 2)",
            Build.global("builtins", "eval")
        ),
        PickleCase(
            "names \"builtins.exec\"",
            Build.text("builtins"),
            Build.text("exec"),
            [0x93]
        ),
        PickleCase("_load_from_bytes", Build.global("torch.storage", "_load_from_bytes")),
        PickleCase("__reduce__", Build.global("collections", "OrderedDict.__reduce__")),
        PickleCase("the opcode 0x69 (INST)", [0x28, 0x69], Array("os\nsystem\n".utf8)),
        PickleCase("the opcode 0x6f (OBJ)", [0x28, 0x6F]),
        PickleCase("the opcode 0x82 (EXT1)", [0x82, 1]),
        PickleCase("the opcode 0x50 (PERSID)", [0x50, 0x31, 0x0A]),
        PickleCase("the opcode 0x32 (DUP)", [0x4E, 0x32]),
        PickleCase("the opcode 0xff is none", [0xFF]),
        PickleCase("pickle protocol 9", [0x80, 9]),
        PickleCase("a call of what is no class", [0x4E, 0x29, 0x52]),
        PickleCase("attributes of None", [0x4E, 0x7D, 0x62]),
        PickleCase("no storage's", Build.tuple(Build.text("module")), [0x51]),
        PickleCase("a reference that is no tuple", [0x4E, 0x51]),
    ]

    @Test(arguments: programs) func `a program is refused by what it names, and where`(
        _ hostile: PickleCase
    ) throws {
        try hostile.check()
    }

    static let malformed: [PickleCase] = [
        PickleCase("the pickle ends with 0 values"),
        PickleCase("ends with 2 values", [0x4E, 0x4E]),
        PickleCase("1 values and 1 marks", [0x4E, 0x28]),
        PickleCase("a mark that was not made", [0x74]),
        PickleCase("1 values where the stack has fewer", [0x85]),
        PickleCase("where the stack has fewer", [0x28, 0x85]),
        PickleCase("a value where the stack has none", [0x4E, 0x28, 0x52]),
        PickleCase("the memo has no 7", [0x68, 7]),
        PickleCase("nothing to remember", [0x71, 0]),
        PickleCase("what is no list", [0x4E, 0x4E, 0x61]),
        PickleCase("what is no dictionary", [0x4E, 0x28, 0x4E, 0x4E, 0x75]),
        PickleCase("a key without a value", [0x7D, 0x28, 0x4E, 0x75]),
        PickleCase("a frame of", [0x95], littleEndian(UInt64.max, 8)),
        PickleCase("a text of", [0x8D], littleEndian(UInt64.max, 8)),
        PickleCase("truncated", [0x58, 255, 0, 0, 0, 0]),
        PickleCase("truncated", [0x42, 255, 255, 255, 3]),
        PickleCase("a text that is not UTF-8", [0x58, 1, 0, 0, 0, 0xFF]),
        PickleCase("holds no tensors: \"a\" (None)", Build.dictionary(("a", [0x4E]))),
        PickleCase("the state dict is empty", [0x7D]),
        PickleCase("holds a list, not a state dict", [0x5D]),
        PickleCase("holds a tensor, not a state dict", Build.tensor()),
        PickleCase(
            "\"a\" is in the state dict twice",
            Build.dictionary(("a", Build.tensor()), ("a", Build.tensor()))
        ),
        PickleCase("has no name", [0x7D], Build.integer(1), Build.tensor(), [0x73]),
        PickleCase("a stack of more than", [UInt8](repeating: 0x28, count: 200_000)),
        PickleCase("a stack of more than", [UInt8](repeating: 0x5D, count: 200_000)),
    ]

    @Test(arguments: malformed) func `a pickle that is no state dict is refused`(
        _ hostile: PickleCase
    ) throws {
        try hostile.check()
    }

    @Test func `an archive that was written without checksums is not held to them`() throws {
        var archive = Build.archive(Build.pickle(Build.dictionary(("a", Build.tensor()))))
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x")
            for checksum in [0, 7] as [UInt32] {
                for index in archive.entries.indices {
                    archive.entries[index].checksum = (checksum, checksum)
                }
                try Data(archive.bytes()).write(to: url)
                let store = try PyTorchStore(path: url.path)
                if checksum == 0 {
                    try store.checkValues()
                } else {
                    #expect(throws: Failure.self) { try store.checkValues() }
                }
            }
        }
    }

    @Test func `objects are bounded, however few bytes make them`() throws {
        // A list of 1000 pairs, taken into an OrderedDict again and again.
        let pair: [UInt8] = [0x4E, 0x4E, 0x86, 0x71, 1]
        let rest = [[UInt8]](repeating: [0x68, 1], count: 999).joined()
        let list: [UInt8] = [0x5D, 0x71, 0, 0x28] + pair + Array(rest) + [0x65]
        let again = Build.global("collections", "OrderedDict") + [0x68, 0, 0x85, 0x52]
        let all = [[UInt8]](repeating: again, count: 3000).joined()
        try PickleCase("more than 2097152 objects", list, Array(all)).check()
    }
}
