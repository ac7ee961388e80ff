import Datasets
import Diagnostics
import Foundation
import Tagging
import TestSupport
import Testing

@Suite("A tagger's file")
struct TaggerFileTests {
    /// A small tagger's bytes.
    private static let bytes: [UInt8] = {
        let names = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
        // Every other is a noun before "walks" and a verb before "now".
        let sentences = TaggedSentences(
            words: (0..<30).flatMap { ["the", names[$0 % 7], $0 % 2 == 0 ? "walks" : "now", "."] },
            offsets: Array(stride(from: 0, through: 120, by: 4)),
            tags: (0..<30).flatMap {
                $0 % 2 == 0
                    ? [.determiner, .noun, .verb, .punctuation]
                    : [.pronoun, .verb, .adverb, .punctuation]
            }
        )
        guard var training = try? PerceptronTraining(sentences, name: "words") else { return [] }
        for _ in 0..<3 { _ = training.runEpoch() }
        return training.tagger().fileBytes
    }()

    private func failure(_ bytes: [UInt8]) throws -> String {
        try #require(throws: Failure.self) { try PerceptronTagger(bytes: bytes, name: "a.tagger") }
            .description
    }

    /// The same content behind a right digest.
    private func signed(_ bytes: [UInt8]) -> [UInt8] {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes[20...] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return bytes[..<12] + (0..<8).map { UInt8(truncatingIfNeeded: digest >> (8 * $0)) }
            + bytes[20...]
    }

    @Test func `what is written is read back, bit for bit`() throws {
        let tagger = try PerceptronTagger(bytes: Self.bytes, name: "a.tagger")
        #expect(tagger.fileBytes == Self.bytes)
        #expect(tagger.featureCount > 50 && tagger.wordCount == 11)
        #expect(tagger.knows("THE") && tagger.knows("Gnu") && !tagger.knows("gnus"))
        #expect(signed(Self.bytes) == Self.bytes)
        let url = FileManager.default.temporaryDirectory.appending(path: "tagger-\(UUID())")
        defer { try? FileManager.default.removeItem(at: url) }
        try tagger.write(to: url, force: false)
        #expect(try [UInt8](Data(contentsOf: url)) == Self.bytes)
        #expect(try PerceptronTagger(contentsOf: url).fileBytes == Self.bytes)
        let again = try #require(throws: Failure.self) { try tagger.write(to: url, force: false) }
        #expect(again.kind == .cannotCreate)
    }

    @Test func `a file cut anywhere is refused`() throws {
        for count in 0..<Self.bytes.count {
            #expect(throws: Failure.self) {
                try PerceptronTagger(bytes: Array(Self.bytes[..<count]), name: "a.tagger")
            }
        }
        #expect(
            try failure(Array(Self.bytes.dropLast())).contains("cut or damaged. Fetch it again")
        )
        #expect(
            try failure(Array(Self.bytes[..<15])).contains("ends after 15 bytes, in its header")
        )
        #expect(try failure([]) == "a.tagger: the file is empty.")
        #expect(try failure(Self.bytes + [0]).contains("cut or damaged"))
    }

    @Test func `a byte changed anywhere is refused`() throws {
        for index in Self.bytes.indices {
            var bytes = Self.bytes
            bytes[index] ^= 1 << UInt8(index % 8)
            #expect(throws: Failure.self, "byte \(index)") {
                try PerceptronTagger(bytes: bytes, name: "a.tagger")
            }
        }
    }

    @Test func `content that lies under a right digest is refused or read, and never traps`() throws
    {
        var refused = 0
        for index in 20..<Self.bytes.count {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var bytes = Self.bytes
                bytes[index] = value
                do throws(Failure) {
                    let tagger = try PerceptronTagger(bytes: signed(bytes), name: "a.tagger")
                    #expect(tagger.tags(of: ["the", "walks"]).count == 2)
                } catch {
                    refused += 1
                    #expect(error.kind == .badData)
                }
            }
            #expect(throws: Failure.self) {
                try PerceptronTagger(
                    bytes: signed(Array(Self.bytes[..<index])),
                    name: "a.tagger"
                )
            }
        }
        #expect(refused > 200)
        #expect(try failure(signed(Self.bytes + [0])).contains("1 bytes follow the last feature"))
    }

    @Test func `other files, versions and tag sets are said to be so`() throws {
        #expect(
            try failure(Array("The/DET sky/NOUN".utf8))
                == "a.tagger: this is not a tagger. \"bertkit tagger train\" writes one."
        )
        #expect(try failure(Array("{\"a\": 1}".utf8)).contains("this is a JSON text, not a tagger"))
        var version = Self.bytes
        version[8] = 2
        #expect(try failure(version).contains("of version 2; this program reads version 1"))
        var tags = Self.bytes
        // The first tag's first letter.
        tags[22] = 0x4F
        #expect(try failure(signed(tags)).contains("not those of Universal Dependencies: ODJ, ADP"))
        let missing = URL(filePath: "/nowhere/a.tagger")
        let failure = try #require(throws: Failure.self) {
            try PerceptronTagger(contentsOf: missing)
        }
        #expect(failure.kind == .missingInput)
    }

    @Test func `the tagger of English that is built in is the one of the fixtures`() throws {
        let file = Fixtures.folder.appending(path: "tagger/english.tagger")
        let bytes = try [UInt8](Data(contentsOf: file))
        #expect(PerceptronTagger.englishBytes == bytes)
        #expect(bytes.count <= 2_000_000)
        #expect(PerceptronTagger.english.fileBytes == bytes)
    }
}
