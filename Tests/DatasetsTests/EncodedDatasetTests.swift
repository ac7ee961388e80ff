import Datasets
import Diagnostics
import Testing
import Tokenization

@Suite struct EncodedDatasetTests {
    /// One piece for each letter or digit: ids from 5 where a word begins, from 41 within it.
    private func letterwise() throws -> WordPieceTokenizer {
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789".map { String($0) }
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        return WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: special + letters + letters.map { "##" + $0 }),
            configuration: TokenizerConfiguration(lowercase: true, maximumWordLength: 1000)
        )
    }

    @Test func `examples lie end to end and batches gather them`() throws {
        let file = try taskFile("sentence1\tsentence2\tlabel\nab\tc\tx\n\td\ty\nefg\th\tx\n")
        let data = try EncodedDataset(
            file,
            kind: .classification(labels: ["y", "x"]),
            tokenizer: letterwise(),
            maximumLength: 6,
            workers: 2
        )
        #expect(data.count == 3 && data.tokenCount == 16 && data.isLabelled)
        #expect(data.ids == [2, 5, 42, 3, 7, 3, 2, 3, 8, 3, 2, 9, 46, 3, 12, 3])
        #expect(data.tokenTypes == [0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1])
        #expect(data.offsets == [0, 6, 10, 16])
        #expect(data.targets == [1, 0, 1])
        #expect(data.labelMatching == .byName)
        #expect(data.truncatedExamples == 1)
        #expect((0..<3).map { data.length(of: $0) } == [6, 4, 6])
        let batch = data.batch([2, 1])
        #expect(batch.ids == [2, 9, 46, 3, 12, 3, 2, 3, 8, 3])
        #expect(batch.tokenTypes == [0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
        #expect(batch.offsets == [0, 6, 10])
        #expect(data.targets([2, 1]) == [1, 0])
        #expect(data.batch([]).offsets == [0])
    }

    @Test(arguments: [false, true])
    func `the result is each text's own, whatever the number of workers`(pairs: Bool) throws {
        var text = pairs ? "sentence1\tsentence2\tlabel\n" : "sentence\tlabel\n"
        for row in 0..<2997 {
            text += String(repeating: "x\(row)", count: row * 7919 % 31)
            if pairs { text += "\t" + String(repeating: "\(row) ", count: row * 7907 % 11) }
            text += "\t\(row % 3)\n"
        }
        let file = try taskFile(text)
        let tokenizer = try letterwise()
        let encodings = (0..<file.count).map {
            tokenizer.encode(file.text($0), pair: file.pair($0), maximumLength: 40)
        }
        let truncated = encodings.count { $0.truncated > 0 }
        #expect(encodings.count == 2997 && truncated > 300)
        let expected = PackedBatch(encodings)
        for workers in [1, 2, 3, 16, 5000] {
            let data = try EncodedDataset(
                file,
                kind: .regression,
                tokenizer: tokenizer,
                maximumLength: 40,
                workers: workers
            )
            #expect(data.ids == expected.ids && data.tokenTypes == expected.tokenTypes)
            #expect(data.offsets == expected.offsets)
            #expect(data.targets == (0..<2997).map { Float($0 % 3) })
            #expect(data.truncatedExamples == truncated)
        }
    }

    @Test func `data without a kind has no targets`() throws {
        let file = try taskFile("a\nb\n", TaskFile.Options(labels: .ignored))
        let data = try EncodedDataset(
            file,
            kind: nil,
            tokenizer: letterwise(),
            maximumLength: 9,
            workers: 2
        )
        #expect(!data.isLabelled && data.targets.isEmpty && data.labelMatching == nil)
        #expect(data.count == 2)
        let tokenizer = try letterwise()
        let problem = failure { () throws(Failure) in
            try EncodedDataset(
                file,
                kind: .regression,
                tokenizer: tokenizer,
                maximumLength: 9,
                workers: 1
            )
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
