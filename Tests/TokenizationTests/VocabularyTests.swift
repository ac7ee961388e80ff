import Diagnostics
import Foundation
import TestSupport
import Testing
import Tokenization

let specialPieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

/// A folder that is removed with the value.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-tokenization-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> URL {
        let file = url.appending(path: name)
        try Data(bytes).write(to: file)
        return file
    }
}

@Suite struct VocabularyTests {
    private static let head = specialPieces.joined(separator: "\n") + "\n"

    private func read(_ bytes: some Sequence<UInt8>) throws -> Vocabulary {
        let folder = try TemporaryFolder()
        return try Vocabulary(contentsOf: folder.write("vocab.txt", bytes))
    }

    private func failure(_ bytes: some Sequence<UInt8>) throws -> Failure {
        try #require(throws: Failure.self) { _ = try read(bytes) }
    }

    @Test("the line number is the id, and specials are found where they stand")
    func ids() throws {
        let vocabulary = try read("x\n[UNK]\n[SEP]\n##x\n[CLS]\n[PAD]\n##\n#\n###\n".utf8)
        #expect(vocabulary.count == 9)
        #expect(vocabulary.id(of: "x") == 0)
        #expect(vocabulary.id(of: "##x") == 3)
        #expect(vocabulary.id(of: "##") == 6)
        #expect(vocabulary.id(of: "#") == 7)
        #expect(vocabulary.id(of: "###") == 8)
        #expect(vocabulary.id(of: "##y") == nil)
        #expect(vocabulary.id(of: "") == nil)
        #expect(vocabulary.unknown == 1 && vocabulary.separator == 2)
        #expect(vocabulary.classification == 4 && vocabulary.padding == 5)
        #expect(vocabulary.mask == nil)
    }

    @Test("canonical twins are two pieces")
    func canonicalTwins() throws {
        let vocabulary = try read((Self.head + "é\ne\u{301}\n\u{8C48}\n\u{F900}\n").utf8)
        #expect(vocabulary.id(of: "é") == 5)
        #expect(vocabulary.id(of: "e\u{301}") == 6)
        #expect(vocabulary.id(of: "\u{8C48}") == 7)
        #expect(vocabulary.id(of: "\u{F900}") == 8)
    }

    @Test("carriage returns, a missing last line feed and empty lines at the end change nothing")
    func lineEnds() throws {
        let plain = try read((Self.head + "a\nb\n").utf8).pieces
        #expect(plain.count == 7)
        let returns = Self.head.replacing("\n", with: "\r\n") + "a\r\nb"
        #expect(try read(returns.utf8).pieces == plain)
        #expect(try read((Self.head + "a\nb\n\n\r\n\n").utf8).pieces == plain)
    }

    @Test("odd pieces keep their places: an empty line, spaces, line separators, a NUL")
    func oddPieces() throws {
        let vocabulary = try read((Self.head + "\n a\na \n\u{2028}\n\u{85}\n\0\nz\n").utf8)
        #expect(vocabulary.pieces[5] == "")
        #expect(vocabulary.id(of: " a") == 6)
        #expect(vocabulary.id(of: "a ") == 7)
        #expect(vocabulary.id(of: "\u{2028}") == 8)
        #expect(vocabulary.id(of: "z") == 11)
    }

    @Test("a piece that stands twice is refused with both lines")
    func duplicate() throws {
        let failure = try failure((Self.head + "a\nb\na\n").utf8)
        #expect(failure.kind == .badData)
        #expect(failure.reason.contains("\"a\"") && failure.reason.contains("lines 6 and 8"))
        #expect(try self.failure((Self.head + "a\n\nb\n\nc").utf8).reason.contains("twice"))
    }

    @Test("an empty file, and one of empty lines, are refused")
    func empty() throws {
        #expect(try failure("".utf8).reason.contains("empty"))
        #expect(try failure("\n\n".utf8).reason.contains("no pieces"))
    }

    @Test("a line that is not UTF-8 is named", arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80]])
    func invalidUTF8(bytes: [UInt8]) throws {
        let failure = try failure(Array(Self.head.utf8) + Array("a\n".utf8) + bytes + [0x0A])
        #expect(failure.reason.contains("line 7 is not UTF-8"))
    }

    @Test("a Git LFS pointer is told from a vocabulary")
    func pointer() throws {
        let text = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 231508\n"
        let failure = try failure(text.utf8)
        #expect(failure.reason.contains("Git LFS pointer"))
        #expect(failure.remedy?.contains("git lfs pull") == true)
    }

    @Test("all missing special pieces are named at once")
    func missingSpecials() throws {
        let failure = try failure("[PAD]\n[MASK]\n[SEP]\na\n".utf8)
        #expect(failure.reason.contains("[UNK], [CLS]"))
        #expect(!failure.reason.contains("[SEP]"))
    }

    @Test("a byte order mark is named as the cause of a missing special piece")
    func byteOrderMark() throws {
        let failure = try failure(("\u{FEFF}" + Self.head).utf8)
        #expect(failure.reason.contains("[PAD]"))
        #expect(failure.remedy?.contains("byte order mark") == true)
    }

    @Test("a lone carriage return within a line is refused")
    func loneReturn() throws {
        #expect(try failure(("a\rb\n" + Self.head).utf8).reason.contains("line 1"))
    }

    @Test("a missing file, a folder and a pipe are refused without waiting")
    func notAFile() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.url.appending(path: "pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        for url in [folder.url.appending(path: "absent"), folder.url, pipe] {
            let failure = try #require(throws: Failure.self) { _ = try Vocabulary(contentsOf: url) }
            #expect(failure.kind == .missingInput)
            #expect(failure.subject == url.relativePath)
        }
    }

    @Test("pieces that vocab.txt cannot hold are refused", arguments: ["a\nb", "a\r", ""])
    func unwritable(piece: String) {
        #expect(throws: Failure.self) { try Vocabulary(pieces: specialPieces + [piece]) }
    }

    @Test(
        "the shared vocabularies are read whole, and their casing is seen",
        .enabled(if: Fixtures.shared != nil, "no shared material beside the repository"),
        arguments: [("uncased", 30_522), ("cased", 28_996), ("multilingual-cased", 119_547)]
    )
    func shared(name: String, count: Int) throws {
        let shared = try #require(Fixtures.shared)
        let url = shared.appending(path: "data/vocab/bert-base-\(name)-vocab.txt")
        let vocabulary = try Vocabulary(contentsOf: url)
        #expect(vocabulary.count == count)
        for (id, piece) in vocabulary.pieces.enumerated() {
            #expect(vocabulary.id(of: piece) == Int32(id))
        }
        let configuration = try TokenizerConfiguration(
            folder: url.deletingLastPathComponent(),
            vocabulary: vocabulary
        )
        #expect(configuration.casingWasInferred)
        #expect(configuration.lowercase == (name == "uncased"))
    }
}
