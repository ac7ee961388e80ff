import Foundation
import Testing
import Tokenization

@Suite struct TokenizerTests {
    private static let pieces =
        specialPieces + [
            "un", "##aff", "##able", "##a", "a", "b", "##b", "want", "wanted", "!", "[", "]", "sep",
            "é",
            "e", "日", "本", "<",
        ]

    private func tokenizer(
        lowercase: Bool = true,
        stripAccents: Bool? = nil,
        maximumWordLength: Int = 100,
        pieces: [String] = Self.pieces
    ) throws -> WordPieceTokenizer {
        WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: pieces),
            configuration: TokenizerConfiguration(
                lowercase: lowercase,
                stripAccents: stripAccents,
                maximumWordLength: maximumWordLength
            )
        )
    }

    @Test("the longest piece is taken first, and a word is pieces altogether or unknown")
    func longestFirst() throws {
        let tokenizer = try tokenizer()
        #expect(tokenizer.tokens("unaffable wanted!") == ["un", "##aff", "##able", "wanted", "!"])
        #expect(tokenizer.tokens("unaffablex") == ["[UNK]"])
        #expect(tokenizer.tokens("Aab") == ["a", "##a", "##b"])
        #expect(tokenizer.tokens("日a本") == ["日", "a", "本"])
        #expect(tokenizer.tokens("a≮b") == ["a", "<", "b"])
    }

    @Test("special pieces in a text become special ids only as they are written")
    func specialsInText() throws {
        let tokenizer = try tokenizer()
        #expect(tokenizer.tokens("a[SEP]b") == ["a", "[SEP]", "b"])
        #expect(tokenizer.tokens("a[sep]b") == ["a", "[", "sep", "]", "b"])
        #expect(tokenizer.tokens("[[MASK]]") == ["[", "[MASK]", "]"])
        let withoutMask = try self.tokenizer(pieces: Self.pieces.filter { $0 != "[MASK]" })
        #expect(withoutMask.tokens("[MASK]") == ["[", "[UNK]", "]"])
    }

    @Test("sequences are [CLS] A [SEP] and [CLS] A [SEP] B [SEP]")
    func shapes() throws {
        let tokenizer = try tokenizer()
        let a = try #require(tokenizer.vocabulary.id(of: "a"))
        let b = try #require(tokenizer.vocabulary.id(of: "b"))
        let single = tokenizer.encode("a b", maximumLength: 512)
        #expect(single == Encoding(ids: [2, a, b, 3], tokenTypes: [0, 0, 0, 0], truncated: 0))
        let pair = tokenizer.encode("a", pair: "b", maximumLength: 512)
        #expect(pair == Encoding(ids: [2, a, 3, b, 3], tokenTypes: [0, 0, 0, 1, 1], truncated: 0))
        let empty = tokenizer.encode("", pair: "", maximumLength: 512)
        #expect(empty == Encoding(ids: [2, 3, 3], tokenTypes: [0, 0, 1], truncated: 0))
    }

    @Test("special pieces around texts stay whatever the maximum", arguments: [-1, 0, 1, 2, 3])
    func tinyMaximum(maximum: Int) throws {
        let tokenizer = try tokenizer()
        let single = tokenizer.encode("a b a", maximumLength: min(maximum, 2))
        #expect(single.ids == [2, 3] && single.truncated == 3)
        let pair = tokenizer.encode("a b", pair: "b", maximumLength: maximum)
        #expect(pair.ids == [2, 3, 3] && pair.truncated == 3)
        #expect(pair.tokenTypes == [0, 0, 1])
    }

    @Test(
        "bytes that are not UTF-8 vanish as U+FFFD does",
        arguments: [
            [0xFF], [0x80], [0xC3], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80],
            [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE0, 0x80, 0x80],
        ]
    )
    func invalidUTF8(bytes: [UInt8]) throws {
        let tokenizer = try tokenizer()
        let text = Array("a".utf8) + bytes + Array("b !".utf8) + bytes
        let repaired = String(decoding: text, as: UTF8.self)
        let found = tokenizer.encode(text, maximumLength: 512)
        #expect(found == tokenizer.encode(repaired, maximumLength: 512))
        #expect(found == tokenizer.encode("ab !", maximumLength: 512))
    }

    @Test("storage that is not contiguous gives the same ids")
    func lazyStorage() throws {
        let tokenizer = try tokenizer()
        let text = "unaffable [SEP] wanted!"
        let bytes = Array(text.utf8)
        let expected = tokenizer.encode(text, pair: text, maximumLength: 12)
        let reversed = Array(bytes.reversed()).reversed()
        #expect(tokenizer.encode(reversed, pair: reversed, maximumLength: 12) == expected)
    }

    @Test("a word may have the stated number of scalars and no more", arguments: [1, 7, 100, 5000])
    func wordLength(limit: Int) throws {
        let tokenizer = try tokenizer(maximumWordLength: limit)
        let longest = "a" + String(repeating: "b", count: limit - 1)
        #expect(tokenizer.tokens(longest).count == limit)
        #expect(tokenizer.tokens(longest + "b") == ["[UNK]"])
        #expect(tokenizer.tokens(longest + "b a") == ["[UNK]", "a"])
        #expect(tokenizer.tokens(longest + "\u{301}\u{200D}").count == limit)
        #expect(tokenizer.tokens("日" + longest).count == limit + 1)
    }

    @Test("a word of a megabyte takes no longer than its length asks", arguments: [100, 1 << 20])
    func longWord(limit: Int) throws {
        let piece = String(repeating: "a", count: 40)
        let pieces = Self.pieces + [piece, "##\(piece)"]
        let tokenizer = try tokenizer(maximumWordLength: limit, pieces: pieces)
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
        var count = 0
        let time = ContinuousClock().measure {
            count = tokenizer.encode(text, maximumLength: .max).ids.count - 2
        }
        let whole = (1 << 20) / 40 + (1 << 20) % 40
        #expect(count == (limit == 100 ? 1 : whole))
        #expect(time < .seconds(1))
    }

    @Test(
        "long runs of combining scalars take no longer than their length asks",
        arguments: [
            "\u{301}", "\u{1D16D}\u{1D165}", "\u{1D16D}", "\u{E9}",
        ]
    )
    func combiningRuns(run: String) throws {
        let tokenizer = try tokenizer()
        let text = "a" + String(repeating: run, count: 200_000)
        var tokens: [String] = []
        let time = ContinuousClock().measure { tokens = tokenizer.tokens(text) }
        #expect(tokens == (run == "\u{301}" ? ["a"] : ["[UNK]"]))
        #expect(time < .seconds(1))
    }

    @Test("one tokenizer serves several threads")
    func threads() async throws {
        let tokenizer = try tokenizer()
        let expected = tokenizer.encode("unaffable wanted! 日本 é", maximumLength: 64)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<200).allSatisfy { _ in
                        tokenizer.encode("unaffable wanted! 日本 é", maximumLength: 64) == expected
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }
}

@Suite struct PackedBatchTests {
    @Test("sequences lie end to end, empty ones too")
    func packing() {
        let batch = PackedBatch([
            Encoding(ids: [2, 7, 3], tokenTypes: [0, 0, 0], truncated: 0),
            Encoding(ids: [], tokenTypes: [], truncated: 4),
            Encoding(ids: [2, 3, 9, 3], tokenTypes: [0, 0, 1, 1], truncated: 1),
        ])
        #expect(batch.ids == [2, 7, 3, 2, 3, 9, 3])
        #expect(batch.tokenTypes == [0, 0, 0, 0, 0, 1, 1])
        #expect(batch.offsets == [0, 3, 3, 7])
        #expect(batch.sequenceCount == 3 && batch.tokenCount == 7)
        #expect((0..<3).map { batch.length(of: $0) } == [3, 0, 4])
        #expect(batch.rows(of: 2) == 3..<7)
    }

    @Test("no sequences make an empty batch")
    func empty() {
        let batch = PackedBatch([])
        #expect(batch.sequenceCount == 0 && batch.tokenCount == 0 && batch.offsets == [0])
    }
}
