import TestSupport

extension PatchedFile {
    /// The object header that the first entry of the first leaf names.
    fileprivate func header() -> Int { Int(number(at: place(of: "SNOD") + 16, 8)) }

    /// The body of a message of the first object.
    fileprivate func message(_ kind: UInt64) -> Int { message(kind, ofHeaderAt: header()) }

    /// Makes both extents of the first object this, without a bound of their own.
    fileprivate mutating func setExtents(_ extent: UInt64) {
        let space = message(1)
        put(0, at: space + 2, 1)
        for place in [8, 16] { put(extent, at: space + place, 8) }
    }

    /// The `index`th tree of chunks.
    fileprivate func chunkTree(_ index: Int = 0) -> Int {
        var (number, left) = (0, index)
        while true {
            let tree = place(of: "TREE", number)
            if bytes[tree + 4] == 1 {
                if left == 0 { return tree }
                left -= 1
            }
            number += 1
        }
    }
}

/// Elements and attributes.
extension `Hostile HDF5` {
    private static let plain = "read_f32_le"

    static let datasets = [
        Case("data past the end", plain, "has its data outside the file") {
            $0.put(UInt64($0.bytes.count - 23), at: $0.message(8) + 2, 8)
        },
        Case("data that wrap around", plain, "has its data outside the file") {
            $0.put(.max - 7, at: $0.message(8) + 2, 8)
        },
        Case("data over the superblock", plain, "and the superblock at 0 overlap") {
            $0.put(8, at: $0.message(8) + 2, 8)
        },
        Case("data over a header", plain, "and the object header at") {
            $0.put(UInt64($0.header() + 16), at: $0.message(8) + 2, 8)
        },
        Case("other sizes", plain, "declares 24 bytes and stores 25") {
            $0.put(25, at: $0.message(8) + 10, 8)
        },
        Case("other sizes inside the header", "read_compact", "declares 24 bytes and stores 20") {
            $0.put(20, at: $0.message(8) + 2, 2)
        },
        Case("an unknown layout", plain, "unknown storage layout") {
            $0.put(7, at: $0.message(8) + 1, 1)
        },
        Case("a layout of an unknown version", plain, "is of layout version 6") {
            $0.put(6, at: $0.message(8), 1)
        },
        Case("33 dimensions", plain, "33 dimensions") { $0.put(33, at: $0.message(1) + 1, 1) },
        Case("more than can be counted", plain, "can be counted") {
            $0.setExtents(1 << 40)
        },
        Case("extents of 2^63", plain, "has no extent") {
            $0.setExtents(1 << 63)
        },
        Case("elements without bytes", plain, "a type of 0 bytes") {
            $0.put(0, at: $0.message(3) + 4, 4)
        },
        Case("elements of 4 GB", plain, "a type of 4294967295 bytes") {
            $0.put(.max, at: $0.message(3) + 4, 4)
        },
        Case("a type of an unknown version", plain, "a type of version 15") {
            $0.put(0xF1, at: $0.message(3), 1)
        },
        Case("external storage", plain, "external storage") {
            $0.put(7, at: $0.message(5) - 8, 2)
        },
        Case("two layouts", plain, "stands there twice") { $0.put(8, at: $0.message(5) - 8, 2) },
        Case("no layout", plain, "does not say where") { $0.put(0, at: $0.message(8) - 8, 2) },
        Case("no extents", plain, "is no group, no dataset") {
            $0.put(0, at: $0.message(3) - 8, 2)
        },
        Case("a shared layout", plain, "shares its messages") {
            $0.put(2, at: $0.message(8) - 4, 1)
        },
        Case("a type that names no type", plain, "shared in an unknown way") {
            $0.put(2, at: $0.message(3) - 4, 1)
        },
        Case("a fill value of another type", "unwritten", "fill value is of another type") {
            $0.put(2, at: $0.message(5) + 4, 4)
        },
        Case("a fill value past its message", "unwritten", "ends too soon") {
            $0.put(1 << 30, at: $0.message(5) + 4, 4)
        },
        Case("a message past its header", plain, "ends too soon") {
            $0.put(0xFFF8, at: $0.message(8) - 6, 2)
        },
        Case("a message of odd length", plain, "odd length") {
            $0.put(9, at: $0.message(8) - 6, 2)
        },
        Case("a header of 4 GB", plain, "reaches past the end of the file") {
            $0.put(.max, at: $0.header() + 8, 4)
        },
        Case("a header that continues in itself", "structures/attributes_old_300", "damaged") {
            let place = $0.message(0x10)
            $0.put(UInt64($0.header() + 16), at: place, 8)
            $0.put(65535, at: $0.header() + 2, 2)
        },
        Case("a filter's parameters past their message", "lzf", "ends too soon") {
            $0.put(1000, at: $0.message(0x0B) + 14, 2)
        },
        Case("33 filters", "lzf", "more than 4 filters") {
            $0.put(33, at: $0.message(0x0B) + 1, 1)
        },
    ]

    static let chunks = [
        Case("a chunk outside", "structures/chunks_tree_plain", "outside the file") {
            $0.put(.max - 1, at: $0.chunkTree() + 56, 8)
        },
        Case("a chunk over the superblock", "structures/chunks_tree_plain", "overlap") {
            $0.put(0, at: $0.chunkTree() + 56, 8)
        },
        Case("a chunk over another", "structures/chunks_tree_plain", "overlap") {
            let tree = $0.chunkTree(2)
            $0.put($0.number(at: tree + 56, 8), at: tree + 96, 8)
        },
        Case("a chunk of another size", "structures/chunks_tree_plain", "has 5 bytes") {
            $0.put(5, at: $0.chunkTree() + 24, 4)
        },
        Case("a chunk of no bytes", "structures/chunks_tree_gzip", "outside the file") {
            $0.put(0, at: $0.chunkTree() + 24, 4)
        },
        Case("a chunk between others", "structures/chunks_tree_plain", "between others") {
            $0.put(1, at: $0.chunkTree() + 32, 8)
        },
        Case("a chunk twice", "structures/chunks_tree_plain", "is there twice") {
            let tree = $0.chunkTree(2)
            for place in [32, 40] {
                $0.put($0.number(at: tree + place, 8), at: tree + place + 40, 8)
            }
        },
        Case("a tree that leads to itself", "structures/chunks_tree_plain", "in a wrong place") {
            let tree = $0.chunkTree()
            $0.put(1, at: tree + 5, 1)
            $0.put(UInt64(tree), at: tree + 56, 8)
        },
        Case("a tree of 65535 chunks", "structures/chunks_tree_plain", "65535 entries") {
            $0.put(65535, at: $0.chunkTree() + 6, 2)
        },
        Case("a group's tree", "structures/chunks_tree_plain", "is no dataset's") {
            $0.put(0, at: $0.chunkTree() + 4, 1)
        },
        Case("chunks without extent", "structures/chunks_tree_plain", "of other dimensions") {
            $0.put(0, at: $0.message(8) + 11, 4)
        },
        Case("chunks larger than any", "structures/chunks_tree_plain", "much larger than it is") {
            $0.put(0x7FFF_FFFF, at: $0.message(8) + 11, 4)
        },
        Case("chunks of other elements", "structures/chunks_tree_plain", "of another size") {
            $0.put(2, at: $0.message(8) + 15, 4)
        },
        Case("a chunk that does not unpack", "structures/chunks_tree_gzip", "cannot be unpacked") {
            let chunk = Int($0.number(at: $0.chunkTree() + 56, 8))
            $0.put(.max, at: chunk + 4, 8)
        },
        Case("an array of more chunks", "structures/chunks_v4_plain", "another number of chunks") {
            let head = $0.place(of: "FAHD")
            $0.put($0.number(at: head + 8, 8) + 1, at: head + 8, 8)
        },
        Case("an array of 2^62 chunks", "structures/chunks_v4_plain", "another number of chunks") {
            $0.put(1 << 62, at: $0.place(of: "FAHD") + 8, 8)
        },
        Case("an array of odd elements", "structures/chunks_v4_plain", "of another kind") {
            $0.put(9, at: $0.place(of: "FAHD") + 6, 1)
        },
        Case("an array outside", "structures/chunks_v4_plain", "past the end of the file") {
            $0.put(1 << 40, at: $0.place(of: "FAHD") + 16, 8)
        },
        Case("a block of another array", "structures/chunks_v4_plain", "belongs to another array") {
            $0.put(1, at: $0.place(of: "FADB") + 6, 8)
        },
        Case("an element outside", "structures/chunks_v4_plain", "outside the file") {
            $0.put(.max - 7, at: $0.place(of: "FADB") + 14, 8)
        },
        Case("a growing array of 2^255", "structures/chunks_v4_plain", "impossible shape") {
            $0.put(255, at: $0.place(of: "EAHD") + 7, 1)
        },
        Case("a growing array of odd blocks", "structures/chunks_v4_plain", "impossible shape") {
            $0.put(3, at: $0.place(of: "EAHD") + 10, 1)
        },
        Case("a growing array nowhere", "structures/chunks_v4_plain", "past the end of the file") {
            $0.put(.max - 1, at: $0.place(of: "EAHD") + 60, 8)
        },
        Case("an index block of another", "structures/chunks_v4_plain", "belongs to another array")
        {
            $0.put(1, at: $0.place(of: "EAIB") + 6, 8)
        },
        Case("a block of another place", "structures/chunks_v4_many_plain", "of another place") {
            $0.put(1, at: $0.place(of: "EADB") + 14, 4)
        },
        Case("records of another length", "structures/chunks_v4_gzip", "another length") {
            let tree = $0.place(of: "BTHD")
            $0.put(12, at: tree + 10, 2)
        },
    ]

    static let attributes = [
        Case("an unknown version", "structures/attributes_old_3", "is of version 9") {
            $0.put(9, at: $0.place(of: "name_") - 8, 1)
        },
        Case("a name past the message", "structures/attributes_old_3", "ends too soon") {
            $0.put(65535, at: $0.place(of: "name_") - 6, 2)
        },
        Case("a name without an end", "structures/attributes_old_3", "without an end") {
            $0.put("xxxxxxxx", at: $0.place(of: "name_"))
        },
        Case("a name twice", "structures/attributes_old_3", "the name of another attribute") {
            $0.put("name_0\0\0", at: $0.place(of: "name_919"))
        },
        Case("a text that is nowhere", "structures/attributes_old_3", "does not hold a text") {
            $0.put(999, at: $0.place(of: "GCOL") + 16, 2)
        },
        Case("texts of 2^62 bytes", "structures/attributes_old_3", "past the end of the file") {
            $0.put(1 << 62, at: $0.place(of: "GCOL") + 8, 8)
        },
        Case("a text past its heap", "structures/attributes_old_3", "ends too soon") {
            $0.put(1 << 20, at: $0.place(of: "GCOL") + 24, 8)
        },
        Case("two texts of a number", "structures/attributes_old_lists", "objects of one number") {
            let heap = $0.place(of: "GCOL")
            let length = Int($0.number(at: heap + 24, 8) + 7) / 8 * 8
            $0.put($0.number(at: heap + 16, 2), at: heap + 32 + length, 2)
        },
        Case(
            "an attribute of another object",
            "structures/attributes_new_300",
            "shares its messages"
        ) {
            $0.put(2, at: $0.place(of: "BTLF") + 14, 1)
        },
    ]
}
