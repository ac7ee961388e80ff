import Checkpoints
import Diagnostics
import Foundation
import HDF5
import Tensors
import TestSupport
import Testing

let cases = Fixtures.folder.appending(path: "hdf5")

/// The values that every file to be read holds; see `fixtures/generate/hdf5_cases.py`.
let values: [Float] = [0, 1, -2.5, 0.333251953125, 65504, -6.103515625e-05]

func read(_ file: HDF5File, _ path: String = "/values") throws -> [Float] {
    let dataset = try #require(file.datasets.first { $0.path == path })
    let type = try #require(dataset.elementType.tensorElementType)
    var bytes = [UInt8](repeating: 0, count: dataset.byteCount)
    try bytes.withUnsafeMutableBytes { try file.read(dataset, into: $0) }
    var buffer = [Float](repeating: .nan, count: dataset.count)
    buffer.withUnsafeMutableBufferPointer { buffer in
        bytes.withUnsafeBytes { type.decode($0, into: buffer) }
    }
    return buffer
}

/// A path for a file that does not exist, removed when the body is left.
func withTemporary<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "bertkit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.appending(path: "file.h5"))
}

func openingFailure(_ path: String) throws -> Failure {
    try failure { _ = try HDF5File(path: path) }
}

func failure(_ body: () throws -> Void) throws -> Failure {
    try #require(throws: Failure.self, performing: body)
}

@Suite struct `Reading HDF5` {
    @Test(
        arguments: [
            "f16_le", "f16_be", "f32_le", "f32_be", "f64_le", "f64_be", "compact", "unlimited",
            "chunked_gzip_shuffle_fletcher32", "latest", "latest_chunked", "v108", "user_block",
            "creation_order", "committed_type", "hard_link",
        ]
    ) func `every storage of the same values reads the same`(name: String) throws {
        let file = try HDF5File(path: cases.appending(path: "read_\(name).h5").path)
        #expect(try read(file) == values)
        #expect(file.datasets.allSatisfy { $0.dimensions == [2, 3] })
    }

    @Test func `bfloat16 as Keras stores it is the upper half of a binary32`() throws {
        let file = try HDF5File(path: cases.appending(path: "bfloat16.h5").path)
        #expect(file.datasets.map(\.elementType) == [.bfloat16])
        let truncated = values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
        #expect(try read(file) == truncated)
        #expect(truncated != values)
    }

    @Test func `every half float converts exactly`() throws {
        let file = try HDF5File(path: cases.appending(path: "half_floats.h5").path)
        let read = try read(file)
        #expect(read.count == 65536)
        for (bits, value) in read.enumerated() {
            let exact = Float(Float16(bitPattern: UInt16(bits)))
            #expect(exact.isNaN ? value.isNaN : value.bitPattern == exact.bitPattern)
        }
    }

    @Test func `h5py's own compression unpacks to what was packed`() throws {
        let file = try HDF5File(path: cases.appending(path: "lzf.h5").path)
        #expect(file.datasets.map(\.filters) == [["lzf"]])
        let mixed =
            [Float](repeating: 0, count: 700) + (0..<64).map { Float($0 % 7) }
            + (0..<260).map { Float(pow(Double($0), 1.5)) } + values
        #expect(try read(file) == mixed)
        // Every damage is a failure or other values, never a crash.
        let bytes = [UInt8](try Data(contentsOf: cases.appending(path: "lzf.h5")))
        try withTemporary { url in
            for position in bytes.count * 3 / 4..<bytes.count {
                var changed = bytes
                changed[position] ^= 0xFF
                try Data(changed).write(to: url)
                if let file = try? HDF5File(path: url.path) { _ = try? read(file) }
            }
        }
    }

    @Test func `a dataset without storage reads as its fill value, and shows that`() throws {
        let file = try HDF5File(path: cases.appending(path: "unwritten.h5").path)
        #expect(file.datasets.map(\.storedByteCount) == [0])
        #expect(try read(file) == Array(repeating: 0.5, count: 6))
    }

    @Test func `text attributes of every kind read the same`() throws {
        let file = try HDF5File(path: cases.appending(path: "attributes.h5").path)
        let names = ["bert", "dropout_10", "classifier"]
        #expect(try file.strings("variable_ascii", of: "/") == names)
        #expect(try file.strings("fixed", of: "/") == names)
        #expect(try file.strings("variable_utf8", of: "/") == ["é", "日本"])
        #expect(try file.strings("fixed_utf8", of: "/") == ["é"])
        #expect(try file.string("scalar", of: "/") == "tensorflow")
        #expect(try file.string("scalar_fixed", of: "/") == "2.0.5")
        #expect(try file.strings("empty", of: "/") == [])
        #expect(try file.strings("split", of: "/") == ["a", "bc", "d"])
        #expect(try file.strings("absent", of: "/") == nil)
        #expect(try failure { _ = try file.strings("number", of: "/") }.reason.contains("not text"))
        #expect(
            try failure { _ = try file.string("fixed", of: "/") }.reason.contains("3 values")
        )
    }

    @Test(
        arguments: [
            ("soft_link", "\"/alias\" is a soft or external link"),
            ("dangling_soft_link", "\"/alias\" is a soft or external link"),
            ("external_link", "\"/other\" is a soft or external link"),
            ("external_storage", "\"/values\" keeps its data in another file"),
            ("virtual", "\"/values\" is virtual"),
            ("cycle", "the links form a cycle"),
            ("deep", "deeper than 32 levels"),
            ("filter", "HDF5 filter number 32001"),
            ("deflate_twice", "the same filter twice"),
            ("shape_bomb", "was never written"),
            ("contiguous_bomb", "was never written"),
            ("null_space", "has no extent"),
            ("name", "not printable UTF-8"),
        ]
    ) func `opening refuses what a weights file does not have`(
        name: String,
        phrase: String
    ) throws {
        let path = cases.appending(path: "refuse_\(name).h5").path
        let failure = try openingFailure(path)
        #expect(failure.reason.contains(phrase))
        #expect(failure.kind == .badData)
        #expect(failure.subject == path)
    }

    @Test(
        arguments: [
            ("text", .other("text")), ("integers", .integer(byteCount: 4, isSigned: true)),
            ("odd_float", .other("a float of 4 bytes that is not IEEE")),
            ("compound", .other("compound")),
        ] as [(String, HDF5ElementType)]
    ) func `elements that are not floats are known for what they are`(
        name: String,
        type: HDF5ElementType
    ) throws {
        let file = try HDF5File(path: cases.appending(path: "refuse_\(name).h5").path)
        #expect(file.datasets.map(\.elementType) == [type])
        #expect(type.tensorElementType?.isFloat != true)
    }

    @Test func `threads may open and read at the same time`() async throws {
        let path = cases.appending(path: "read_f32_le.h5").path
        let shared = try HDF5File(path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    let (old, new) = (try read(shared), try read(HDF5File(path: path)))
                    #expect(old == values)
                    #expect(new == values)
                    #expect(throws: Failure.self) {
                        try HDF5File(path: cases.appending(path: "refuse_filter.h5").path)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

@Suite struct `Files that are not whole HDF5` {
    @Test func `a file cut at any length says so`() throws {
        let plain = try Data(contentsOf: cases.appending(path: "attributes.h5"))
        let userBlock = try Data(contentsOf: cases.appending(path: "read_user_block.h5"))
        let latest = try Data(contentsOf: cases.appending(path: "read_latest_chunked.h5"))
        let lengths =
            [(plain, Array(1..<2048) + stride(from: 2048, to: plain.count, by: 64))]
            + [(userBlock, Array(520..<700)), (latest, Array(1..<200))]
        try withTemporary { url in
            for (bytes, lengths) in lengths {
                for length in lengths {
                    try bytes.prefix(length).write(to: url)
                    // Not `#expect(throws:)`: it records a backtrace each time.
                    do throws(Failure) {
                        _ = try HDF5File(path: url.path)
                        Issue.record("opened at length \(length)")
                    } catch  where !error.reason.contains("truncated") {
                        Issue.record("at length \(length): \(error)")
                    } catch {}
                }
            }
        }
    }

    @Test func `a file cut while it is read says so`() throws {
        let bytes = try Data(contentsOf: cases.appending(path: "read_f32_le.h5"))
        try withTemporary { url in
            try bytes.write(to: url)
            let file = try HDF5File(path: url.path)
            let dataset = try #require(file.datasets.first)
            let writer = try FileHandle(forWritingTo: url)
            try writer.truncate(atOffset: 64)
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: dataset.byteCount,
                alignment: 8
            )
            defer { memory.deallocate() }
            let failure = try failure { try file.read(dataset, into: memory) }
            #expect(failure.subject == url.path)
        }
    }

    @Test func `the sentence for a truncated file has both sizes`() throws {
        let bytes = try Data(contentsOf: cases.appending(path: "read_f32_le.h5"))
        try withTemporary { url in
            try bytes.prefix(1000).write(to: url)
            let failure = try openingFailure(url.path)
            #expect(failure.reason == "truncated: declares \(bytes.count) bytes, has 1000")
        }
    }

    @Test(
        arguments: [
            ("", "the file is empty"),
            (
                "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n",
                "Git LFS pointer"
            ),
            ("\n<!DOCTYPE html><html><body>Not found</body></html>", "HTML page"),
            ("PK\u{3}\u{4}\u{14}", "zip archive"),
            ("\u{2}\0\0\0\0\0\0\0{}", "safetensors"),
            ("\0\0\0\0\0\0\0\0\0\0\0\0", "begins with zeros"),
            ("hello, world", "no HDF5 signature"),
        ]
    ) func `a file of another kind is named`(content: String, phrase: String) throws {
        try withTemporary { url in
            try Data(content.utf8).write(to: url)
            let failure = try openingFailure(url.path)
            #expect(failure.reason.contains(phrase))
            #expect(failure.kind == .badData)
        }
    }

    @Test func `a path that is no file is missing input`() throws {
        try withTemporary { url in
            #expect(try openingFailure(url.path).kind == .missingInput)
            let folder = url.deletingLastPathComponent().path
            let failure = try openingFailure(folder)
            #expect(failure.reason == "this is a folder, not a file")
        }
        let pipe = try openingFailure("/dev/null")
        #expect(pipe.reason == "this is not a regular file")
    }

    @Test func `a changed bit is read or refused, and does not stop the process`() throws {
        let bytes = [UInt8](try Data(contentsOf: cases.appending(path: "read_f32_le.h5")))
        // The version of the dataset's layout message: libhdf5 1.10.8 decodes versions 1 and 2
        // without looking where the message ends, and reads past it.
        let layoutVersion = 920
        #expect(bytes[layoutVersion] == 3)
        var answers = (read: 0, refused: 0)
        try withTemporary { url in
            for position in 0..<bytes.count where position != layoutVersion {
                var changed = bytes
                changed[position] ^= 1 << UInt8(position % 8)
                try Data(changed).write(to: url)
                do throws(Failure) {
                    let file = try HDF5File(path: url.path)
                    for dataset in file.datasets where dataset.elementType == .float32 {
                        let buffer = UnsafeMutableRawBufferPointer.allocate(
                            byteCount: dataset.byteCount,
                            alignment: 8
                        )
                        defer { buffer.deallocate() }
                        try file.read(dataset, into: buffer)
                    }
                    answers.read += 1
                } catch {
                    answers.refused += 1
                }
            }
        }
        #expect(answers.read + answers.refused == bytes.count - 1)
        #expect(answers.refused > 100)
    }
}
