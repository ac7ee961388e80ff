import Augmentation
import Randomness
import Testing

/// Draws follow the methods' parameters; seeds are fixed, so that these tests are exact.
@Suite("Statistics of draws")
struct StatisticsTests {
    private typealias Bench = AugmentationBench

    /// Rows of 20 words of one class, each word as likely.
    private func manyWords(rows: Int, vocabulary: Int) throws -> SourceTexts {
        var random = Philox(seed: 3, purpose: .sampling)
        let lines = (0..<rows).map { _ in
            (0..<20).map { _ in "w\(random.nextBelow(UInt32(vocabulary)))/N" }
                .joined(separator: " ")
        }
        return try Bench.tagged(lines.joined(separator: "\n") + "\n")
    }

    @Test func `a tenth of the words is masked and a tenth replaced`() throws {
        let (rows, vocabulary) = (50_000, 2_000)
        let source = try manyWords(rows: rows, vocabulary: vocabulary)
        let block = try Bench.augmenter(source, mask: 0.1, pos: 0.1).variants(of: 0..<rows)
        var (masked, replaced) = (0, 0)
        for change in block.changes {
            if change.kind == .mask { masked += 1 } else { replaced += 1 }
        }
        let words = Double(20 * rows)
        // A draw of the word itself is no change.
        let share = 0.1 * (1 - 1 / Double(vocabulary))
        #expect(abs(Double(masked) / words / 0.1 - 1) < 0.01)
        #expect(abs(Double(replaced) / words / share - 1) < 0.01)
    }

    @Test func `n is uniform, and so is the place of an n-gram`() throws {
        let rows = 400_000
        let sentence = "a b c d e f g"
        let source = try Bench.texts([String](repeating: sentence, count: rows))
        let block = try Bench.augmenter(source, ngram: 0.25).variants(of: 0..<rows)
        #expect(abs(Double(block.variants.count) / Double(rows) / 0.25 - 1) < 0.01)
        var counts: [Int: [Int: Int]] = [:]
        for variant in block.variants {
            let kept = variant.kept(side: 0)
            counts[kept.count, default: [:]][kept.lowerBound, default: 0] += 1
        }
        let all = Double(block.variants.count)
        #expect(counts.keys.sorted() == [1, 2, 3, 4, 5])
        for (length, places) in counts {
            let own = Double(places.values.reduce(0, +))
            #expect(abs(own / all / 0.2 - 1) < 0.01, "n = \(length)")
            let fits = 8 - length
            #expect(places.keys.sorted() == Array(0..<fits), "every place of n = \(length)")
            let expected = own / Double(fits)
            let statistic = places.values.reduce(0) {
                $0 + (Double($1) - expected) * (Double($1) - expected) / expected
            }
            // The chi-squared distribution's 0.999 quantiles for 2 to 6 degrees of freedom.
            let limits = [6: 22.46, 5: 20.52, 4: 18.47, 3: 16.27, 2: 13.82]
            #expect(statistic < limits[fits - 1] ?? 0, "n = \(length)")
        }
    }

    @Test func `every n-gram is reached, and no other`() throws {
        let words = ["a", "b", "c", "d", "e", "f", "g"]
        let source = try Bench.texts([words.joined(separator: " ")])
        let found = Set(Bench.variants(try Bench.augmenter(source, ngram: 1, iterations: 2_000)))
        var expected: Set<String> = []
        for length in 1...5 {
            for start in 0...7 - length {
                expected.insert(words[start..<start + length].joined(separator: " "))
            }
        }
        #expect(found == expected)
    }

    @Test func `replacements follow the counts of the part of speech`() throws {
        let counts = ["b": 40, "c": 25, "d": 20, "e": 10, "f": 5]
        // Nouns with these counts and a determiner; the probes are counted as well.
        var lines = counts.sorted { $0.key < $1.key }.map { word, count in
            [String](repeating: "\(word)/NOUN", count: count).joined(separator: " ")
        }
        lines += [String](repeating: "a/NOUN the/DET", count: 50)
        let source = try Bench.tagged(lines.joined(separator: "\n") + "\n")
        let augmenter = try Bench.augmenter(source, pos: 1, iterations: 20_000)
        let pool = try #require(augmenter.pool)
        let noun = try #require(augmenter.words.classNames.firstIndex(of: "NOUN"))
        let own = Dictionary(
            uniqueKeysWithValues: pool.words(ofClass: noun).map { ($0.word, $0.count) }
        )
        #expect(own == counts.merging(["a": 50]) { $1 })
        // Of the row of forty words, each of which is drawn anew; a draw of the word itself is kept.
        let block = augmenter.variants(of: 0..<1, iterations: 0..<20_000)
        var found: [String: Double] = [:]
        for variant in block.variants {
            let words = block.text(variant).split(separator: " ")
            #expect(words.count == 40)
            for word in words { found[String(word), default: 0] += 1 }
        }
        #expect(found.keys.sorted() == ["a", "b", "c", "d", "e", "f"])
        let draws = found.values.reduce(0, +)
        #expect(draws > 700_000)
        let statistic = found.reduce(0.0) { sum, entry in
            let expected = draws * Double(own[entry.key] ?? 0) / 150
            return sum + (entry.value - expected) * (entry.value - expected) / expected
        }
        // The 0.999 quantile for 5 degrees of freedom.
        #expect(statistic < 20.52, "chi-squared \(statistic)")
    }

    @Test func `pairs vary one side, the other, or both`() throws {
        let rows = 30_000
        let source = try Bench.texts(
            [String](repeating: "a b c d e f g h\ti j k l m n o p", count: rows),
            header: "sentence1\tsentence2"
        )
        let block = try Bench.augmenter(source, mask: 0.5).variants(of: 0..<rows)
        var (first, second, both) = (0, 0, 0)
        for variant in block.variants {
            let sides = Set(block.changes[variant.changes].map(\.side))
            if sides == [0] { first += 1 } else if sides == [1] { second += 1 } else { both += 1 }
        }
        for count in [first, second, both] {
            #expect(abs(Double(count) / Double(rows) * 3 - 1) < 0.03)
        }
    }

    @Test func `a word with candidates is exchanged with its probability, each as often`() throws {
        let rows = 60_000
        let source = try Bench.texts([String](repeating: "the film runs", count: rows))
        let augmenter = try Augmenter(
            source,
            SourceWords(source, tagger: TextWordTagger(nil), pool: Bench.pool),
            tang: nil,
            candidates: CandidateMethod(),
            iterations: 1,
            seed: 1
        )
        let finder = FixedFinder(words: ["film": ["movie", "picture", "story"], "the": ["a"]])
        let candidates = augmenter.candidates(of: 0..<rows, by: finder)
        let block = augmenter.variants(of: 0..<rows, candidates: candidates)
        var counts: [String: Int] = [:]
        for variant in block.variants { counts[block.text(variant), default: 0] += 1 }
        // 'the' is a stop word.
        #expect(counts.keys.sorted() == ["the movie runs", "the picture runs", "the story runs"])
        for count in counts.values {
            #expect(abs(Double(count) / Double(rows) / (0.4 / 3) - 1) < 0.03)
        }
        #expect(block.changes.allSatisfy { $0.word == 1 })
        #expect(Set(block.changes.map(\.kind)) == Set((1...3).map { .candidate(rank: $0) }))
    }
}

/// The same candidates for a word wherever it stands.
struct FixedFinder: CandidateFinder {
    let words: [String: [String]]
    var remarks: [String] { [] }

    func candidates(for sentences: [CandidateSentence]) -> [[[Candidate]]] {
        sentences.map { sentence in
            zip(sentence.words, sentence.wanted).map { word, isWanted in
                (isWanted ? words[word] ?? [] : []).enumerated().map {
                    Candidate(text: $1, rank: $0 + 1, source: .masked, score: 0)
                }
            }
        }
    }
}
