import Foundation
import Testing

@Suite("bertkit augment")
struct AugmentTests {
    private static let tagged = """
        The/DET film/NOUN is/AUX n't/PART dull/ADJ ./PUNCT
        A/DET plot/NOUN was/AUX fine/ADJ ,/PUNCT and/CCONJ very/ADV old/ADJ
        Films/NOUN are/AUX new/ADJ

        """

    private func succeed(_ bench: Workbench, _ line: String) throws -> Outcome {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(outcome.error)")
        return outcome
    }

    @Test("A file of variants, the same for any number of workers")
    func file() throws {
        try Workbench.temporary { bench in
            let line = "augment --data @train.tsv --method mask,ngram --seed 3"
            let outcome = try succeed(bench, "\(line) --output @a.tsv --workers 1")
            #expect(outcome.output.isEmpty)
            #expect(
                outcome.error.contains("iterations: 20\n") && outcome.error.contains("written: ")
            )
            _ = try succeed(bench, "\(line) --output @b.tsv --workers 3 --quiet")
            let text = try bench.text("a.tsv")
            #expect(try bench.text("b.tsv") == text)
            let lines = text.split(separator: "\n").map {
                $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            #expect(lines[0] == ["sentence", "label", "source_row", "method"])
            let rows = try bench.text("train.tsv").split(separator: "\n").dropFirst()
            let originals = lines.filter { $0[3] == "original" }
            #expect(originals.map { "\($0[0])\t\($0[1])" } == rows.map(String.init))
            #expect(lines.count > 200)
            for line in lines.dropFirst() where line[3] != "original" {
                #expect(line[1].isEmpty && ["mask", "ngram", "mask+ngram"].contains(line[3]))
                #expect(line[3].hasPrefix("mask") == line[0].contains("[MASK]"))
            }
            _ = try succeed(bench, "\(line) --output @c.jsonl --labels keep --iterations 2")
            let objects = try bench.text("c.jsonl").split(separator: "\n")
            #expect(objects.allSatisfy { $0.contains("\"label\": \"") })
            let again = try bench.run("\(line) --output @a.tsv")
            #expect(again.code == 73 && again.error.contains("a.tsv: it exists already"))
            #expect(try bench.text("a.tsv") == text)
            _ = try succeed(bench, "\(line) --output @a.tsv --force --iterations 1 --quiet")
            #expect(try bench.text("a.tsv").utf8.count < text.utf8.count)
        }
    }

    @Test("Distillation learns from variants that nobody labelled")
    func distilled() throws {
        try Workbench.temporary { bench in
            for ending in ["tsv", "jsonl"] {
                _ = try succeed(
                    bench,
                    "augment --data @train.tsv --method mask,ngram --iterations 3 --quiet "
                        + "--output @aug.\(ending)"
                )
                let outcome = try succeed(
                    bench,
                    "distill --teacher @teacher --train @aug.\(ending) --dev @dev.tsv --layers 1 "
                        + "--epochs 1 --hard-label-weight 0.3 --max-length 16 --output @s-\(ending)"
                )
                #expect(outcome.error.contains(" of them without a label"))
            }
            // Both files hold the same rows.
            #expect(
                try bench.bytes("s-tsv/tf_model.h5").count
                    == bench.bytes("s-jsonl/tf_model.h5").count
            )
            #expect(
                try bench.text("s-tsv/metrics.jsonl")
                    == bench.text("s-jsonl/metrics.jsonl")
            )
            try bench.write(
                try bench.text("aug.tsv").replacing(/\t(positive|negative)\t/, with: "\t\t"),
                "none.tsv"
            )
            let line =
                "distill --teacher @teacher --train @none.tsv --dev @dev.tsv --layers 1 --epochs 1"
            let refused = try bench.run("\(line) --hard-label-weight 0.3 --output @x")
            #expect(refused.code == 65 && refused.error.contains("no row has a label"))
            _ = try succeed(bench, "\(line) --output @x")
            let finetuned = try bench.run(
                "finetune --vocabulary @vocab.txt --layers 1 --hidden 8 --heads 2 --intermediate 8 "
                    + "--max-positions 16 --train @aug.tsv --dev @dev.tsv --output @y"
            )
            #expect(finetuned.code == 65 && finetuned.error.contains("the label is empty"))
        }
    }

    @Test("Distillation makes variants of its own in every epoch")
    func whileDistilling() throws {
        try Workbench.temporary { bench in
            let line =
                "distill --teacher @teacher --train @train.tsv --dev @dev.tsv --layers 1 --epochs 2 "
                + "--batch-size 8 --max-length 16"
            let outcome = try succeed(
                bench,
                "\(line) --augment mask,ngram --variants 2 --output @a"
            )
            #expect(outcome.error.contains("2 variants of each text in every epoch, by mask,ngram"))
            #expect(outcome.error.contains("distilling: 30 steps on"))
            let recipe = try bench.text("a/recipe.yaml")
            #expect(recipe.contains("augment: mask,ngram\n") && recipe.contains("variants: 2\n"))
            // Again, from what was stored, by the recipe alone, and with another number of workers.
            _ = try succeed(bench, "distill --config @a/run.yaml --workers 3 --output @b")
            _ = try succeed(bench, "\(line) --recipe @a/recipe.yaml --output @c")
            let weights = try bench.bytes("a/tf_model.h5")
            #expect(try bench.bytes("b/tf_model.h5") == weights)
            #expect(try bench.bytes("c/tf_model.h5") == weights)
            _ = try succeed(bench, "\(line) --seed 9 --augment mask,ngram --variants 2 --output @d")
            #expect(try bench.bytes("d/tf_model.h5") != weights)

            let tiny = try succeed(
                bench,
                "\(line) --recipe tinybert --epochs 1 --output @t".replacing(
                    "--epochs 2 ",
                    with: ""
                )
            )
            #expect(tiny.error.contains("augment: tinybert\n"))
            #expect(tiny.error.contains("candidates: "))
            let plain = try succeed(
                bench,
                "\(line) --recipe tinybert --augment none --output @u"
            )
            #expect(!plain.error.contains("candidates: "))
            #expect(try bench.text("u/recipe.yaml").contains("augment: none\n"))
            for (arguments, says) in [
                ("--augment fun", "--augment"),
                ("--mask 0.2", "it is of method mask, by which recipe logits makes no variants"),
                ("--augment ngram --pos 0.2", "it is of method pos"),
                ("--variants 2", "recipe logits makes no variants"),
                ("--augment mask --mask-token <mask>", "does not read '<mask>' as its mask"),
            ] {
                let refused = try bench.run("\(line) \(arguments) --output @no")
                #expect(refused.code == 64 && refused.error.contains(says), "\(refused.error)")
            }
        }
    }

    @Test("The preview marks changed words and says why")
    func preview() throws {
        try Workbench.temporary { bench in
            try bench.write(Self.tagged, "words.txt")
            let outcome = try succeed(
                bench,
                "augment --data @words.txt --preview 2 --mask 0.3 --pos 0.4"
            )
            #expect(outcome.output.hasPrefix("row 0\n  The film isn't dull.\n  → "))
            #expect(outcome.output.contains("\nrow 1\n  A plot was fine, and very old\n"))
            #expect(!outcome.output.contains("row 2"))
            #expect(outcome.output.contains("‹[MASK]›"))
            #expect(
                outcome.output.contains("film masked") || outcome.output.contains("plot masked")
            )
            #expect(outcome.output.contains(/(dull|fine|old) → (dull|fine|old|new) \(ADJ\)/))
            #expect(outcome.output.contains(/[1-5]-gram of [58] words/))
        }
    }

    @Test("Tags of another set are said to be")
    func otherTags() throws {
        try Workbench.temporary { bench in
            try bench.write("Ann/B-PER sees/O Bob/B-PER\nKim/B-PER\n", "names.txt")
            let other = try succeed(bench, "augment --data @names.txt --preview 1")
            #expect(
                other.error.contains(
                    "names.txt: 'B-PER' is no Universal part of speech; the 2 tags"
                )
            )
            try bench.write(Self.tagged, "words.txt")
            let usual = try succeed(bench, "augment --data @words.txt --preview 1")
            #expect(!usual.error.contains("Universal"))
        }
    }

    @Test("The report counts by method and tag, and asks a teacher")
    func report() throws {
        try Workbench.temporary { bench in
            try bench.write(Self.tagged, "words.txt")
            let outcome = try succeed(
                bench,
                "augment --data @words.txt --report --teacher @teacher --iterations 50 --quiet"
            )
            for part in [
                "words.txt: 3 texts, ", "dropped: ", "\nmask ", "\npos ", "\nngram ", "\nall ",
                "label kept", "n-grams by their words: 1: ", "\nADJ ", "\nAUX+PART ",
                "The teacher gives ",
            ] { #expect(outcome.output.contains(part), "\(part)") }
            let plain = try succeed(
                bench,
                "augment --data @train.tsv --method ngram --report --quiet"
            )
            // N-grams change no word, so that no tag has any.
            #expect(!plain.output.contains("label kept") && !plain.output.contains("tag "))
            let masked = try succeed(
                bench,
                "augment --data @train.tsv --method mask --report --quiet"
            )
            #expect(masked.output.contains("\nNOUN ") && !masked.output.contains("\npos "))
        }
    }

    @Test(
        "Bad input is one clear sentence",
        arguments: [
            (
                "--data @none.tsv --method mask --output @o.tsv", 66,
                "none.tsv: there is no such file"
            ),
            ("--data @train.tsv", 64, "Say what to make: '--output', '--preview' or '--report'"),
            ("--data @train.tsv --method fun --preview 1", 64, "--method"),
            (
                "--data @train.tsv --method mask --pos 0.2 --preview 1", 64,
                "'--pos' is of method pos"
            ),
            (
                "--data @train.tsv --mask 1.5 --preview 1", 64,
                "'--mask' must be from 0.0 and up to 1.0"
            ),
            ("--data @words.txt --mask 0.7 --pos 0.7 --preview 1", 64, "add to more than 1"),
            ("--data @train.tsv --method ngram --max-ngram 0 --preview 1", 64, "--max-ngram"),
            (
                "--data @train.tsv --method mask --mask 0 --preview 1", 64,
                "no word would ever change"
            ),
            ("--data @untagged.conllu --preview 1", 65, "no word has a part of speech"),
            (
                "--data @train.tsv --method mask --text-column 0 --text-pair-column 9 --preview 1",
                64,
                "the second text column 9 is not there"
            ),
            ("--data @train.tsv --method tinybert --preview 1", 64, "--mlm"),
            (
                "--data @train.tsv --method mask --mask-token <mask> --report --teacher @teacher",
                64, "does not read '<mask>' as its mask"
            ),
            (
                "--data @train.tsv --method mask --output @o.tsv --teacher @teacher", 64,
                "add '--report'"
            ),
            ("--data @train.tsv --method mask --preview 1 --labels keep", 64, "'--labels'"),
            ("--data @train.tsv --method mask --output @teacher", 73, "it exists already"),
        ]
    )
    func bad(line: String, code: Int32, says: String) throws {
        try Workbench.temporary { bench in
            try bench.write(Self.tagged, "words.txt")
            let rest = "\t_\t_\t_\t_\t_\t_"
            try bench.write("1\tyes\t_\t_\(rest)\n2\tno\t_\t_\(rest)\n", "untagged.conllu")
            let before = try bench.names()
            let outcome = try bench.run("augment \(line)")
            #expect(outcome.code == code, "\(outcome.error)")
            let last = outcome.error.split(separator: "\n").last ?? ""
            #expect(last.hasPrefix("bertkit: ") && last.contains(says), "\(outcome.error)")
            #expect(outcome.output.isEmpty)
            #expect(try bench.names() == before)
        }
    }
}
