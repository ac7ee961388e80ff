import Diagnostics
import Foundation
import Glibc
import HDF5
import Testing

private let sample = (0..<3000).map { Float($0) * 0.5 - 7 }

private func write(_ path: String) throws(Failure) {
    let writer = try HDF5Writer(creating: path)
    try writer.createGroup("/bert")
    try writer.createGroup("/bert/inner")
    try writer.write(["bert", "classifier"], attribute: "layer_names", of: "/")
    try writer.write("tensorflow", attribute: "backend", of: "/")
    try writer.write([], attribute: "weight_names", of: "/bert")
    _ = try writer.createDataset(
        "/bert/inner/kernel:0",
        dimensions: [30, 100],
        elementType: .float32
    )
    try sample.withUnsafeBufferPointer { (values) throws(Failure) in
        try writer.write(UnsafeRawBufferPointer(values), to: "/bert/inner/kernel:0")
    }
    try writer.link("/bert/inner/kernel:0", as: "/bert/alias")
    try writer.close()
}

@Suite struct `Writing HDF5` {
    @Test func `what is written reads back`() throws {
        try withTemporary { url in
            try write(url.path)
            let file = try HDF5File(path: url.path)
            #expect(file.groups == ["/", "/bert", "/bert/inner"])
            #expect(file.datasets.map(\.path) == ["/bert/alias", "/bert/inner/kernel:0"])
            #expect(file.datasets.allSatisfy { $0.layout == .contiguous && $0.filters.isEmpty })
            #expect(file.datasets.allSatisfy { $0.dimensions == [30, 100] })
            #expect(try read(file, "/bert/inner/kernel:0") == sample)
            #expect(try read(file, "/bert/alias") == sample)
            #expect(try file.strings("layer_names", of: "/") == ["bert", "classifier"])
            #expect(try file.string("backend", of: "/") == "tensorflow")
            #expect(try file.strings("weight_names", of: "/bert") == [])
        }
    }

    @Test func `the same content gives the same bytes a second later`() throws {
        try withTemporary { first in
            try withTemporary { second in
                try write(first.path)
                usleep(1_100_000)
                try write(second.path)
                #expect(try Data(contentsOf: first) == Data(contentsOf: second))
            }
        }
    }

    @Test func `a list over 64 KB is split, and comes back whole`() throws {
        let names = (0..<773).map { index in
            "tf_bert_for_sequence_classification/bert/encoder/layer_._\(index)/attention/"
                + String(repeating: "x", count: index % 30)
        }
        try withTemporary { url in
            let writer = try HDF5Writer(creating: url.path)
            try writer.write(names, attribute: "weight_names", of: "/")
            try writer.close()
            let file = try HDF5File(path: url.path)
            #expect(try file.strings("weight_names", of: "/") == names)
            // 773 names of up to 91 bytes are 70 KB: two parts, the longer one first.
            let parts = try ["0", "1", "2"].map {
                try file.strings("weight_names\($0)", of: "/")?.count
            }
            #expect(parts == [387, 386, nil])
        }
    }

    @Test func `an existing file is not touched`() throws {
        try withTemporary { url in
            try Data("mine".utf8).write(to: url)
            let failure = try failure { try write(url.path) }
            #expect(failure.kind == .cannotCreate)
            #expect(try Data(contentsOf: url) == Data("mine".utf8))
        }
    }

    @Test func `one failed call poisons the file`() throws {
        try withTemporary { url in
            let writer = try HDF5Writer(creating: url.path)
            try writer.createGroup("/a")
            let first = try failure { try writer.createGroup("/a") }
            #expect(first.kind == .inputOutput)
            #expect(try failure { try writer.createGroup("/b") } == first)
            #expect(try failure { try writer.close() } == first)
        }
    }

    @Test func `a full disk is one failure at every size, and the process survives`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            try withTemporary { url in
                try write(url.path)
                let size = try Data(contentsOf: url).count
                for limit in [0, 1, 100, 600, 2048, 4096, 10_000, size - 4096, size - 1, size] {
                    try FileManager.default.removeItem(at: url)
                    var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: .max)
                    // RLIMIT_FSIZE, which Swift does not import.
                    guard setrlimit(__rlimit_resource_t(1), &bound) == 0 else { exit(2) }
                    do throws(Failure) {
                        try write(url.path)
                        guard limit >= size else { exit(3) }
                    } catch {
                        guard limit < size, error.kind == .inputOutput,
                            error.reason.contains("File too large"),
                            !error.description.contains("\n")
                        else { exit(4) }
                    }
                }
            }
        }
    }
}
