import Checkpoints
import Diagnostics
import Foundation
import HDF5
import TestSupport
import Testing

let structures = cases.appending(path: "structures")

/// What h5py reads from a file; see `fixtures/generate/hdf5_structures.py`.
struct GoldenFile: Decodable, Sendable {
    struct Dataset: Decodable, Sendable {
        let shape: [Int]
        let big: Bool
        /// FNV-1a of the little-endian elements; absent where h5py reads none.
        let fnv1a: String?
    }

    let groups: [String]
    let datasets: [String: Dataset]
    let texts: [String: [String: [String]]]

    static let all = Result {
        try JSONDecoder().decode(
            [String: GoldenFile].self,
            from: Data(contentsOf: structures.appending(path: "golden.json"))
        )
    }

    static let names = (try? all.get())?.keys.sorted() ?? []
}

/// All elements of a dataset.
func contents(_ file: HDF5File, _ dataset: HDF5Dataset) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: dataset.byteCount)
    try bytes.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
        try file.read(dataset, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes
}

func fnv1a(_ bytes: [UInt8]) -> String {
    let value = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
        ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

@Suite struct `Structures of HDF5` {
    @Test func `there are goldens`() {
        #expect(GoldenFile.names.count > 70)
    }

    @Test(arguments: GoldenFile.names)
    func `a structure is read as h5py reads it`(name: String) throws {
        let golden = try #require(GoldenFile.all.get()[name])
        let url = structures.appending(path: name)
        let file = try HDF5File(path: url.path)
        #expect(file.groups == golden.groups)
        #expect(Set(file.datasets.map(\.path)) == Set(golden.datasets.keys))
        #expect(file.datasets.count == golden.datasets.count)
        for dataset in file.datasets {
            let expected = try #require(golden.datasets[dataset.path])
            #expect(dataset.dimensions == expected.shape, "\(dataset.path)")
            if dataset.elementType.tensorElementType != nil {
                #expect(dataset.isBigEndian == expected.big, "\(dataset.path)")
            }
            guard let fnv = expected.fnv1a else { continue }
            #expect(try fnv1a(contents(file, dataset)) == fnv, "\(dataset.path)")
        }
        for (group, texts) in golden.texts {
            for (attribute, values) in texts {
                #expect(try file.strings(attribute, of: group) == values, "\(group) \(attribute)")
            }
        }
    }

    @Test(arguments: GoldenFile.names)
    func `memory is read like a file`(name: String) throws {
        let url = structures.appending(path: name)
        let file = try HDF5File(path: url.path)
        let copy = try HDF5File(bytes: [UInt8](Data(contentsOf: url)), calling: "memory")
        #expect(copy.groups == file.groups)
        #expect(copy.datasets == file.datasets)
        for dataset in file.datasets {
            #expect(try contents(copy, dataset) == contents(file, dataset))
        }
    }

    @Test func `element types are known in every version`() throws {
        for name in ["types_old", "types_new", "types_newest"] {
            let file = try HDF5File(path: structures.appending(path: "\(name).h5").path)
            let types = Dictionary(uniqueKeysWithValues: file.datasets.map { ($0.path, $0) })
            for (path, type) in [
                ("f2", .float16), ("f4_be", .float32), ("f8", .float64),
                ("u2_be", .integer(byteCount: 2, isSigned: false)),
                ("i8", .integer(byteCount: 8, isSigned: true)), ("bfloat16", .bfloat16),
                ("bfloat16_float", .bfloat16), ("opaque", .other("opaque")),
                ("flag", .other("an enumeration")), ("pairs", .other("compound")),
                ("text", .other("text")), ("committed", .float32),
            ] as [(String, HDF5ElementType)] {
                #expect(types["/\(path)"]?.elementType == type, "\(name) \(path)")
            }
            #expect(types["/compact"]?.layout == .compact)
            #expect(types["/unwritten"]?.storedByteCount == 0)
        }
    }

    @Test func `numbered parts of a list are one list`() throws {
        for name in ["attributes_old_lists", "attributes_new_lists"] {
            let file = try HDF5File(path: structures.appending(path: "\(name).h5").path)
            let names = (0..<12).flatMap { part in
                (part..<part + 3).map { "layer_\($0)/kernel:0" }
            }
            #expect(try file.strings("layer_names", of: "/") == names)
            #expect(try file.string("empty text", of: "/")?.isEmpty == true)
        }
    }

    @Test func `an attribute that is no text is no hindrance until it is asked for`() throws {
        for name in ["attributes_old_others", "attributes_new_others"] {
            let file = try HDF5File(path: structures.appending(path: "\(name).h5").path)
            #expect(try file.string("text", of: "/") == "text")
            for attribute in ["number", "pairs", "reference", "flag", "lists"] {
                let reason = try failure { _ = try file.strings(attribute, of: "/") }.reason
                #expect(reason.contains("is not text"), "\(attribute)")
            }
        }
    }

    @Test func `an open file is read, whatever its name becomes`() throws {
        try withTemporary { url in
            let good = cases.appending(path: "read_f32_le.h5")
            try FileManager.default.copyItem(at: good, to: url)
            let file = try HDF5File(path: url.path)
            try FileManager.default.removeItem(at: url)
            try Data("something else".utf8).write(to: url)
            #expect(try read(file) == values)
        }
    }

    @Test func `a file that becomes shorter while it is read is refused`() throws {
        try withTemporary { url in
            let good = cases.appending(path: "read_f32_le.h5")
            try FileManager.default.copyItem(at: good, to: url)
            let file = try HDF5File(path: url.path)
            #expect(truncate(url.path, 100) == 0)
            let failure = try failure { _ = try read(file) }
            #expect(failure.reason.contains("became shorter"))
        }
    }
}
