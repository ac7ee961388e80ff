import Foundation
import Glibc
import TestSupport

/// HDF5 files as containers: what they are, how long, and where they lie.
extension HostileFileTests {
    static let file = "@model/tf_model.h5"
    static let both = ["inspect \(file)", "convert \(file) @out --to safetensors"]

    /// A file in the place of `tf_model.h5` in a folder that is otherwise a good model's.
    static func hdf5(
        _ description: String,
        _ answer: Answer,
        lines: [String] = both,
        bytes: @escaping @Sendable (Workbench) throws -> [UInt8]
    ) -> Case {
        Case(description, lines, answer) { bench in
            try bench.add("tf", as: "model")
            try bench.write(bytes(bench), "model/tf_model.h5")
        }
    }

    private static func good(_ bench: Workbench) throws -> [UInt8] {
        try bench.bytes("model/tf_model.h5")
    }

    private static func fixture(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: Fixtures.folder.appending(path: name)))
    }

    /// Changes some bytes of the good file.
    private static func changed(
        _ description: String,
        at offset: Int,
        _ bytes: [UInt8],
        _ answer: Answer
    ) -> Case {
        hdf5(description, answer) {
            var file = try good($0)
            file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            return file
        }
    }

    private static let kinds: [Case] = [
        hdf5("H01 an empty file", .refused("is empty")) { _ in [] },
        hdf5("H02 seven bytes of the signature", .refused("no file of tensors")) {
            Array(try good($0).prefix(7))
        },
        hdf5("H03 an error page", .refused("HTML")) { _ in
            Array("<!DOCTYPE html><html><body>404</body></html>".utf8)
        },
        hdf5("H03 a Git LFS pointer", .refused("Git LFS pointer")) { _ in
            let digest = String(repeating: "a", count: 64)
            return Array(
                """
                version https://git-lfs.github.com/spec/v1
                oid sha256:\(digest)
                size 440473133

                """.utf8
            )
        },
        hdf5("H04 a .keras archive named .h5", .read("classifier"), lines: ["inspect \(file)"]) {
            _ in try fixture("layouts/keras_classifier_archive/model.keras")
        },
        hdf5("H05 safetensors named .h5", .read("safetensors"), lines: ["inspect \(file)"]) { _ in
            try fixture("layouts/safetensors/model.safetensors")
        },
        Case("H05 HDF5 named .safetensors", ["inspect @model.safetensors"], .read("Keras")) {
            try $0.write(fixture("layouts/tf/tf_model.h5"), "model.safetensors")
        },
        hdf5("H06 a pickle that runs a command", .refused("os.system")) { _ in
            PickleBuilder.archive(
                PickleBuilder.pickle(
                    PickleBuilder.global("os", "system")
                        + PickleBuilder.tuple(PickleBuilder.text("touch ran")) + [0x52]
                )
            ).bytes()
        },
        hdf5("H08 a user block that the addresses do not count", .refused("where it says")) {
            [UInt8](repeating: 0, count: 512) + (try good($0))
        },
        // What lies behind the end is never read.
        hdf5("H09 a byte behind the end", .read("tf"), lines: ["inspect \(file)"]) {
            try good($0) + [7]
        },
        hdf5("H09 a megabyte behind the end", .read("tf"), lines: ["inspect \(file)"]) {
            try good($0) + [UInt8](repeating: 7, count: 1 << 20)
        },
        changed("H10 a superblock of version 4", at: 8, [4], .refused("superblock version 4")),
        changed("H10 a superblock of version 255", at: 8, [255], .refused("version 255")),
        changed("H10 addresses of 4 bytes", at: 13, [4], .refused("addresses of 4")),
        changed("H10 lengths of 16 bytes", at: 14, [16], .refused("lengths of 16")),
        changed("H10 a base address", at: 24, [8], .refused("where it says")),
        changed(
            "H11 driver information",
            at: 48,
            [UInt8](repeating: 0, count: 8),
            .refused("driver")
        ),
        hdf5("H12 a superblock extension", .refused("tf_model.h5")) { _ in
            var file = try fixture("hdf5/read_latest.h5")
            file.replaceSubrange(20..<28, with: HDF5Builder.number(48))
            return file
        },
        hdf5("H13 a mark of a writer that died", .refused("open for writing")) { _ in
            var file = try fixture("hdf5/read_latest.h5")
            file[8] = 3
            file[11] = 1
            return file
        },
    ]

    private static let cuts: [Case] = (0..<64).map { part in
        hdf5("H07 cut at \(part) of 64", part == 0 ? .refused("is empty") : .refused("truncated")) {
            let file = try good($0)
            return Array(file.prefix(file.count * part / 64))
        }
    }

    private static func place(
        _ description: String,
        _ phrase: String,
        _ prepare: @escaping @Sendable (String) throws -> Void
    ) -> Case {
        Case(
            description,
            ["inspect @it.h5", "convert @it.h5 @out --to safetensors"],
            .refused(66, [phrase])
        ) { try prepare($0["it.h5"].path) }
    }

    private static let places: [Case] = [
        place("H14 a folder", "it.h5") {
            try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false)
        },
        place("H14 a pipe", "not a regular file") { mkfifo($0, 0o600) },
        place("H14 a socket", "it.h5") { path in
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            withUnsafeMutableBytes(of: &name.sun_path) {
                $0.copyBytes(from: path.utf8.prefix($0.count - 1))
            }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let answer = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
            }
            guard answer == 0 else { throw POSIXError(.EIO) }
        },
        place("H14 a device", "not a regular file") { symlink("/dev/null", $0) },
        place("H14 a link to itself", "it.h5") { symlink($0, $0) },
        place("H14 nothing", "it.h5") { _ in },
    ]

    private static let sparse: [Case] = [
        hdf5("H15 a terabyte that was never written", .refused("tf_model.h5")) { bench in
            var builder = HDF5Builder()
            let place = builder.end
            let object = builder.object([
                HDF5Builder.space([1 << 38]), HDF5Builder.float32,
                HDF5Builder.contiguous(place, 1 << 40),
            ])
            let root = builder.group([(Array("weights".utf8), .object(object))])
            return builder.file(root: root)
        },
        Case("H15 a sparse terabyte", both.suffix(1), .refused("tf_model.h5")) { bench in
            try bench.add("tf", as: "model")
            var builder = HDF5Builder()
            let object = builder.object([
                HDF5Builder.space([1 << 38]), HDF5Builder.float32,
                HDF5Builder.contiguous(1 << 20, 1 << 40),
            ])
            let root = builder.group([(Array("weights".utf8), .object(object))])
            try bench.write(builder.file(root: root), "model/tf_model.h5")
            truncate(bench["model/tf_model.h5"].path, (1 << 40) + (1 << 20))
        },
    ]

    static let hdf5Containers = kinds + cuts + places + sparse
}
