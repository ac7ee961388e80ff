import Augmentation
import Datasets
import Diagnostics
import Testing

@Suite("Written words and spaces")
struct WordTests {
    private typealias Bench = AugmentationBench

    @Test func `words between spaces, with marks apart`() throws {
        let source = try Bench.texts([
            "I don't like (well-made) films...  \"Really?!\" $5, 'tis – ça va, isn’t it",
            "do n't say it 's the director 's film",
            "   ", "!!! ,",
        ])
        #expect(
            try Bench.words(source) == [
                "I", "don't", "like", "(", "well-made", ")", "films", "...", "\"", "Really", "?!",
                "\"", "$", "5", ",", "'tis", "–", "ça", "va", ",", "isn’t", "it",
            ]
        )
        #expect(
            try Bench.words(source, text: 1)
                == ["do n't", "say", "it 's", "the", "director 's", "film"]
        )
        #expect(try Bench.words(source, text: 2) == [])
        #expect(try Bench.words(source, text: 3) == ["!!!", ","])
    }

    @Test func `tagged words are written as a person would, and joined with their clitics`() throws
    {
        let source = try Bench.tagged(
            "He/PRON did/AUX n't/PART say/VERB ``/PUNCT no/INTJ ''/PUNCT ,/PUNCT "
                + "Bob/PROPN 's/PART (/PUNCT old/ADJ )/PUNCT friend/NOUN ./PUNCT\n"
                + "It/PRON costs/VERB $/SYM 5/NUM or/CCONJ 6/NUM %/SYM !/PUNCT\n"
                + "a/DET -LRB-/PUNCT b/X -RRB-/PUNCT \"/PUNCT c/X \"/PUNCT\n"
        )
        #expect(source.text(0) == "He didn't say \"no\", Bob's (old) friend.")
        #expect(source.text(1) == "It costs $5 or 6%!")
        #expect(source.text(2) == "a (b) \"c\"")
        #expect(
            try Bench.words(source) == [
                "He:PRON", "didn't:AUX+PART", "say:VERB", "\":PUNCT", "no:INTJ", "\":PUNCT",
                ",:PUNCT", "Bob's:PROPN+PART", "(:PUNCT", "old:ADJ", "):PUNCT", "friend:NOUN",
                ".:PUNCT",
            ]
        )
    }

    @Test func `CoNLL-U says where spaces are, and what is written as one`() throws {
        func line(_ id: String, _ form: String, _ tag: String, _ misc: String = "_") -> String {
            "\(id)\t\(form)\t_\t\(tag)\t_\t_\t_\t_\t_\t\(misc)"
        }
        let source = try Bench.tagged(
            [
                line("1", "well", "ADV", "SpaceAfter=No"), line("2", "-", "PUNCT", "SpaceAfter=No"),
                line("3", "made", "VERB"), line("4-5", "du", "_", "Gloss=x|SpaceAfter=No"),
                line("4", "de", "ADP"), line("5", "le", "DET"), line("6", "«", "PUNCT"),
                line("7", ".", "PUNCT"), "",
                line("1-2", "don't", "_"), line("1", "do", "AUX"), line("2", "n't", "PART"),
                line("3", "go", "VERB"), "",
            ].joined(separator: "\n"),
            "a.conllu"
        )
        #expect(source.text(0) == "well-made du« .")
        #expect(
            try Bench.words(source)
                == ["well-made:ADV+PUNCT+VERB", "du:ADP+DET", "«:PUNCT", ".:PUNCT"]
        )
        #expect(source.text(1) == "don't go")
        #expect(try Bench.words(source, text: 1) == ["don't:AUX+PART", "go:VERB"])
    }

    @Test func `words without a part of speech are refused`() throws {
        let rest = "\t_\t_\t_\t_\t_\t_"
        #expect {
            try Bench.tagged("1\tyes\t_\t_\(rest)\n2\tno\t_\t_\(rest)\n", "a.conllu")
        } throws: { error in
            "\(error)".hasPrefix("a.conllu: no word has a part of speech")
        }
    }

    @Test func `tags of any set are classes`() throws {
        let source = try Bench.tagged("Ann/B-PER sees/O Bob/B-PER\nKim/B-PER\n")
        #expect(source.tagNames == ["B-PER", "O"])
        let all = Set(
            Bench.variants(try Bench.augmenter(source, pos: 1, iterations: 200))
                .map { $0.split(separator: " ").map(String.init) }.filter { $0.count == 3 }
        )
        #expect(all.allSatisfy { $0[1] == "sees" })
        #expect(Set(all.map { $0[0] }) == ["Ann", "Bob", "Kim"])
    }
}
