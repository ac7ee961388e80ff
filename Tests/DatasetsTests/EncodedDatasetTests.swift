import Datasets
import Diagnostics
import Testing
import Tokenization

@Suite struct EncodedDatasetTests {
    /// One token for each byte, 1 more as token type for the pair, at most `limit` tokens.
    private func bytewise(_ limit: Int) -> EncodedDataset.ExampleEncoder {
        { text, pair in
            let ids = (Array(text) + Array(pair ?? .init(start: nil, count: 0))).map { Int32($0) }
            let types = text.map { _ in Int32(0) } + (pair?.map { _ in Int32(1) } ?? [])
            let kept = min(limit, ids.count)
            return Encoding(
                ids: Array(ids[..<kept]),
                tokenTypes: Array(types[..<kept]),
                truncated: ids.count - kept
            )
        }
    }

    @Test func `examples lie end to end and batches gather them`() throws {
        let file = try taskFile("sentence1\tsentence2\tlabel\nab\tc\tx\n\td\ty\nefg\th\tx\n")
        let data = try EncodedDataset(
            file,
            kind: .classification(labels: ["y", "x"]),
            workers: 2,
            encoder: bytewise(3)
        )
        #expect(data.count == 3 && data.tokenCount == 7 && data.isLabelled)
        #expect(data.ids == [97, 98, 99, 100, 101, 102, 103])
        #expect(data.tokenTypes == [0, 0, 1, 1, 0, 0, 0])
        #expect(data.offsets == [0, 3, 4, 7])
        #expect(data.targets == [1, 0, 1])
        #expect(data.labelMatching == .byName)
        #expect(data.truncatedExamples == 1)
        #expect((0..<3).map { data.length(of: $0) } == [3, 1, 3])
        let batch = data.batch([2, 1])
        #expect(batch.ids == [101, 102, 103, 100])
        #expect(batch.tokenTypes == [0, 0, 0, 1])
        #expect(batch.offsets == [0, 3, 4])
        #expect(data.targets([2, 1]) == [1, 0])
        #expect(data.batch([]).offsets == [0])
    }

    @Test func `the result does not depend on the number of workers`() throws {
        var text = "sentence\tlabel\n"
        for row in 0..<997 {
            text += String(repeating: "x\(row)", count: row * 7919 % 31) + "\t\(row % 3)\n"
        }
        let file = try taskFile(text)
        let alone = try EncodedDataset(file, kind: .regression, workers: 1, encoder: bytewise(40))
        #expect(alone.count == 997 && alone.truncatedExamples > 100)
        for workers in [2, 3, 16, 2000] {
            let data = try EncodedDataset(
                file,
                kind: .regression,
                workers: workers,
                encoder: bytewise(40)
            )
            #expect(data.ids == alone.ids && data.offsets == alone.offsets)
            #expect(data.targets == alone.targets)
            #expect(data.truncatedExamples == alone.truncatedExamples)
        }
    }

    @Test func `data without a kind has no targets`() throws {
        let file = try taskFile("a\nb\n", TaskFile.Options(labels: .ignored))
        let data = try EncodedDataset(file, kind: nil, workers: 2, encoder: bytewise(9))
        #expect(!data.isLabelled && data.targets.isEmpty && data.labelMatching == nil)
        #expect(data.count == 2)
        let problem = failure { () throws(Failure) in
            try EncodedDataset(file, kind: .regression, workers: 1, encoder: bytewise(9))
        }
        #expect(problem?.reason == "the file has no labels")
    }

    @Test func `the tokenizer's marks and cuts are in the data`() throws {
        let vocabulary = try Vocabulary(
            pieces: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
        )
        let tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: TokenizerConfiguration(lowercase: true)
        )
        let file = try taskFile("sentence1\tsentence2\tlabel\nA b\tc\t0\na b c\tb a x\t1\n")
        let data = try EncodedDataset(
            file,
            kind: .classification(labels: ["0", "1"]),
            tokenizer: tokenizer,
            maximumLength: 7,
            workers: 2
        )
        #expect(data.ids == [2, 5, 6, 3, 7, 3, 2, 5, 6, 3, 6, 5, 3])
        #expect(data.tokenTypes == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1])
        #expect(data.offsets == [0, 6, 13])
        #expect(data.truncatedExamples == 1)
        #expect(data.batch([1]).tokenTypes == [0, 0, 0, 0, 1, 1, 1])
    }
}
