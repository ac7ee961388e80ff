import Augmentation
import Diagnostics
import Kernels
import Testing
import Tokenization

@Suite("Variants")
struct VariantTests {
    private typealias Bench = AugmentationBench

    @Test func `parts of a written word are exchanged and masked as one`() throws {
        let source = try Bench.tagged(
            "I/PRON do/AUX n't/PART know/VERB trees/NOUN\n"
                + "We/PRON ca/AUX n't/PART see/VERB\nThey/PRON do/AUX it/PRON\n"
        )
        let all = Bench.variants(
            try Bench.augmenter(source, mask: 0.3, pos: 0.5, ngram: 0.2, iterations: 2_000)
        )
        let words = Set(all.flatMap { $0.split(separator: " ").map(String.init) })
        #expect(
            words.filter { $0.contains("n't") } == Set(["don't", "can't"]),
            "\(words.sorted())"
        )
        #expect(words.contains("do") && !words.contains("ca"))
        // "it" begins a sentence with a capital; "We" has no small twin in the data and keeps its own.
        #expect(words.isSuperset(of: ["[MASK]", "We", "They", "it", "It"]))
    }

    @Test func `the original's spaces stay, and marks bring theirs`() throws {
        let source = try Bench.tagged(
            "a/X  ,/P b/X (/P c/X )/P d/X --/P e/X ./P\n"
        )
        #expect(source.text(0) == "a, b (c) d -- e.")
        let all = Set(Bench.variants(try Bench.augmenter(source, pos: 0.3, iterations: 5_000)))
        for text in all {
            // No word sticks to another, no closing mark stands alone, no space follows an opening one.
            #expect(text.firstMatch(of: /[a-e][a-e]/) == nil, "\(text)")
            #expect(text.firstMatch(of: /[a-e]\(|\)[a-e]|,[a-e]|\.[a-e]/) == nil, "\(text)")
        }
        #expect(all.contains("a (b (c) d -- e."))
        #expect(all.contains("a, b, c) d -- e."))
        #expect(all.contains("a, b (c, d -- e."))
        let spaced = try Bench.texts(["it  is , fine "])
        let masked = Set(Bench.variants(try Bench.augmenter(spaced, mask: 0.5, iterations: 500)))
        #expect(masked.contains("it  [MASK] , fine ") && masked.contains("it  is [MASK] fine "))
        let close = try Bench.texts(["it,is (fine)"])
        let dense = Set(Bench.variants(try Bench.augmenter(close, mask: 0.3, iterations: 900)))
        #expect(dense.isSuperset(of: ["[MASK],is (fine)", "it,is [MASK] fine)", "it,is ([MASK])"]))
    }

    @Test func `a sentence keeps its capital, and its words have none elsewhere`() throws {
        let source = try Bench.tagged(
            "The/D film/N ./P Some/D film/N\nsome/D plot/N the/D plot/N\nÉté/N élan/N\n"
        )
        let all = Bench.variants(try Bench.augmenter(source, pos: 0.6, iterations: 3_000))
        for text in all {
            let words = text.split(separator: " ").map(String.init)
            let hasCapital = words[0].unicodeScalars.first?.properties.isUppercase ?? false
            #expect(hasCapital == (words.count != 4 || text.contains(".")), "\(text)")
        }
        #expect(all.contains("Some film. The film"))
        #expect(all.contains("the plot some plot") && all.contains("Élan élan"))
    }

    @Test func `the mask is read as the mask piece`() throws {
        let vocabulary = try Vocabulary(
            pieces: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fine", "film", ",", "(", ")"]
        )
        let tokenizer = WordPieceTokenizer(
            vocabulary: vocabulary,
            configuration: TokenizerConfiguration(lowercase: true)
        )
        let source = try Bench.texts(["fine film, (fine film)", "fine,film"])
        for text in Bench.variants(try Bench.augmenter(source, mask: 0.4, iterations: 200)) {
            let masks = text.split(separator: "[MASK]", omittingEmptySubsequences: false).count - 1
            let ids = tokenizer.encode(text, maximumLength: 64).ids
            #expect(masks > 0 && ids.count { $0 == vocabulary.mask } == masks)
            #expect(!ids.contains(vocabulary.unknown))
        }
    }

    @Test func `sentences without words, of one word and of marks alone`() throws {
        let source = try Bench.tagged("x/X\n!/P ?/P\nu/U v/U\n")
        let empty = try Bench.texts(["", "   ", "word"], header: "sentence")
        #expect(Bench.variants(try Bench.augmenter(empty, ngram: 1, iterations: 50)) == [])
        // One word can only be masked, and nothing else is left then.
        let masked = try Bench.augmenter(empty, mask: 1, iterations: 9).variants(of: 0..<3)
        #expect(masked.variants.isEmpty)
        var collector = Collector()
        let dropped = try Bench.augmenter(empty, mask: 1, iterations: 9)
            .run(pool: Bench.pool, into: &collector)
        #expect(collector.lines == ["row 0", "row 1", "row 2"] && dropped.masksAlone == 9)
        // Marks and unknown words are exchanged within their classes.
        let all = Set(Bench.variants(try Bench.augmenter(source, pos: 0.5, iterations: 400)))
        #expect(all == ["!!", "??", "?!", "u u", "v v", "v u"])
    }

    @Test func `an n-gram as long as the sentence leaves it whole`() throws {
        let source = try Bench.texts(["a b"])
        let found = Set(
            Bench.variants(try Bench.augmenter(source, ngram: 1, longest: 9, iterations: 200))
        )
        #expect(found == ["a", "b"])
    }

    @Test func `numbers that are no probabilities are refused`() throws {
        func refusal(_ make: () throws -> Void) -> String {
            do {
                try make()
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            refusal { _ = try TangMethod(mask: 1.5) }
                == "--mask: a probability is from 0 to 1, not 1.5."
        )
        #expect(refusal { _ = try TangMethod(ngram: -0.1) }.hasPrefix("--ngram: a probability"))
        #expect(refusal { _ = try TangMethod(ngram: .nan) }.hasPrefix("--ngram: a probability"))
        #expect(
            refusal { _ = try TangMethod(mask: 0.6, partOfSpeech: 0.6) }
                .contains("add to more than 1")
        )
        #expect(refusal { _ = try TangMethod(longestNgram: 0) }.hasPrefix("--max-ngram:"))
        #expect(
            refusal { _ = try TangMethod(mask: 0, partOfSpeech: 0, ngram: 0) }
                .contains("no word would ever change")
        )
        #expect(refusal { _ = try CandidateMethod(replacement: 2) }.hasPrefix("--replace:"))
        #expect(refusal { _ = try CandidateMethod(replacement: 0) }.contains("ever change"))
        let source = try Bench.texts(["a b"])
        #expect(
            refusal { _ = try Bench.augmenter(source, pos: 0.1) }
                .contains("its words have no parts of speech")
        )
        _ = try TangMethod(mask: 0.5, partOfSpeech: 0.5, ngram: 1)
    }
}
