import Checkpoints
import Diagnostics
import Foundation
import TestSupport
import Testing

private typealias Entry = ZipBuilder.Entry

@Suite struct `Zip archives` {
    private static let plain = [
        Entry("a/b", Array("hello".utf8)), Entry("c", []), Entry("folder/", []),
        Entry("é.bin", Array(0...200)),
    ]

    /// Runs `body` with the archive of those bytes.
    private func open<Result>(
        _ bytes: [UInt8],
        _ body: (ZipArchive) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x.zip")
            try Data(bytes).write(to: url)
            return try body(ZipArchive(OpenFile(path: url.path)))
        }
    }

    private func reason(_ bytes: [UInt8]) throws -> String {
        let failure = try failure { try open(bytes) { _ in } }
        #expect(failure.kind == .badData)
        return failure.reason
    }

    @Test(arguments: [false, true], ["", "a comment"]) func `entries are where they lie`(
        isWide: Bool,
        comment: String
    ) throws {
        var builder = ZipBuilder(Self.plain)
        for index in builder.entries.indices { builder.entries[index].isWide = isWide }
        // Sizes that follow the bytes, and padding, as PyTorch writes them.
        builder.entries[0].flags = (8, 8)
        builder.entries[0].byteCount.local = 0
        builder.entries[0].checksum.local = 0
        builder.entries[3].extra = [0x46, 0x42, 3, 0, 0x5A, 0x5A, 0x5A]
        builder.isWide = isWide
        builder.comment = Array(comment.utf8)
        try open(builder.bytes()) { archive in
            #expect(archive.entries.map(\.name) == ["a/b", "c", "é.bin"])
            for expected in Self.plain where expected.name.last != 0x2F {
                let name = String(decoding: expected.name, as: UTF8.self)
                let entry = try #require(archive[name])
                #expect(entry.isStored && entry.byteCount == expected.bytes.count)
                #expect(try archive.bytes(of: entry, limit: 1000) == expected.bytes)
                try archive.check(entry)
            }
            #expect(archive["folder/"] == nil)
            let entry = try #require(archive["a/b"])
            let long = try failure { _ = try archive.bytes(of: entry, limit: 4) }
            #expect(long.reason.contains("5 bytes, more than 4"))
        }
    }

    @Test func `a changed byte is found when the checksum is asked for`() throws {
        var bytes = ZipBuilder([Entry("a", Array("hello".utf8))]).bytes()
        bytes[31] ^= 1
        try open(bytes) { archive in
            let failure = try failure { try archive.check(archive.entries[0]) }
            #expect(failure.reason.contains("its CRC-32 is"), "\(failure)")
        }
    }

    @Test func `a compressed entry is listed, and refused when it is read`() throws {
        var entry = Entry("a", Array("hello".utf8))
        entry.method = (8, 8)
        try open(ZipBuilder([entry]).bytes()) { archive in
            let failure = try failure { _ = try archive.extent(of: archive.entries[0]) }
            #expect(failure.reason.contains("is compressed"))
            #expect(failure.remedy?.contains("zip -0") == true)
        }
    }

    @Test(
        arguments: [
            "/etc/hostname", "../a", "a/../b", "a\\b", "C:/a", "a//b", "./a", "", "a\nb", "/",
        ]
    ) func `names that lead elsewhere are refused`(name: String) throws {
        let reason = try reason(ZipBuilder([Entry(name, [1])]).bytes())
        #expect(reason.contains("not a plain relative path"), "\(reason)")
    }

    @Test func `entries that contradict their headers or each other are refused`() throws {
        func changed(_ change: (inout ZipBuilder) -> Void) throws -> String {
            var builder = ZipBuilder([Entry("a", [1, 2, 3]), Entry("b", [4, 5])])
            change(&builder)
            return try reason(builder.bytes())
        }
        let cases: [(phrase: String, change: (inout ZipBuilder) -> Void)] = [
            ("has the entry \"b\" twice", { $0.entries.append($0.entries[1]) }),
            ("another name in its header", { $0.entries[0].localName = [0x7A] }),
            ("another name in its header", { $0.entries[0].localName = [0x61, 0x61] }),
            ("another method", { $0.entries[0].method.local = 8 }),
            ("another size or checksum", { $0.entries[0].byteCount.local = 2 }),
            ("another size or checksum", { $0.entries[0].checksum.local = 7 }),
            ("is encrypted", { $0.entries[0].flags.central = 1 }),
            ("is encrypted", { $0.entries[0].flags.central = 0x2000 }),
            ("another method", { $0.entries[0].flags.local = 1 }),
            ("overlaps the one before it", { $0.entries[1].displacement = -3 }),
            ("has no header", { $0.entries[1].displacement = 1 }),
            ("inside the directory", { $0.entries[1].displacement = 500 }),
            ("reaches into the directory", { $0.entries[1].byteCount = (999, 999) }),
            (
                "a size that is not there",
                { $0.entries[1].byteCount = (0xFFFF_FFFF, 0xFFFF_FFFF) }
            ),
            (
                "reaches into the directory",
                {
                    $0.entries[1].isWide = true
                    $0.entries[1].byteCount = (1 << 62, 1 << 62)
                }
            ),
            (
                "a size that is not there",
                {
                    $0.entries[1].isWide = true
                    $0.entries[1].byteCount = (-1, -1)
                }
            ),
            (
                "inside the directory",
                {
                    $0.entries[1].isWide = true
                    $0.entries[1].displacement = Int.max - 1000
                }
            ),
            ("does not end where the end record begins", { $0.directoryOffset = 1 }),
            ("directory has no entry at its byte", { $0.entryCount = 3 }),
            ("bytes after its 1 entries", { $0.entryCount = 1 }),
            (
                "100001 entries",
                {
                    $0.isWide = true
                    $0.entryCount = 100_001
                }
            ),
            (
                "does not end where",
                {
                    $0.isWide = true
                    $0.directoryOffset = Int.max
                }
            ),
        ]
        for (phrase, change) in cases {
            let reason = try changed(change)
            #expect(reason.contains(phrase), "\(reason)")
        }
    }

    @Test func `a file cut anywhere, or with something behind it, is refused`() throws {
        let bytes = ZipBuilder(Self.plain).bytes()
        for count in 0..<bytes.count {
            #expect(throws: Failure.self) { try open(Array(bytes[..<count])) { _ in } }
        }
        #expect(try reason(bytes + [0]).contains("no directory at its end"))
        #expect(try reason([0] + bytes).contains("does not end where"))
    }
}
