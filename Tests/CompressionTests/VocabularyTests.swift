import Bert
import Checkpoints
import Compression
import Diagnostics
import Foundation
import Tensors
import Testing
import Tokenization

@Suite("A smaller vocabulary")
struct VocabularyTests {
    /// What is kept whatever the text: specials, letters, and the pieces that alone have `##q`.
    private static let always: Set<String> = Set(
        CompressionBench.pieces.filter { piece in
            let name = piece.replacing("##", with: "")
            return name.count == 1
                || ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "aqua", "##qu"].contains(piece)
        }
    )

    private func pieces(_ bench: CompressionBench, _ name: String = "small") throws -> [String] {
        try Vocabulary(contentsOf: bench["\(name)/vocab.txt"]).pieces
    }

    private func cut(
        _ bench: CompressionBench,
        _ text: String,
        size: Int? = nil,
        isInt8: Bool = false
    ) throws {
        let file = try bench.write(text, "text.txt")
        try bench.compress {
            $0.vocabulary = VocabularyChoice(text: file, size: size)
            $0.isInt8 = isInt8
        }
    }

    @Test("keeps what the text uses, specials and single characters, in their order")
    func kept() throws {
        try CompressionBench.with(padding: 3) { bench in
            try cut(bench, "A film.\nPlaying\tfine film\n")
            let used: Set = ["film", "play", "##ing", "fine"]
            let expected = CompressionBench.pieces.filter {
                Self.always.contains($0) || used.contains($0)
            }
            #expect(try pieces(bench) == expected)
            #expect(!expected.contains("[unused0]"))
            let map = try String(contentsOf: bench["small/vocabulary_map.tsv"], encoding: .utf8)
            let lines = map.split(separator: "\n").map(String.init)
            #expect(lines[0] == "old\tnew\tpiece")
            #expect(lines.count == expected.count + 1)
            let (old, new) = (try bench.parameters("model"), try bench.parameters("small"))
            let name = "embeddings.word_embeddings.weight"
            let (before, after) = (try #require(old[name]), try #require(new[name]))
            #expect(after.shape == [expected.count, 12])
            for (row, line) in lines.dropFirst().enumerated() {
                let fields = line.split(separator: "\t").map(String.init)
                let place = try #require(CompressionBench.pieces.firstIndex(of: expected[row]))
                #expect(fields == [String(place), String(row), expected[row]])
                #expect(
                    after.values[row * 12..<row * 12 + 12]
                        == before.values[place * 12..<place * 12 + 12]
                )
            }
        }
    }

    @Test("texts of kept pieces get the same logits, bit for bit")
    func sameLogits() throws {
        try CompressionBench.with { bench in
            try cut(bench, "very fine film\nplaying\n")
            let same = ["film", "playing very fine", "a fine aqua film", "xyz fine"]
            #expect(try bench.logits("small", same) == bench.logits("model", same))
            #expect(try bench.logits("small", ["dull"]) != bench.logits("model", ["dull"]))
        }
    }

    @Test("no text gets an unknown piece that it had not before")
    func noNewUnknown() throws {
        try CompressionBench.with { bench in
            try cut(bench, "film\n")
            let (before, after) = (
                try TextClassifier(contentsOf: bench["model"]).tokenizer,
                try TextClassifier(contentsOf: bench["small"]).tokenizer
            )
            let texts = [
                "dull plot playing finely", "aqua aquaed", "very.", "played zzz", "plotting quad",
            ]
            for text in texts {
                #expect(!before.tokens(text).contains("[UNK]"))
                #expect(!after.tokens(text).contains("[UNK]"), "\(after.tokens(text))")
                let spelled = after.tokens(text).map { $0.replacing("##", with: "") }.joined()
                #expect(spelled == text.replacing(" ", with: ""))
            }
            #expect(after.tokens("dull") == ["d", "##u", "##l", "##l"])
        }
    }

    @Test("of a number of pieces the most used come first, then others in the order they stand in")
    func size() throws {
        try CompressionBench.with { bench in
            let text = "film very film fine very film"
            let count = Self.always.count
            for (more, expected) in [
                (2, ["film", "very"]), (3, ["film", "fine", "very"]),
                (5, ["film", "plot", "dull", "fine", "very"]),
            ] {
                try cut(bench, text, size: count + more)
                let found = try pieces(bench).filter { !Self.always.contains($0) }
                #expect(found == expected)
                try FileManager.default.removeItem(at: bench["small"])
            }
            let few = failure { try cut(bench, text, size: count - 1) }
            #expect(few?.kind == .usage)
            #expect(few?.reason.contains("\(count) are always kept") == true)
            let many = failure { try cut(bench, text, size: CompressionBench.pieces.count) }
            #expect(many?.reason.contains("pieces are no fewer than the") == true)
            #expect(bench.names == ["model", "text.txt"])
        }
    }

    @Test("cuts the bias of a language model's decoder with its table")
    func languageModel() throws {
        try CompressionBench.with(.maskedLanguageModel) { bench in
            try cut(bench, "film", isInt8: true)
            let kept = try pieces(bench)
            let places = kept.compactMap { CompressionBench.pieces.firstIndex(of: $0) }
            let name = "cls.predictions.bias"
            let (old, new) = (
                try #require(try bench.parameters("model")[name]),
                try #require(try bench.parameters("small")[name])
            )
            #expect(new.values == places.map { old.values[$0] })
            try Checkpoint.open(bench["small"]).checkTies()
        }
    }

    @Test("takes the texts of the data, without its labels")
    func fromData() throws {
        try CompressionBench.with { bench in
            let data = try CompressionBench.data(["film", "fine"])
            let result = try bench.compress(data: data) {
                $0.vocabulary = VocabularyChoice(text: nil)
            }
            #expect(
                try pieces(bench).filter { !Self.always.contains($0) } == ["film", "fine"]
            )
            #expect(result.steps[1].divergence == 0)
            #expect(result.steps[1].quality == result.steps[0].quality)
        }
    }

    @Test("refuses a file that is empty, no text, or not there")
    func badText() throws {
        try CompressionBench.with { bench in
            let empty = failure { try cut(bench, " \n\n") }
            #expect(empty?.reason == "the file has no text")
            try Data([0xFF, 0xFE, 0x41]).write(to: bench["bad.txt"])
            let bad = bench["bad.txt"]
            let found = failure { try bench.compress { $0.vocabulary = .init(text: bad) } }
            #expect(found?.reason == "the file is not UTF-8 text")
            let gone = bench["gone.txt"]
            let missing = failure { try bench.compress { $0.vocabulary = .init(text: gone) } }
            #expect(missing?.kind == .missingInput)
            #expect(!bench.names.contains("small"))
        }
    }
}
