import Datasets
import Diagnostics
import Foundation
import Testing
import Tokenization
import Training

/// Texts of words `w0` … `w94`; any other is unknown.
private struct TextBench {
    let tokenizer: WordPieceTokenizer

    init() throws {
        let vocabulary = try Vocabulary(pieces: MaskingTests.pieces)
        tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: TokenizerConfiguration(lowercase: true, modelMaximumLength: 64)
        )
    }

    static func words(_ numbers: Range<Int>) -> String {
        numbers.map { "w\($0 % 95)" }.joined(separator: " ")
    }

    /// Lends lines as a text whose sequences have at most 12 tokens.
    func text(
        _ lines: [String],
        _ selection: TextSelection,
        _ body: (TextData) throws -> Void
    ) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: url) }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: url)
        let text = TextData(try PlainText(path: url.path), tokenizer: tokenizer, maximumLength: 12)
        try body(try text.selecting(selection))
    }

    /// The ids of an epoch's sequences, special ones left out.
    func sequences(_ text: TextData, epoch: Int = 0) throws -> [[Int32]] {
        var stream = text.epoch(epoch, batchSize: 7, seed: 5)
        var found: [[Int32]] = []
        while let batch = try stream.next() {
            #expect(batch.examples.first == found.count)
            for index in 0..<batch.sequences.sequenceCount {
                let range = batch.sequences.offsets[index]..<batch.sequences.offsets[index + 1]
                let ids = batch.sequences.ids[range]
                #expect(ids.count <= 12 && ids.first == 2 && ids.last == 3)
                found.append(Array(ids.dropFirst().dropLast()))
            }
        }
        return found
    }
}

private let published = TextSelection(minimumTokens: 12, unknownShare: 0.5, longTexts: .split)

@Suite struct TextSelectionTests {
    @Test func `sequences of eleven tokens and those half unknown are left out`() throws {
        let bench = try TextBench()
        let kept = TextBench.words(0..<10)
        // Twelve tokens: five unknown are less than half, six are half.
        let five = TextBench.words(0..<5) + " x x x x x"
        let six = TextBench.words(0..<4) + " x x x x x x"
        let lines = [kept, TextBench.words(0..<9), five, six, "w1"]
        try bench.text(lines, published) { text in
            #expect(text.count == 2)
            let census = try #require(text.census)
            #expect(census.tooShort == 2 && census.tooUnknown == 1 && census.split == 0)
            let found = try bench.sequences(text)
            #expect(
                Set(found) == [Array(5..<15), Array(5..<10) + [Int32](repeating: 1, count: 5)]
            )
        }
        try bench.text(lines, TextSelection(minimumTokens: 12)) { #expect($0.count == 3) }
        try bench.text(lines, TextSelection(unknownShare: 0.5)) { #expect($0.count == 4) }
        try bench.text(lines, TextSelection()) {
            #expect($0.count == 5 && $0.census == nil)
        }
    }

    @Test func `long lines are cut in pieces, all of which are read once in an epoch`() throws {
        let bench = try TextBench()
        // 25 words in sequences of ten: the rest of five is too short, unless short ones are kept.
        let lines = (0..<40).map { TextBench.words($0..<$0 + 25) }
        func piece(_ line: Int, _ words: Range<Int>) -> [Int32] {
            words.map { Int32(5 + (line + $0) % 95) }
        }
        let full = (0..<40).flatMap { [piece($0, 0..<10), piece($0, 10..<20)] }
        try bench.text(lines, published) { text in
            #expect(text.count == 80)
            #expect(text.census?.split == 40 && text.census?.tooShort == 40)
            let epochs = try (0..<2).map { try bench.sequences(text, epoch: $0) }
            for epoch in epochs {
                #expect(epoch.count == 80)
                #expect(Set(epoch) == Set(full))
            }
            #expect(epochs[0] != epochs[1])
            #expect(try bench.sequences(text) == epochs[0])
            // Pieces of one line are no neighbours but by chance.
            let neighbours = zip(epochs[0], epochs[0].dropFirst()).count {
                abs($0[0] - $1[0]) == 10
            }
            #expect(neighbours < 12, "\(neighbours)")
        }
        var all = published
        all.minimumTokens = 0
        try bench.text(lines, all) { text in
            let rest = (0..<40).map { piece($0, 20..<25) }
            let found = try bench.sequences(text)
            #expect(Set(found) == Set(full + rest))
        }
    }

    @Test func `a stretch of a long line is one example`() throws {
        let bench = try TextBench()
        let lines = [TextBench.words(0..<30), "w1"]
        try bench.text(lines, TextSelection(minimumTokens: 12)) { text in
            #expect(text.count == 1)
            let found = try (0..<6).map { try bench.sequences(text, epoch: $0) }
            #expect(found.allSatisfy { $0.count == 1 && $0[0].count == 10 })
            #expect(Set(found).count > 1)
        }
    }

    @Test func `a text of which nothing is left is refused`() throws {
        let bench = try TextBench()
        let failure = #expect(throws: Failure.self) {
            try bench.text(["w1 w2", "x " + TextBench.words(0..<2)], published) { _ in }
        }
        #expect(failure?.kind == .badData)
        #expect(failure?.description.contains("no text is left to train on: 2 have") == true)
    }
}
