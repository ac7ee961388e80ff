import Foundation
import Glibc
import TestSupport

/// HDF5 files whose groups, links and headers lead astray.
extension HostileFileTests {
    typealias Builder = HDF5Builder

    /// A small matrix as the only object of a file, or several.
    private static func matrix(_ builder: inout Builder) -> UInt64 {
        builder.dataset([2, 3], [UInt8](repeating: 1, count: 24))
    }

    private static func built(
        _ description: String,
        _ answer: Answer,
        lines: [String] = both,
        _ build: @escaping @Sendable (inout Builder) -> [(name: String, link: Builder.Link)]
    ) -> Case {
        hdf5(description, answer, lines: lines) { _ in Builder.file(build) }
    }

    /// A link message: of version 1, with its type.
    private static func link(_ kind: UInt8, _ name: String, _ value: [UInt8]) -> Builder.Message {
        Builder.Message(
            0x06,
            [1, 8, kind, UInt8(name.utf8.count)] + Array(name.utf8)
                + Builder.number(UInt64(value.count), 2) + value
        )
    }

    private static let newGroup = [
        Builder.Message(0x02, [0, 0] + Builder.number(.max) + Builder.number(.max)),
        Builder.Message(0x0A, [0, 0]),
    ]

    private static func newLinked(
        _ description: String,
        _ kind: UInt8,
        _ target: @escaping @Sendable (Workbench) throws -> [UInt8]
    ) -> Case {
        hdf5(description, .refused("tf_model.h5", "link")) { bench in
            var builder = Builder()
            let root = builder.object(newGroup + [link(kind, "weights", try target(bench))])
            return builder.file(root: root)
        }
    }

    private static func external(_ file: String) -> [UInt8] {
        [0] + Array(file.utf8) + [0] + Array("/w".utf8) + [0]
    }

    private static let links: [Case] = [
        newLinked("H16 an external link", 64) { _ in external("/etc/passwd") },
        newLinked("H17 an external link to a pipe", 64) { bench in
            mkfifo(bench["pipe"].path, 0o600)
            return external(bench["pipe"].path)
        },
        newLinked("H18 an external link to itself", 64) {
            external($0["model/tf_model.h5"].path)
        },
        built("H19 a dangling soft link", .refused("soft or external link")) { _ in
            [("w", .soft("/nowhere"))]
        },
        built("H20 soft links in a circle", .refused("soft or external link")) { _ in
            [("a", .soft("/b")), ("b", .soft("/a"))]
        },
        built("H21 a soft link to a good dataset", .refused("soft or external link")) {
            [("w", .object(matrix(&$0))), ("x", .soft("/w"))]
        },
        newLinked("H22 a link of a user's kind", 65) { _ in [1, 2, 3, 4] },
        hdf5("H23 a group that holds the root", .refused("cycle")) { _ in
            var builder = Builder()
            let inner = builder.object([Builder.Message(0x11, [UInt8](repeating: 0, count: 16))])
            let table = builder.table([(Array("inner".utf8), .object(inner))])
            let root = builder.symbols(table)
            let back = builder.table([(Array("up".utf8), .object(root))])
            // Behind the header and the message's own head.
            builder.put(Builder.number(back.tree) + Builder.number(back.heap), at: inner + 24)
            return builder.file(root: root)
        },
        built("H24 a dataset of two names", .read("[2, 3]"), lines: ["inspect \(file)"]) {
            let object = matrix(&$0)
            return [("v", .object(object)), ("w", .object(object))]
        },
        hdf5("H25 a dataset of 64 names", .read("[2, 3]"), lines: ["inspect \(file)"]) { _ in
            var builder = Builder()
            let object = matrix(&builder)
            let names = (0..<64).map { Array("w\($0)".utf8) }
            let root = builder.group(names.map { ($0, .object(object)) })
            var bytes = builder.file(root: root)
            // As many as 2 × 32 names to a node.
            bytes[16] = 32
            return bytes
        },
        built("H26 ten thousand groups in each other", .refused("nested deeper")) { builder in
            var object = matrix(&builder)
            for _ in 0..<10_000 { object = builder.group([(Array("g".utf8), .object(object))]) }
            return [("g", .object(object))]
        },
        hdf5("H27 more links than there may be", .refused("more than 100000 links")) { _ in
            var builder = Builder()
            let object = matrix(&builder)
            let root = builder.manyLinks(to: object, count: 101_000)
            var bytes = builder.file(root: root)
            bytes.replaceSubrange(16..<20, with: Builder.number(500, 2) + Builder.number(500, 2))
            return bytes
        },
    ]

    /// A file whose root's table is changed before it is written.
    private static func table(
        _ description: String,
        _ phrase: String,
        _ change:
            @escaping @Sendable (inout Builder, _ tree: UInt64, _ heap: UInt64, _ node: UInt64) ->
            Void
    ) -> Case {
        hdf5(description, .refused("tf_model.h5", phrase)) { _ in
            var builder = Builder()
            let object = matrix(&builder)
            let table = builder.table([(Array("w".utf8), .object(object))])
            change(&builder, table.tree, table.heap, table.tree - 328)
            let root = builder.symbols(table)
            return builder.file(root: root)
        }
    }

    private static let tables: [Case] = [
        table("H28 a tree's node that is its own child", "node of level") { builder, tree, _, _ in
            builder.put([1], at: tree + 5)
            builder.put(Builder.number(tree), at: tree + 32)
        },
        table("H29 a name outside the heap", "outside the heap") { builder, _, _, node in
            builder.put(Builder.number(1 << 40), at: node + 8)
        },
        table("H29 a heap outside the file", "heap") { builder, _, heap, _ in
            builder.put(Builder.number(1 << 50), at: heap + 24)
        },
        table("H29 65,535 entries in a node", "entries") { builder, _, _, node in
            builder.put([255, 255], at: node + 6)
        },
        hdf5("H30 a header that continues in itself", .refused("damaged")) { _ in
            var builder = Builder()
            let place = builder.end + 16
            let object = builder.object([
                Builder.Message(0x10, Builder.number(place) + Builder.number(24))
            ])
            let root = builder.group([(Array("w".utf8), .object(object))])
            return builder.file(root: root)
        },
        hdf5("H30 a message longer than its block", .refused("tf_model.h5")) { _ in
            var builder = Builder()
            let object = matrix(&builder)
            builder.put([0xF8, 0xFF], at: object + 18)
            let root = builder.group([(Array("w".utf8), .object(object))])
            return builder.file(root: root)
        },
    ]

    private static func name(_ description: String, _ name: [UInt8]) -> Case {
        hdf5("H31 a name: \(description)", .refused("name")) { _ in
            var builder = Builder()
            let object = matrix(&builder)
            let root = builder.group([(name, .object(object))])
            return builder.file(root: root)
        }
    }

    private static let names: [Case] = [
        name("no UTF-8", [0x77, 0xFF]), name("an escape", [0x1B, 0x5B, 0x33, 0x31, 0x6D]),
        name("two lines", Array("a\nb".utf8)),
        name("64 KiB", [UInt8](repeating: 0x61, count: 1 << 16)),
        name("empty", []), name("the folder above", Array("..".utf8)),
        name("a path", Array("a/b".utf8)),
    ]

    private static let kinds: [Case] = [
        built("H32 a type where a dataset belongs", .refused("tf_model.h5")) {
            [("w", .object($0.object([Builder.float32])))]
        },
        hdf5("H32 a group where a dataset belongs", .refused("tf_model.h5")) { bench in
            // The word embeddings' dataset, by its shape, becomes an empty group.
            var bytes = try bench.bytes("model/tf_model.h5")
            let space = Builder.space([41, 12]).body
            guard let place = bytes.firstRange(of: space)?.lowerBound else { return [] }
            bytes.replaceSubrange(place - 8..<place - 6, with: [0x11, 0])
            return bytes
        },
        built("H32 a dataset without a type", .refused("tf_model.h5")) {
            let place = $0.append([UInt8](repeating: 0, count: 24))
            return [
                ("w", .object($0.object([Builder.space([2, 3]), Builder.contiguous(place, 24)])))
            ]
        },
    ]

    static let hdf5Structures = links + tables + names + kinds
}

extension HDF5Builder {
    /// A group of many names of one object, in a tree of two levels; the superblock has to say that
    /// nodes have 1000 entries.
    fileprivate mutating func manyLinks(to object: UInt64, count: Int) -> UInt64 {
        var names = [UInt8](repeating: 0, count: 8)
        var nodes: [(address: UInt64, last: UInt64)] = []
        let digits = String(count).utf8.count
        for start in stride(from: 0, to: count, by: 1000) {
            var entries: [UInt8] = []
            var last: UInt64 = 0
            let end = min(count, start + 1000)
            for index in start..<end {
                last = UInt64(names.count)
                let text = String(index)
                let padding = [UInt8](repeating: 0x30, count: digits - text.utf8.count)
                names += padding + Array(text.utf8)
                names += [UInt8](repeating: 0, count: 8 - digits)
                entries +=
                    Self.number(last) + Self.number(object) + [UInt8](repeating: 0, count: 24)
            }
            entries += [UInt8](repeating: 0, count: (1000 - (end - start)) * 40)
            let head = Array("SNOD".utf8) + [1, 0] + Self.number(UInt64(end - start), 2)
            nodes.append((append(head + entries), last))
        }
        let content = append(names)
        let heap = append(
            Array("HEAP".utf8) + [0, 0, 0, 0] + Self.number(UInt64(names.count)) + Self.number(1)
                + Self.number(content)
        )
        var tree = Array("TREE".utf8) + [0, 0] + Self.number(UInt64(nodes.count), 2)
        tree += Self.number(.max) + Self.number(.max) + Self.number(0)
        for node in nodes { tree += Self.number(node.address) + Self.number(node.last) }
        tree += [UInt8](repeating: 0, count: 24 + 1000 * 16 + 8 - tree.count)
        let root = append(tree)
        return symbols((root, heap))
    }
}
