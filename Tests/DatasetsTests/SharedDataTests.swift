import Datasets
import Foundation
import TestSupport
import Testing
import Tokenization

/// The real GLUE files, where a machine has them.
@Suite(.enabled(if: Fixtures.shared != nil, "the shared task data is not on this machine"))
struct SharedDataTests {
    private func read(_ path: String, _ options: TaskFile.Options = .init()) throws -> TaskFile {
        let folder = try #require(Fixtures.shared)
        return try TaskFile(contentsOf: folder.appending(path: "data/" + path), options: options)
    }

    @Test(arguments: [
        ("SST-2/train.tsv", 67_349), ("SST-2/dev.tsv", 872), ("MRPC/train.tsv", 3_668),
        ("MRPC/dev.tsv", 408), ("STS-B/train.tsv", 5_749), ("STS-B/dev.tsv", 1_500),
        ("CoLA/train.tsv", 8_551), ("CoLA/dev.tsv", 1_043),
    ])
    func `every row is read`(path: String, rows: Int) throws {
        let file = try read(path)
        #expect(file.count == rows)
        #expect(file.skippedRows == 0 && file.emptyTexts == 0)
        #expect(file.hasPairs == (path.hasPrefix("MRPC") || path.hasPrefix("STS-B")))
        #expect(file.hasHeader == !path.hasPrefix("CoLA"))
        let expected: TaskKind =
            path.hasPrefix("STS-B") ? .regression : .classification(labels: ["0", "1"])
        #expect(try file.inferredKind() == expected)
        #expect(try file.targets(for: expected).values.count == rows)
    }

    @Test func `rows agree with a split at tabs and line feeds`() throws {
        let folder = try #require(Fixtures.shared)
        for (path, text, pair, label) in [
            ("MRPC/train.tsv", 3, 4, 0), ("STS-B/dev.tsv", 7, 8, 9), ("CoLA/train.tsv", 3, nil, 1),
        ] as [(String, Int, Int?, Int)] {
            let file = try read(path)
            let data = try Data(contentsOf: folder.appending(path: "data/" + path))
            let lines = data.split(separator: 0x0A).dropFirst(file.hasHeader ? 1 : 0)
            #expect(lines.count == file.count)
            for (row, line) in lines.enumerated() {
                let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
                    .map { String(decoding: $0, as: UTF8.self) }
                #expect(file.text(row) == fields[text])
                #expect(file.pair(row) == pair.map { fields[$0] })
                #expect(file.label(row) == fields[label])
            }
        }
    }

    @Test func `plain sentences are read as lines`() throws {
        let file = try read(
            "plain_text/gutenberg_sentences.txt",
            TaskFile.Options(labels: .ignored)
        )
        #expect(file.count == 62_083 && !file.hasPairs)
    }

    @Test func `the largest file is read, shuffled and encoded at once`() throws {
        let folder = try #require(Fixtures.shared)
        let vocabulary = try Vocabulary(
            contentsOf: folder.appending(path: "data/vocab/bert-base-uncased-vocab.txt")
        )
        let tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: TokenizerConfiguration(lowercase: true)
        )
        let kind = TaskKind.classification(labels: ["0", "1"])
        let clock = ContinuousClock()
        let start = clock.now
        let file = try read("SST-2/train.tsv")
        let isRead = clock.now
        let data = try EncodedDataset(
            file,
            kind: kind,
            tokenizer: tokenizer,
            maximumLength: 128,
            workers: 2
        )
        let isEncoded = clock.now
        let sampler = BatchSampler(data, batchSize: 32, order: .shuffled(seed: 1))
        let epoch = sampler.epoch(0)
        let isShuffled = clock.now
        let tokens = epoch.reduce(0) { $0 + data.batch($1).tokenCount }
        let isBatched = clock.now
        let spent =
            [start.duration(to: isRead), isRead.duration(to: isEncoded)]
            + [isEncoded.duration(to: isShuffled), isShuffled.duration(to: isBatched)]
        let times = "read, encode, shuffle, batch: \(spent)"
        #expect(tokens == data.tokenCount && data.count == 67_349 && data.truncatedExamples == 0)
        // Loose, for loaded machines; an idle one takes a tenth.
        #expect(start.duration(to: isBatched) < .seconds(3), "\(times)")
    }
}
