import Diagnostics
import Foundation
import HDF5
import TestSupport
import Testing

/// Good files with one field changed, their checksums made right again: each is refused with a sentence
/// of its own.
@Suite struct `Hostile HDF5` {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// A file of `fixtures/hdf5`.
        let file: String
        let phrase: String
        let change: @Sendable (inout PatchedFile) -> Void

        init(
            _ description: String,
            _ file: String,
            _ phrase: String,
            _ change: @escaping @Sendable (inout PatchedFile) -> Void
        ) {
            (testDescription, self.file) = (description, file)
            (self.phrase, self.change) = (phrase, change)
        }
    }

    @Test(arguments: superblocks + oldGroups + newGroups + datasets + chunks + attributes)
    func `is refused with one sentence`(example: Case) throws {
        var file = try PatchedFile(cases.appending(path: "\(example.file).h5"))
        let before = file.bytes
        example.change(&file)
        file.repair()
        #expect(file.bytes != before)
        let failure = try failure {
            let opened = try HDF5File(bytes: file.bytes, calling: "hostile")
            for dataset in opened.datasets { _ = try contents(opened, dataset) }
        }
        #expect(failure.kind == .badData)
        #expect(failure.subject == "hostile")
        #expect(failure.reason.contains(example.phrase), "\(failure.reason)")
        #expect(!failure.description.contains("\n") && failure.description.utf8.count < 1024)
    }

    /// A group of so many names that its tree has two levels, as the library writes it.
    private static let manyNames = (0..<400).map { "name_\($0 * 7919 % 1000)" }

    private func manyGroups() throws -> PatchedFile {
        try withTemporary { url in
            let writer = try HDF5Writer(creating: url.path)
            for name in Self.manyNames { try writer.createGroup("/\(name)") }
            try writer.close()
            return try PatchedFile(url)
        }
    }

    @Test func `a group of many names is read from a tree of two levels`() throws {
        let bytes = try manyGroups().bytes
        let file = try HDF5File(bytes: bytes, calling: "many")
        #expect(file.groups == ["/"] + Self.manyNames.sorted().map { "/\($0)" })
    }

    @Test func `a tree of two levels that is damaged is refused`() throws {
        let good = try manyGroups()
        var number = 0
        while good.bytes[good.place(of: "TREE", number) + 5] != 1 { number += 1 }
        let tree = good.place(of: "TREE", number)
        for (phrase, value, place, width) in [
            ("in a wrong place", UInt64(tree), 32, 8), ("not begin with SNOD", 0, 5, 1),
            ("65535 entries", 65535, 6, 2), ("past the end of the file", .max - 1, 32, 8),
            // What the first entry remembers of its group.
            ("contradicts it", 96, good.place(of: "SNOD") + 32 - tree, 8),
        ] {
            var file = good
            file.put(value, at: tree + place, width)
            let failure = try failure { _ = try HDF5File(bytes: file.bytes, calling: "many") }
            #expect(failure.reason.contains(phrase), "\(failure.reason)")
        }
    }

    static let superblocks: [Case] = [
        ("old, of version 4", "read_f32_le", "superblock version 4", 8, 4, 1),
        ("old, of version 255", "read_f32_le", "superblock version 255", 8, 255, 1),
        ("addresses of four bytes", "read_f32_le", "addresses of 4", 13, 4, 1),
        ("lengths of 16 bytes", "read_latest", "lengths of 16", 10, 16, 1),
        ("another base", "read_f32_le", "is not where it says", 24, 512, 8),
        ("another base, newer", "read_latest", "is not where it says", 12, 512, 8),
        ("a later end", "read_f32_le", "truncated: declares 1048576 bytes", 40, 1 << 20, 8),
        ("a later end, newer", "read_latest", "truncated: declares", 28, .max - 1, 8),
        ("a driver", "read_f32_le", "driver that splits files", 48, 96, 8),
        ("trees without width", "read_f32_le", "trees of an odd width", 16, 0, 2),
        ("trees too wide", "structures/file_narrow_old", "trees of an odd width", 24, 65535, 2),
        ("open for writing", "structures/file_pages", "marked as open for writing", 11, 1, 1),
        ("a root outside", "read_f32_le", "reaches past the end of the file", 64, 1 << 40, 8),
        ("a root nowhere", "read_latest", "reaches past the end of the file", 36, .max, 8),
        ("a root in the superblock", "read_f32_le", "is of version", 64, 0, 8),
        ("an extension outside", "read_latest", "reaches past the end of the file", 20, 1 << 20, 8),
    ].map { name, file, phrase, place, value, width in
        Case("superblock: \(name)", file, phrase) { $0.put(value, at: place, width) }
    }

    static let oldGroups = [
        Case("a tree too high", "read_f32_le", "of level 255") {
            $0.put(255, at: $0.place(of: "TREE") + 5, 1)
        },
        Case("a dataset's tree", "read_f32_le", "is no group's") {
            $0.put(1, at: $0.place(of: "TREE") + 4, 1)
        },
        Case("a leaf of 65535 entries", "read_f32_le", "65535 entries") {
            $0.put(65535, at: $0.place(of: "SNOD") + 6, 2)
        },
        Case("a name outside the heap", "read_f32_le", "a name outside the heap") {
            $0.put(1 << 40, at: $0.place(of: "SNOD") + 8, 8)
        },
        Case("an entry of an unknown kind", "read_f32_le", "an entry of an unknown kind") {
            $0.put(3, at: $0.place(of: "SNOD") + 24, 4)
        },
        Case("a soft link without a target", "read_f32_le", "soft or external link") {
            $0.put(2, at: $0.place(of: "SNOD") + 24, 4)
        },
        Case("an object outside", "read_f32_le", "reaches past the end of the file") {
            $0.put(.max, at: $0.place(of: "SNOD") + 16, 8)
        },
        Case("a heap larger than the file", "read_f32_le", "reaches past the end of the file") {
            $0.put(1 << 62, at: $0.place(of: "HEAP") + 8, 8)
        },
        Case("a heap outside the file", "read_f32_le", "reaches past the end of the file") {
            $0.put(.max - 7, at: $0.place(of: "HEAP") + 24, 8)
        },
        Case("a name with a slash", "read_f32_le", "is a path") {
            $0.put("va/ues", at: $0.place(of: "values"))
        },
        Case("a name with an escape", "read_f32_le", "not printable") {
            $0.put("va\u{1B}ues", at: $0.place(of: "values"))
        },
        Case("a name that is no UTF-8", "read_f32_le", "not printable UTF-8") {
            $0.put(0xFF, at: $0.place(of: "values"), 1)
        },
        Case("no name", "read_f32_le", "not printable UTF-8") {
            $0.put(0, at: $0.place(of: "values"), 1)
        },
        Case("two objects of one name", "read_hard_link", "two objects of the same name") {
            let leaf = $0.place(of: "SNOD")
            $0.put($0.number(at: leaf + 8, 8), at: leaf + 48, 8)
        },
        Case("names that only look different", "read_hard_link", "two objects of the same name") {
            // é as two scalars, and as one.
            $0.put("e\u{301}\0", at: $0.place(of: "first"))
            $0.put("\u{E9}\0", at: $0.place(of: "values"))
        },
    ]

    static let newGroups = [
        Case("an unknown version of a header", "read_latest", "is of version 3") {
            $0.put(3, at: $0.place(of: "OHDR") + 4, 1)
        },
        Case("a header larger than the file", "read_latest", "reaches past the end of the file") {
            let header = $0.place(of: "OHDR")
            $0.put(3, at: header + 5, 1)
        },
        Case(
            "a link of another name than its index says",
            "structures/links_new_300",
            "another name"
        ) {
            let block = $0.place(of: "FHDB")
            $0.put("Name", at: $0.place(of: "name_") > block ? $0.place(of: "name_") : block + 60)
        },
        Case("a heap that is filtered", "structures/links_new_300", "compressed") {
            $0.put(8, at: $0.place(of: "FRHP") + 7, 2)
        },
        Case("a heap of no width", "structures/links_new_300", "impossible shape") {
            $0.put(0, at: $0.place(of: "FRHP") + 110, 2)
        },
        Case("a heap of too many rows", "structures/links_new_300", "impossible shape") {
            $0.put(60000, at: $0.place(of: "FRHP") + 140, 2)
        },
        Case("a heap of blocks of 2^40 bytes", "structures/links_new_300", "impossible shape") {
            $0.put(1 << 40, at: $0.place(of: "FRHP") + 120, 8)
        },
        Case("a block of another heap", "structures/links_new_300", "of another place") {
            $0.put(5, at: $0.place(of: "FHDB") + 5, 8)
        },
        Case(
            "a table that leads to itself",
            "structures/links_new_300",
            "the fractal heap's block at"
        ) {
            let table = $0.place(of: "FHIB")
            $0.put(UInt64(table), at: table + 17, 8)
        },
        Case("a tree of another kind", "structures/links_new_300", "of another kind") {
            $0.put(6, at: $0.place(of: "BTHD") + 5, 1)
        },
        Case("a tree of too many levels", "structures/links_new_300", "too many levels") {
            $0.put(1000, at: $0.place(of: "BTHD") + 12, 2)
        },
        Case("a tree of records without bytes", "structures/links_new_300", "hold nothing") {
            $0.put(0, at: $0.place(of: "BTHD") + 10, 2)
        },
        Case("a tree of nodes of four bytes", "structures/links_new_300", "hold nothing") {
            $0.put(4, at: $0.place(of: "BTHD") + 6, 4)
        },
        Case("a tree of more records", "structures/links_new_300", "records, not 400") {
            $0.put(400, at: $0.place(of: "BTHD") + 26, 8)
        },
        Case("a record outside the heap", "structures/links_new_300", "does not exist") {
            $0.put(0x0FFF_FFFF, at: $0.place(of: "BTLF") + 11, 4)
        },
        Case("a record of an unknown form", "structures/links_new_300", "inside identifiers") {
            $0.put(0x20, at: $0.place(of: "BTLF") + 10, 1)
        },
    ]
}
