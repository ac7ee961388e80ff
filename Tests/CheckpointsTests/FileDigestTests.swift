import Foundation
import Provenance
import Testing

@Suite("SHA-256 of files")
struct FileDigestTests {
    /// FIPS 180-4's example, no bytes, and a million times 'a' (NIST's long example).
    @Test(
        arguments: [
            (Data("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Data(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                Data(repeating: 0x61, count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
    )
    func published(_ content: Data, _ digest: String) throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "f")
            try content.write(to: file)
            let found = try FileDigest(of: file.path)
            #expect(found.sha256 == digest)
            #expect(found.byteCount == content.count && found.name == "f")
        }
    }

    @Test func `a folder's files by name, without hidden ones and inner folders`() throws {
        try withTemporaryFolder { folder in
            for name in ["b", "a", ".hidden"] {
                try Data(name.utf8).write(to: folder.appending(path: name))
            }
            try FileManager.default.createDirectory(
                at: folder.appending(path: "c"),
                withIntermediateDirectories: false
            )
            let found = try FileDigest.all(at: folder.path)
            #expect(found.map(\.name) == ["a", "b"])
            #expect(found[0].sha256.hasPrefix("ca978112ca1bbdca"))
        }
    }

    @Test func `a file longer than one piece has the digest of all of it`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "f")
            var content = Data(repeating: 7, count: (1 << 20) + 5)
            try content.write(to: file)
            let digest = try FileDigest(of: file.path).sha256
            content[1 << 20] = 8
            try content.write(to: file)
            #expect(try FileDigest(of: file.path).sha256 != digest)
        }
    }

    @Test func `a path that several names begin with stands for those files`() throws {
        try withTemporaryFolder { folder in
            for name in ["m.ckpt.index", "m.ckpt.data-00000-of-00001", "m.ckpt2.index"] {
                try Data(name.utf8).write(to: folder.appending(path: name))
            }
            let found = try FileDigest.all(at: folder.appending(path: "m.ckpt").path)
            #expect(found.map(\.name) == ["m.ckpt.data-00000-of-00001", "m.ckpt.index"])
        }
    }

    @Test func `what is not there is refused`() throws {
        let failure = try #require(throws: (any Error).self) {
            try FileDigest.all(at: "/nowhere/at/all")
        }
        #expect("\(failure)".contains("there is no such file"))
    }
}
