import Augmentation
import Diagnostics
import Foundation
import Kernels
import TestSupport
import Testing

/// Words and vectors, and the files that hold them.
struct SampleVectors {
    var words: [String]
    var vectors: [[Float]]

    /// Directions in a plane, by hand: cosines are those of the angles between them.
    static let small = SampleVectors(
        words: [
            "good", "great", "Great", "fine", "the", "bad", "awful", "...", "well-made", "none",
        ],
        vectors: [
            [2, 0], [3, 0.3], [3, 0.2], [1, 0.5], [1, 0.01], [-1, 0.1], [-4, -1], [5, 0.1], [1, 1],
            [0, 0],
        ]
    )

    var dimension: Int { vectors[0].count }

    var glove: [UInt8] {
        Array(
            zip(words, vectors).map { word, vector in
                ([word] + vector.map { "\($0)" }).joined(separator: " ") + "\n"
            }.joined().utf8
        )
    }

    var header: [UInt8] { Array("\(words.count) \(dimension)\n".utf8) }

    /// word2vec's text, which has a blank at the end of each line.
    var text: [UInt8] { header + glove.flatMap { $0 == 0x0A ? [0x20, 0x0A] : [$0] } }

    func binary(lineFeeds: Bool) -> [UInt8] {
        header
            + zip(words, vectors).flatMap { word, vector in
                Array("\(word) ".utf8)
                    + vector.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
                    + (lineFeeds ? [0x0A] : [])
            }
    }

    func cosine(_ a: Int, _ b: Int) -> Double {
        func product(_ x: [Float], _ y: [Float]) -> Double {
            zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let (x, y) = (vectors[a], vectors[b])
        return product(x, y) / (product(x, x) * product(y, y)).squareRoot()
    }

    static func open(
        _ bytes: [UInt8],
        _ options: WordVectors.Options = .init()
    ) throws -> WordVectors {
        var result: WordVectors?
        try TemporaryFolder.with { folder in
            let url = folder.appending(path: "vectors.txt")
            try Data(bytes).write(to: url)
            result = try WordVectors(
                contentsOf: url.path,
                options: options,
                pool: WorkerPool(workerCount: 2)
            )
        }
        return try #require(result)
    }

    static func refusal(_ bytes: [UInt8], limit: Int = 100) throws -> String {
        var options = WordVectors.Options()
        options.limit = limit
        let failure = #expect(throws: Failure.self) { try open(bytes, options) }
        return [failure?.reason, failure?.remedy].compactMap(\.self).joined(separator: ". ")
    }
}

@Suite("Candidates by word vectors")
struct CandidatesVectorTests {
    private func candidates(_ finder: some CandidateFinder, _ word: String) -> [Candidate] {
        finder.candidates(for: [CandidateSentence(words: [word], wanted: [true])])[0][0]
    }

    @Test("The nearest are those of the angles, in every format")
    func formats() throws {
        let sample = SampleVectors.small
        var options = WordVectors.Options()
        options.stopWords = ["the"]
        let files = [
            sample.glove, [0xEF, 0xBB, 0xBF] + sample.glove, sample.text,
            sample.binary(lineFeeds: true), sample.binary(lineFeeds: false),
            Array(sample.glove.dropLast()), sample.glove + [0x0A, 0x0A],
            Array(String(decoding: sample.glove, as: UTF8.self).replacing("\n", with: "\r\n").utf8),
        ]
        for (number, file) in files.enumerated() {
            let finder = try SampleVectors.open(file, options)
            #expect(finder.wordCount == 10 && finder.dimension == 2, "file \(number)")
            let found = candidates(finder, "good")
            // "Great" is nearer than "great" and the same word; "the" is a stop word, "..." no word.
            let right = ["Great", "fine", "well-made", "awful", "bad"]
            #expect(found.map(\.text) == right, "file \(number)")
            #expect(found.map(\.rank) == [1, 2, 3, 4, 5])
            #expect(found.allSatisfy { $0.source == .vectors })
            let cosines = right.map { sample.cosine(0, sample.words.firstIndex(of: $0) ?? 0) }
            expectClose(
                actual: found.map(\.score),
                expected: cosines,
                absolute: 1e-6,
                reason: "cosines of file \(number)"
            )
        }
    }

    @Test("Case is the word's; a word is found in small letters; unknown words have none")
    func letterCase() throws {
        let finder = try SampleVectors.open(SampleVectors.small.glove)
        #expect(candidates(finder, "Bad").map(\.text).first == "Awful")
        #expect(candidates(finder, "BAD").map(\.text).first == "AWFUL")
        #expect(candidates(finder, "bad").map(\.text).first == "awful")
        #expect(!candidates(finder, "GREAT").map { $0.text.lowercased() }.contains("great"))
        #expect(candidates(finder, "unheard").isEmpty)
        #expect(candidates(finder, "none").isEmpty, "a vector of zeros has no direction")
        let sentence = CandidateSentence(words: ["good", "fine"], wanted: [false, true])
        let found = finder.candidates(for: [sentence, sentence])
        #expect(found[0][0].isEmpty && found[0][1] == found[1][1] && !found[0][1].isEmpty)
        var options = WordVectors.Options()
        options.keepsOriginal = true
        options.count = 1
        let keeping = try SampleVectors.open(SampleVectors.small.glove, options)
        #expect(candidates(keeping, "bad").map(\.text) == ["bad"])
    }

    @Test("Blocks of words and rows find what comparing each with each finds")
    func blocks() throws {
        var random = SeededGenerator(state: 11)
        let count = 9001
        let letters = Array("abcdefghij")
        let sample = SampleVectors(
            words: (0..<count).map { number in
                String(String(number).map { letters[$0.wholeNumberValue ?? 0] })
            },
            vectors: (0..<count).map { _ in
                (0..<6).map { _ in Float.random(in: -1...1, using: &random) }
            }
        )
        var options = WordVectors.Options()
        options.count = 4
        let finder = try SampleVectors.open(sample.binary(lineFeeds: false), options)
        let asked = Array(stride(from: 7, to: count, by: 113))
        let sentence = CandidateSentence(words: asked.map { sample.words[$0] })
        let found = finder.candidates(for: [sentence])[0]
        for (row, candidates) in zip(asked, found) {
            let all = (0..<count).filter { $0 != row }.map { ($0, sample.cosine(row, $0)) }
            let right = all.sorted { $0.1 > $1.1 }.prefix(4)
            #expect(candidates.map(\.text) == right.map { sample.words[$0.0] })
            expectClose(
                actual: candidates.map(\.score),
                expected: right.map(\.1),
                absolute: 1e-5,
                reason: "cosines of row \(row)"
            )
        }
    }

    @Test("Only the first vectors are read, and what follows is not looked at")
    func limit() throws {
        let sample = SampleVectors.small
        var options = WordVectors.Options()
        options.limit = 4
        let broken = sample.glove + Array("what is this".utf8)
        for file in [broken, sample.text, sample.binary(lineFeeds: true)] {
            let finder = try SampleVectors.open(file, options)
            #expect(finder.wordCount == 4)
            #expect(candidates(finder, "good").map(\.text) == ["Great", "fine"])
        }
    }

    @Test("Numbers in every spelling, and words with blanks in them")
    func spelling() throws {
        let lines = """
            plain 0.25 -3 1e-2
            . . . 1 2 3
            at me@x.org 1 2 3
            other 2.5e-1 -3.0000000000000000000001 +.01
            far -1 12345678901234567890123 1E2
            """
        let finder = try SampleVectors.open(Array((lines + "\n").utf8))
        #expect(finder.wordCount == 5 && finder.dimension == 3)
        let found = candidates(finder, "plain")
        #expect(found.map(\.text) == ["other", "far"])
        expectClose(
            actual: found.map(\.score),
            expected: [1, -0.99654026],
            absolute: 1e-6,
            reason: "numbers in other spellings"
        )
    }

    @Test("A damaged file is refused in a sentence that names the row")
    func damaged() throws {
        func refusal(_ text: String) throws -> String {
            try SampleVectors.refusal(Array(text.utf8))
        }
        #expect(try refusal("") == "the file is empty")
        #expect(try refusal("a\nb\n").hasPrefix("row 1 has a word and no number"))
        #expect(
            try refusal("a 1 2\nb 1\nc 1 2\n") == "row 2 has 1 numbers, where 2 are expected"
        )
        #expect(
            try refusal("a 1 2\nb 1 2 3\n") == "row 2 has 3 numbers, where 2 are expected"
        )
        #expect(try refusal("a 1 2\nb 1").contains("seems to be cut"))
        #expect(try refusal("a 1 2\n\nb 1 2\n").hasPrefix("row 2 has 0 numbers"))
        #expect(try refusal("a 1 2\nb 1 x\n") == "row 2: \"x\" is no finite number")
        #expect(try refusal("a 1 2\nb nan 2\n") == "row 2: \"nan\" is no finite number")
        #expect(try refusal("a 1 2\nb 1 1e99\n") == "row 2: \"1e99\" is no finite number")
        #expect(try refusal("a 1 2\nb 1 1e\n") == "row 2: \"1e\" is no finite number")
        #expect(
            try refusal("a 1 2\nb 1 2\na 3 4\n") == "the word \"a\" stands twice, in rows 1 and 3"
        )
        #expect(
            try SampleVectors.refusal(Array("a 1 2\n".utf8) + [0xFF] + Array(" 1 2\n".utf8))
                == "row 2: its word \"\u{FFFD}\" is not UTF-8"
        )
        #expect(try refusal("3 2\na 1 2\nb 1 2\n").contains("3 vectors of 2 numbers"))
        #expect(try refusal("1 2\na 1 2\nb 1 2\n").contains("there is more behind them"))
        #expect(try refusal("2 3\na 1 2\nb 1 2\n").hasPrefix("row 1 has 2 numbers"))
        #expect(try refusal("99999999999999999999 2\n").contains("too much"))
        #expect(try refusal("2 99999999\na 1 2\n").contains("vectors of 99999999 numbers"))
    }

    @Test("A damaged binary file is refused before its sizes are used")
    func damagedBinary() throws {
        let sample = SampleVectors.small
        let whole = sample.binary(lineFeeds: false)
        #expect(try SampleVectors.refusal(Array(whole.dropLast(40))).contains("fewer than these"))
        #expect(try SampleVectors.refusal(Array(whole.dropLast(3))).contains("row 10 is cut"))
        #expect(try SampleVectors.refusal(whole + [1, 2]).contains("there is more behind them"))
        var infinite = sample
        infinite.vectors[3][1] = .infinity
        #expect(
            try SampleVectors.refusal(infinite.binary(lineFeeds: true))
                == "row 4 (\"fine\"): number 2 is not finite"
        )
        var double = sample
        double.words[5] = "good"
        #expect(
            try SampleVectors.refusal(double.binary(lineFeeds: true))
                == "the word \"good\" stands twice, in rows 1 and 6"
        )
        let claimed = Array("9000000000000000000 2\n".utf8) + whole.dropFirst(sample.header.count)
        #expect(try SampleVectors.refusal(claimed).contains("seems to be cut"))
    }

    @Test("A file that is not there, and a folder")
    func absent() throws {
        for path in ["/nowhere/vectors.txt", NSTemporaryDirectory()] {
            let failure = #expect(throws: Failure.self) {
                try WordVectors(contentsOf: path, pool: WorkerPool(workerCount: 1))
            }
            #expect(failure?.kind == .missingInput)
        }
    }
}
