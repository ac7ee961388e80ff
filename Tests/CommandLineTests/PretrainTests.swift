import Foundation
import Testing

@Suite("bertkit pretrain, and distill with recipe distilbert")
struct PretrainTests {
    private static let sizes = "--layers 2 --hidden 8 --heads 2 --intermediate 12"
    private static let schedule =
        "--epochs 6 --batch-size 8 --learning-rate 1e-2 --max-length 16 --quiet"
    private static let pretrain =
        "pretrain --text @text.txt --vocabulary @vocab.txt --max-positions 16 --hold-out 10 "
        + "\(sizes) \(schedule)"
    private static let distil =
        "distill --recipe distilbert --teacher @general --text @long.txt --init teacher-layers "
        + "--layers 1 \(schedule)"

    /// Lends a folder that also has `text.txt`, `long.txt` and, made of the first, the masked language
    /// model `general`.
    private func bench(_ body: (Workbench) throws -> Void) throws {
        try Workbench.temporary { bench in
            let lines = try bench.text("train.tsv").split(separator: "\n").dropFirst()
                .compactMap { $0.split(separator: "\t").first { $0.contains(" ") } }
            let text = (0..<5).flatMap { _ in lines }.joined(separator: "\n") + "\n"
            try bench.write(text, "text.txt")
            // Long enough for recipe distilbert, but for the last.
            let long = lines.map { "\($0) \($0) \($0)" }
            try bench.write(long.joined(separator: "\n") + "\nfilm\n", "long.txt")
            try succeed(bench, "\(Self.pretrain) --output @general")
            try body(bench)
        }
    }

    @discardableResult
    private func succeed(_ bench: Workbench, _ line: String) throws -> Outcome {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(outcome.error)")
        return outcome
    }

    private func refuse(_ bench: Workbench, _ line: String, _ words: [String]) throws {
        let outcome = try bench.run("\(line) --output @refused")
        #expect(outcome.code != 0 && outcome.output.isEmpty)
        for word in words { #expect(outcome.error.contains(word), "\(outcome.error)") }
        #expect(!FileManager.default.fileExists(atPath: bench["refused"].path))
    }

    private func log(_ bench: Workbench, _ model: String) throws -> [[String: Any]] {
        try bench.text("\(model)/metrics.jsonl").split(separator: "\n").map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            )
        }
    }

    @Test("The perplexity of held-out text falls, and the best weights are a masked language model")
    func pretrains() throws {
        try bench { bench in
            let log = try log(bench, "general")
            let found = log.compactMap { $0["dev_perplexity"] as? Double }
            #expect(found.count == 6)
            let best = try #require(found.min())
            #expect(best < 0.8 * found[0])
            #expect((log[0]["terms"] as? [String: Double])?.keys.sorted() == ["masked_pieces"])
            let card = try bench.text("general/README.md")
            #expect(card.contains("pipeline_tag: fill-mask") && card.contains("perplexity"))
            let configuration = try bench.text("general/config.json")
            #expect(configuration.contains("BertForMaskedLM"))
            #expect(try succeed(bench, "inspect @general").output.contains("cls.predictions.bias"))

            // Going on from it starts where it was.
            let more = try succeed(
                bench,
                "pretrain --init @general --text @text.txt \(Self.schedule) --output @more"
            )
            #expect(more.output.contains("perplexity") && more.output.contains("accuracy"))
            let next = try self.log(bench, "more").compactMap { $0["dev_perplexity"] as? Double }
            #expect(next[0] < found[0])
            // A classifier is made of it, and goes back to being one of words with a new head.
            let data = "--train @train.tsv --dev @dev.tsv"
            try succeed(
                bench,
                "finetune --model @general \(data) --epochs 1 --quiet --output @classifier"
            )
            let outcome = try succeed(
                bench,
                "pretrain --init @classifier --text @text.txt --epochs 1 --hold-out 0 "
                    + "--mask-smoothing 0.7 --output @back"
            )
            #expect(outcome.error.contains("new, since the checkpoint has none: cls.predictions"))
            #expect(try self.log(bench, "back").allSatisfy { $0["dev_perplexity"] == nil })
        }
    }

    @Test("The same bytes with any number of workers, and again from the written run")
    func reproducible() throws {
        try bench { bench in
            for (name, line) in [
                ("p", Self.pretrain), ("d", "\(Self.distil) --dev-text @text.txt"),
            ] {
                try succeed(bench, "\(line) --workers 1 --output @\(name)1")
                try succeed(bench, "\(line) --workers 3 --output @\(name)3")
                let command = line.prefix { $0 != " " }
                try succeed(
                    bench,
                    "\(command) --config @\(name)1/run.yaml --quiet --output @\(name)r"
                )
                let weights = try bench.bytes("\(name)1/tf_model.h5")
                #expect(try bench.bytes("\(name)3/tf_model.h5") == weights)
                #expect(try bench.bytes("\(name)r/tf_model.h5") == weights)
            }
        }
    }

    @Test("A masked language model is distilled alone, and with a classifier's task behind it")
    func distils() throws {
        try bench { bench in
            let small = try bench.run(
                "\(Self.distil) --dev-text @text.txt --output @small".replacing("--quiet", with: "")
            )
            try #require(small.code == 0, "\(small.error)")
            #expect(small.error.contains(" sequences kept; left out are "), "\(small.error)")
            let first = try #require(try log(bench, "small").first)
            #expect(
                (first["terms"] as? [String: Double])?.keys.sorted()
                    == ["cosine", "masked_pieces", "piece_distributions"]
            )
            #expect(try bench.text("small/config.json").contains("BertForMaskedLM"))
            let recipe = try bench.text("small/recipe.yaml")
            for line in [
                "kind: piece-distributions\n        weight: 5.0\n        form: kl\n"
                    + "        temperature: 2.0",
                "kind: masked-pieces\n        weight: 2.0", "mask-smoothing: 0.7", "beta2: 0.98",
                "minimum-tokens: 12\n    unknown-share: 0.5\n    long-texts: split",
            ] { #expect(recipe.contains(line), "\(recipe)") }
            // Its own recipe gives it again.
            try succeed(
                bench,
                Self.distil.replacing("--recipe distilbert", with: "--recipe @small/recipe.yaml")
                    + " --dev-text @text.txt --output @again"
            )
            #expect(
                try bench.bytes("again/tf_model.h5") == bench.bytes("small/tf_model.h5")
            )

            let data = "--train @train.tsv --dev @dev.tsv"
            try succeed(
                bench,
                "finetune --model @general \(data) \(Self.schedule) --output @task"
            )
            let line =
                "distill --recipe distilbert --teacher @task --general-teacher @general \(data) "
                + "--text @long.txt --init teacher-layers --layers 1 \(Self.schedule)"
            let outcome = try succeed(bench, "\(line) --output @student")
            #expect(outcome.output.contains("accuracy"))
            let stages = try log(bench, "student").compactMap { $0["stage"] as? String }
            #expect(Set(stages) == ["general", "prediction"])
            #expect(
                try bench.text("student/config.json").contains("BertForSequenceClassification")
            )
            // The student of words goes on as a classifier's start.
            try succeed(
                bench,
                "distill --teacher @task --init @small \(data) \(Self.schedule) --output @then"
            )
        }
    }

    @Test("What cannot be is refused in a sentence, before anything is trained")
    func refusals() throws {
        try bench { bench in
            try refuse(
                bench,
                Self.distil.replacing("@general", with: "@teacher"),
                [
                    "a masked-language-model head is needed, and the model has a "
                        + "sequence-classification head", "bertkit pretrain",
                ]
            )
            let task =
                "distill --recipe distilbert --teacher @teacher --train @train.tsv --dev @dev.tsv "
                + "--init teacher-layers --layers 1 \(Self.schedule)"
            try refuse(
                bench,
                "\(task) --text @text.txt",
                [
                    "recipe distilbert, stage general: it needs the teacher's masked-language-model "
                        + "head, and the teacher has a sequence-classification head",
                    "--general-teacher",
                ]
            )
            try refuse(bench, task, ["stage general: it reads plain text", "--text"])
            try refuse(
                bench,
                "\(task) --recipe logits --general-teacher @general",
                ["no stage of recipe logits predicts word pieces"]
            )
            try refuse(
                bench,
                "\(Self.distil) --recipe tinybert",
                ["recipe tinybert trains a classifier", "distilbert"]
            )
            try refuse(
                bench,
                "\(Self.distil) --train @train.tsv",
                ["'--train' and '--dev' are given together"]
            )
            try refuse(
                bench,
                "distill --teacher @general --layers 1 --init teacher-layers",
                ["'--text'"]
            )
            try refuse(bench, Self.pretrain + " --hold-out 100000", ["too few"])
            try refuse(
                bench,
                Self.pretrain + " --minimum-tokens 17",
                ["no text is left to train on", "fewer than 17 tokens", "minimum-tokens"]
            )
            try refuse(bench, Self.pretrain + " --student bilstm", ["'--student'"])
            try refuse(bench, Self.pretrain + " --long-texts cut", ["'cut'", "stretch"])
            try refuse(bench, Self.pretrain + " --init @general", ["'--vocabulary'"])
            try refuse(bench, Self.pretrain + " --text @gone.txt", ["there is no such file"])

            // Another vocabulary: two pieces change places.
            var pieces = try bench.text("vocab.txt").split(separator: "\n")
            pieces.swapAt(pieces.count - 1, pieces.count - 2)
            try bench.write(pieces.joined(separator: "\n") + "\n", "other.txt")
            try succeed(
                bench,
                Self.pretrain.replacing("@vocab.txt", with: "@other.txt") + " --output @other"
            )
            try refuse(
                bench,
                "\(task) --text @text.txt --general-teacher @other",
                ["of its vocabulary is", "both teachers: they need the same vocabulary"]
            )
            // Without a mask nothing can be hidden.
            let unmasked = try bench.text("vocab.txt").replacing("[MASK]", with: "[mosk]")
            try bench.write(unmasked, "unmasked.txt")
            try refuse(
                bench,
                Self.pretrain.replacing("@vocab.txt", with: "@unmasked.txt"),
                ["no [MASK] piece"]
            )
        }
    }
}
