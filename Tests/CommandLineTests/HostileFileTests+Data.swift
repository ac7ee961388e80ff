import Foundation
import TestSupport

/// HDF5 datasets that claim what is not so.
extension HostileFileTests {
    /// A dataset of these messages beside which there is nothing.
    private static func dataset(
        _ description: String,
        _ answer: Answer,
        lines: [String] = both,
        _ messages: @escaping @Sendable (inout Builder) -> [Builder.Message]
    ) -> Case {
        hdf5(description, answer, lines: lines) { _ in
            Builder.file { builder in
                let messages = messages(&builder)
                return [("w", .object(builder.object(messages)))]
            }
        }
    }

    private static let values = [UInt8](repeating: 0, count: 24)

    private static let storage: [Case] = [
        dataset("H33 external storage", .refused("another file")) { _ in
            [
                Builder.space([2, 3]), Builder.float32, Builder.contiguous(.max, 24),
                Builder.Message(
                    0x07,
                    [1, 0, 0, 0] + Builder.number(1, 2) + Builder.number(1, 2) + Builder.number(96)
                        + [UInt8](repeating: 0, count: 24)
                ),
            ]
        },
        dataset("H34 a virtual dataset", .refused("virtual")) { _ in
            [
                Builder.space([2, 3]), Builder.float32,
                Builder.Message(0x08, [4, 3] + Builder.number(96) + Builder.number(0, 4)),
            ]
        },
        dataset("H35 a gigabyte that was never allocated", .refused("w")) { _ in
            [Builder.space([1 << 28]), Builder.float32, Builder.contiguous(.max, 0)]
        },
        dataset("H36 data past the end", .refused("w")) { _ in
            [Builder.space([2, 3]), Builder.float32, Builder.contiguous(1 << 40, 24)]
        },
        dataset("H37 an address and a size that wrap", .refused("w")) { _ in
            [Builder.space([2, 3]), Builder.float32, Builder.contiguous(.max - 8, 24)]
        },
        hdf5("H38 two datasets on each other", .refused("overlap")) { _ in
            Builder.file { builder in
                let place = builder.append([UInt8](repeating: 0, count: 40))
                let objects = [place, place + 16].map { place in
                    builder.object([
                        Builder.space([2, 3]), Builder.float32, Builder.contiguous(place, 24),
                    ])
                }
                return [("v", .object(objects[0])), ("w", .object(objects[1]))]
            }
        },
        hdf5("H38 a thousand datasets on the same bytes", .refused("overlap")) { _ in
            var builder = Builder()
            let place = builder.append(values)
            let links = (0..<1000).map { index in
                let object = builder.object([
                    Builder.space([2, 3]), Builder.float32, Builder.contiguous(place, 24),
                ])
                return (name: Array("w\(index)".utf8), link: Builder.Link.object(object))
            }
            let root = builder.group(links)
            var bytes = builder.file(root: root)
            bytes.replaceSubrange(16..<18, with: Builder.number(500, 2))
            return bytes
        },
        dataset("H39 data over the superblock", .refused("w")) { _ in
            [Builder.space([2, 3]), Builder.float32, Builder.contiguous(0, 24)]
        },
        dataset("H40 compact data of another size", .refused("w")) { _ in
            [Builder.space([2, 3]), Builder.float32, Builder.compact([UInt8](values.prefix(20)))]
        },
        dataset("H41 four terabytes, nothing stored", .refused("w")) { _ in
            [Builder.space([1 << 20, 1 << 20]), Builder.float32, Builder.contiguous(.max, 0)]
        },
        dataset("H42 four gigabytes, nothing stored", .refused("w")) { _ in
            [Builder.space([(1 << 30) - 1]), Builder.float32, Builder.contiguous(.max, 0)]
        },
        dataset("H43 a product that wraps", .refused("w")) {
            let place = $0.append(values)
            return [
                Builder.space([1 << 32, 1 << 31, 2]), Builder.float32,
                Builder.contiguous(place, 24),
            ]
        },
        dataset("H43 an extent of 0", .read("[0, 3]"), lines: ["inspect \(file)"]) { _ in
            [Builder.space([0, 3]), Builder.float32, Builder.contiguous(.max, 0)]
        },
        dataset("H43 no extents", .refused("extent")) {
            let place = $0.append(values)
            return [
                Builder.Message(0x01, [2, 0, 0, 2]), Builder.float32,
                Builder.contiguous(place, 24),
            ]
        },
        dataset("H43 32 dimensions", .refused("dimensions")) {
            let place = $0.append(values)
            return [
                Builder.space([UInt64](repeating: 1, count: 32)), Builder.float32,
                Builder.contiguous(place, 4),
            ]
        },
    ]

    // MARK: Chunks

    /// A chunked dataset whose chunks are these bytes.
    private static func chunked(
        _ description: String,
        _ answer: Answer,
        space: [UInt64] = [6],
        chunk: [UInt64] = [6],
        filters: [(filter: UInt64, values: [UInt64])] = [(1, [6])],
        chunks:
            @escaping @Sendable (inout Builder) -> [(start: [UInt64], place: UInt64, size: UInt64)]
    ) -> Case {
        dataset(
            description,
            answer,
            lines: ["inspect \(file)"]
        ) {
            let tree = $0.chunkTree(chunks(&$0), rank: space.count)
            return [
                Builder.space(space), Builder.float32, Builder.filters(filters),
                Builder.chunked(tree, chunk),
            ]
        }
    }

    private static func one(_ bytes: [UInt8])
        -> @Sendable (inout Builder) -> [(
            start: [UInt64], place: UInt64, size: UInt64
        )]
    {
        { [(start: [0], place: $0.append(bytes), size: UInt64(bytes.count))] }
    }

    private static let packed: [Case] = [
        chunked(
            "H44 a gigabyte of zeros",
            .refused("w"),
            space: [1 << 28],
            chunk: [1 << 20],
            chunks: one(Deflate.zeros(4 << 20))
        ),
        chunked(
            "H45 packed twice",
            .refused("the same filter twice"),
            filters: [(1, [6]), (1, [6])],
            chunks: one(Deflate.zeros(24))
        ),
        chunked("H46 more than a chunk", .refused("w"), chunks: one(Deflate.zeros(1 << 20))),
        chunked("H46 less than a chunk", .refused("w"), chunks: one(Deflate.zeros(20))),
        chunked(
            "H47 szip",
            .refused("filter number 4"),
            filters: [(4, [0, 8])],
            chunks: one(values)
        ),
        chunked("H47 nbit", .refused("filter number 5"), filters: [(5, [0])], chunks: one(values)),
        chunked(
            "H47 filter 32001",
            .refused("32001"),
            filters: [(32_001, [])],
            chunks: one(values)
        ),
        chunked(
            "H47 32 filters",
            .refused("filters"),
            filters: Array(repeating: (2, [4]), count: 32),
            chunks: one(values)
        ),
        chunked(
            "H47 a wrong checksum",
            .refused("w"),
            filters: [(3, [])],
            chunks: one(values + [1, 2, 3, 4])
        ),
        chunked("H48 chunks of no size", .refused("chunk"), chunk: [0], chunks: one(values)),
        chunked("H48 chunks of 8 GiB", .refused("chunk"), chunk: [1 << 31], chunks: one(values)),
        chunked(
            "H48 chunks on each other",
            .refused("w"),
            space: [12],
            filters: [(2, [4])]
        ) {
            let place = $0.append(values)
            return [([0], place, 24), ([6], place, 24)]
        },
    ]

    // MARK: Types

    private static func type(
        _ description: String,
        _ phrase: String,
        _ type: Builder.Message,
        size: UInt64
    ) -> Case {
        dataset("H49 \(description)", .refused("tf_model.h5", phrase)) {
            let place = $0.append([UInt8](repeating: 0, count: Int(size) * 6))
            return [Builder.space([2, 3]), type, Builder.contiguous(place, size * 6)]
        }
    }

    private static let number: [UInt8] = [0, 0, 32, 0]
    private static let float: [UInt8] = Array(Builder.float32.body[8...])

    private static let types: [Case] = [
        type(
            "a compound",
            "compound",
            Builder.type(
                6,
                bits: [1, 0, 0],
                size: 4,
                Array("a\0\0\0\0\0\0\0".utf8) + [UInt8](repeating: 0, count: 32)
                    + Builder.float32.body
            ),
            size: 4
        ),
        type(
            "of variable length",
            "variable",
            Builder.type(9, size: 16, Builder.float32.body),
            size: 16
        ),
        type("references", "reference", Builder.type(7, size: 8), size: 8),
        type(
            "opaque",
            "opaque",
            Builder.type(5, bits: [8, 0, 0], size: 4, Array("unknown\0".utf8)),
            size: 4
        ),
        type("bits", "w", Builder.type(4, size: 4, number), size: 4),
        type(
            "an enumeration",
            "enumeration",
            Builder.type(
                8,
                bits: [1, 0, 0],
                size: 4,
                Builder.type(0, size: 4, number).body + Array("a\0\0\0\0\0\0\0".utf8) + [
                    1, 0, 0, 0,
                ]
            ),
            size: 4
        ),
        type(
            "a bias that is not IEEE's",
            "not IEEE",
            Builder.type(
                1,
                bits: [0x20, 0x1F, 0],
                size: 4,
                Array(float.prefix(8)) + Builder.number(126, 4)
            ),
            size: 4
        ),
        type("more bits than bytes", "bits", Builder.type(0, size: 2, number), size: 2),
        type(
            "a float of 16 bytes",
            "not IEEE",
            Builder.type(
                1,
                bits: [0x20, 0x7F, 0],
                size: 16,
                [0, 0, 128, 0, 112, 15, 0, 112] + Builder.number(16_383, 4)
            ),
            size: 16
        ),
    ]

    static let hdf5Data = storage + packed + types
}

/// Streams of zlib that unpack to zeros: one block of fixed codes that repeats the byte before.
enum Deflate {
    static func zeros(_ count: Int) -> [UInt8] {
        var bits: [Bool] = []
        /// Codes go in from their first bit, other fields from their last.
        func code(_ value: Int, _ length: Int) {
            for bit in (0..<length).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        func field(_ value: Int, _ length: Int) {
            for bit in 0..<length { bits.append(value >> bit & 1 == 1) }
        }
        field(1, 1)
        field(1, 2)
        code(0x30, 8)
        var rest = count - 1
        while rest >= 258 {
            code(0xC5, 8)
            code(0, 5)
            rest -= 258
        }
        for _ in 0..<rest { code(0x30, 8) }
        code(0, 7)
        while !bits.count.isMultiple(of: 8) { bits.append(false) }
        let stream = stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(0 as UInt8) { $0 | (bits[start + $1] ? 1 << UInt8($1) : 0) }
        }
        // Adler-32 of zeros: the first sum stays 1.
        let sum = UInt32(count % 65_521) << 16 | 1
        return [0x78, 0x9C] + stream + HDF5Builder.number(UInt64(sum.byteSwapped), 4)
    }
}
