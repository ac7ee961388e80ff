import Foundation
import Testing

@Suite("bertkit finetune and distill")
struct TrainingCommandTests {
    private static let data = "--train @train.tsv --dev @dev.tsv"
    private static let schedule = "--epochs 2 --batch-size 8 --learning-rate 1e-2 --max-length 16"
    private static let shape =
        "--layers 1 --hidden 8 --heads 2 --intermediate 12"
    private static let scratch =
        "finetune --vocabulary @vocab.txt --max-positions 16 \(shape) \(data) \(schedule)"
    private static let distill = "distill --teacher @teacher \(data) \(schedule)"

    private static let files = [
        "README.md", "all_results.json", "config.json", "eval_results.json", "events.out.tfevents",
        "metrics.csv", "metrics.jsonl", "provenance.json", "run.yaml", "special_tokens_map.json",
        "tf_model.h5", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    ]

    private func json(_ text: some StringProtocol) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(object as? [String: Any])
    }

    private func log(_ bench: Workbench, _ model: String) throws -> [[String: Any]] {
        try bench.text("\(model)/metrics.jsonl").split(separator: "\n").map { try json($0) }
    }

    /// The names of the loss's terms, from the first step's line.
    private func terms(_ bench: Workbench, _ model: String) throws -> [String] {
        let first = try #require(try log(bench, model).first)
        return try #require(first["terms"] as? [String: Any]).keys.sorted()
    }

    /// Runs a line that must succeed.
    @discardableResult
    private func succeed(_ bench: Workbench, _ line: String) throws -> Outcome {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(outcome.error)")
        return outcome
    }

    @Test("From random weights to a folder that every other command reads")
    func fromScratch() throws {
        try Workbench.temporary { bench in
            let outcome = try succeed(bench, "\(Self.scratch) --output @new/out")
            // The result, and nothing else, is on standard output.
            #expect(outcome.output.contains("accuracy"))
            for word in ["epochs", "step", "written", "fine-tuning", "note:"] {
                #expect(!outcome.output.contains(word), "\(word)")
            }
            #expect(outcome.error.hasPrefix("# bertkit finetune --config THIS_FILE"))
            #expect(outcome.error.contains("\nbatch-size: 8\n"))
            #expect(outcome.error.contains("train.tsv: 40 examples, "))
            #expect(outcome.error.contains("model: every weight is new, drawn from seed 42\n"))
            #expect(outcome.error.contains("fine-tuning: 10 steps on "))
            #expect(outcome.error.contains("\nstep 10: accuracy "))
            #expect(!outcome.error.contains("\u{1b}") && !outcome.error.contains("\r"))

            #expect(try bench.names(in: "new/out") == Self.files)
            #expect(try bench.names(in: "new") == ["out"])
            let configuration = try json(bench.text("new/out/config.json"))
            #expect(
                configuration["id2label"] as? [String: String]
                    == ["0": "negative", "1": "positive"]
            )
            #expect(
                configuration["label2id"] as? [String: Int] == ["negative": 0, "positive": 1]
            )
            #expect(configuration["hidden_size"] as? Int == 8)
            #expect(configuration["max_position_embeddings"] as? Int == 16)
            #expect(try bench.bytes("new/out/vocab.txt") == bench.bytes("vocab.txt"))
            #expect(try bench.text("new/out/run.yaml").contains("\nepochs: 2\n"))
            let card = try bench.text("new/out/README.md")
            #expect(card.contains("accuracy") && card.contains("bertkit finetune --config"))
            let log = try log(bench, "new/out")
            #expect(log.compactMap { $0["step"] as? Int } == [1, 5, 10, 10])
            #expect(log.count { $0["dev_accuracy"] is Double } == 2)

            #expect(try succeed(bench, "inspect @new/out").output.contains("classifier.weight"))
            let measured = try succeed(
                bench,
                "evaluate --student @new/out --data @dev.tsv --format json --quiet"
            )
            let students = try #require(try json(measured.output)["students"] as? [[String: Any]])
            let best = log.compactMap { $0["dev_accuracy"] as? Double }.max()
            #expect(students[0]["accuracy"] as? Double == best)
            let answers = try Command.run(
                bench.arguments("predict --model @new/out"),
                input: "fine film\ndull plot\n"
            )
            #expect(answers.code == 0)
            #expect(answers.output.split(separator: "\n").count == 3)
        }
    }

    @Test("The written run gives the same bytes again, with any number of workers")
    func reproducible() throws {
        try Workbench.temporary { bench in
            for line in [Self.scratch, "\(Self.distill) --init teacher-layers --layers 1"] {
                let command = line.prefix { $0 != " " }
                try succeed(bench, "\(line) --output @\(command)1 --workers 1")
                try succeed(bench, "\(line) --output @\(command)3 --workers 3")
                let again = try succeed(
                    bench,
                    "\(command) --config @\(command)1/run.yaml --output @\(command)r"
                )
                #expect(again.error.contains("\nworkers: 1\n"))
                let weights = try bench.bytes("\(command)1/tf_model.h5")
                #expect(try bench.bytes("\(command)3/tf_model.h5") == weights)
                #expect(try bench.bytes("\(command)r/tf_model.h5") == weights)
                for file in ["metrics.jsonl", "metrics.csv", "config.json"] {
                    let first = try bench.bytes("\(command)1/\(file)")
                    #expect(try bench.bytes("\(command)3/\(file)") == first)
                    #expect(try bench.bytes("\(command)r/\(file)") == first)
                }
                try succeed(bench, "\(line) --output @\(command)s --seed 7")
                #expect(try bench.bytes("\(command)s/tf_model.h5") != weights)
            }
        }
    }

    @Test("Pairs with a score, in the shape of GLUE's STS-B")
    func regression() throws {
        try Workbench.temporary { bench in
            var rows =
                "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2"
                + "\tscore\n"
            for row in 0..<30 {
                let (one, two) = (SmallModel.words[row % 9], SmallModel.words[row * 7 % 9])
                rows +=
                    "\(row)\tg\tf\t2012\t1\tnone\tnone\t\(one) film\told \(two) \"plot"
                    + "\t\(one == two ? "5.000" : "1.250")\n"
            }
            try bench.write(rows, "train.tsv")
            try bench.write(rows, "dev.tsv")
            let outcome = try succeed(bench, "\(Self.scratch) --task regression --output @score")
            #expect(outcome.output.lowercased().contains("pearson"))
            let configuration = try json(bench.text("score/config.json"))
            #expect(configuration["problem_type"] as? String == "regression")
            #expect((configuration["id2label"] as? [String: String])?.count == 1)
            #expect(try terms(bench, "score") == ["gold_scores"])

            // The regressor teaches in turn.
            try succeed(
                bench,
                "distill --teacher @score \(Self.shape) \(Self.data) \(Self.schedule) "
                    + "--hard-label-weight 0.5 --output @small"
            )
            #expect(try terms(bench, "small") == ["gold_scores", "teacher_scores"])
            let answer = try Command.run(
                bench.arguments("predict --model @small"),
                input: "old film\tnew film\n"
            )
            #expect(answer.code == 0)
            #expect(answer.output.split(separator: "\n").count == 2)
        }
    }

    @Test("JSON lines with names of classes, and with numbers of classes")
    func jsonLines() throws {
        try Workbench.temporary { bench in
            var named = ""
            var numbered = ""
            for row in 0..<24 {
                let word = SmallModel.words[row % 9]
                named +=
                    "{\"text\": \"\(word) film\", \"label\": \"\(["c", "b", "a"][row % 3])\"}\n"
                numbered += "{\"text\": \"\(word) plot\", \"label\": \(row % 3)}\n"
            }
            try bench.write(named, "train.jsonl")
            try bench.write(numbered, "dev.jsonl")
            let line = Self.scratch.replacing(".tsv", with: ".jsonl")
            let outcome = try succeed(bench, "\(line) --output @out")
            #expect(outcome.error.contains("dev.jsonl: labels are class numbers: 0 a, 1 b, 2 c."))
            let configuration = try json(bench.text("out/config.json"))
            #expect(
                configuration["id2label"] as? [String: String] == ["0": "a", "1": "b", "2": "c"]
            )
            try succeed(bench, "\(line) --labels c,b,a --output @turned")
            #expect(
                try json(bench.text("turned/config.json"))["id2label"] as? [String: String]
                    == ["0": "c", "1": "b", "2": "a"]
            )
        }
    }

    @Test("An encoder gets a head, which is announced; a model with a head keeps it")
    func pretrained() throws {
        try Workbench.temporary { bench in
            let line = "finetune --model @teacher \(Self.data) \(Self.schedule)"
            let whole = try succeed(bench, "\(line) --output @whole")
            #expect(!whole.error.contains("new, since"))
            try bench.rewriteWeights(of: "teacher", isHeadless: true)
            let outcome = try succeed(bench, "\(line) --output @out")
            #expect(
                outcome.error.contains(
                    "model: new, since the checkpoint has none: "
                        + "classifier.weight, classifier.bias\n"
                )
            )
            #expect(try bench.bytes("out/tf_model.h5") != bench.bytes("whole/tf_model.h5"))
            let evaluated = try succeed(bench, "evaluate --teacher @out --data @dev.tsv")
            #expect(evaluated.output.contains("accuracy"))
        }
    }

    @Test(
        "A student starts from random weights, the teacher's layers or a folder",
        arguments: [
            ("random \(shape)", "every weight is new, drawn from seed 42"),
            ("teacher-layers:0", "embeddings, layers 0, pooler and classifier copied"),
            ("teacher-layers --layers 2", "embeddings, layers 0, 1, pooler and classifier"),
            ("@start", "weights from "),
        ]
    )
    func students(_ start: String, _ origin: String) throws {
        try Workbench.temporary { bench in
            try SmallModel(seed: 9, hidden: 6, layers: 1).write(to: bench["start"])
            let outcome = try succeed(bench, "\(Self.distill) --init \(start) --output @out")
            #expect(outcome.error.contains("teacher: accuracy "))
            #expect(outcome.error.contains("student: \(origin)"), "\(outcome.error)")
            #expect(outcome.error.contains("teacher's answers: 40 examples"))
            #expect(try bench.names(in: "out") == (Self.files + ["recipe.yaml"]).sorted())
            #expect(try terms(bench, "out") == ["soft_targets"])
            let comparison = try succeed(
                bench,
                "evaluate --teacher @teacher --student @out --data @dev.tsv --quiet"
            )
            #expect(comparison.output.contains("agreement with teacher"))
            #expect(outcome.output.contains("agreement with teacher"))
        }
    }

    @Test("Given labels share the loss; with all of it, the teacher is not asked")
    func hardLabels() throws {
        try Workbench.temporary { bench in
            let line = "\(Self.distill) --init teacher-layers:1"
            try succeed(bench, "\(line) --hard-label-weight 0.25 --output @shared")
            #expect(try terms(bench, "shared") == ["hard_labels", "soft_targets"])
            let hard = try succeed(bench, "\(line) --hard-label-weight 1 --output @hard")
            #expect(!hard.error.contains("teacher's answers"))
            #expect(try terms(bench, "hard") == ["hard_labels"])
            #expect(try bench.bytes("hard/tf_model.h5") != bench.bytes("shared/tf_model.h5"))
        }
    }

    @Test("Evaluation every so many steps, gradient accumulation, best or last weights")
    func schedules() throws {
        try Workbench.temporary { bench in
            // 40 examples in batches of 8, two batches a step: 3 steps an epoch.
            let line =
                "\(Self.scratch) --gradient-accumulation 2 --evaluate-every 2 --learning-rate 0.2"
                + " --warmup 0"
            for kept in ["best", "last"] {
                try succeed(bench, "\(line) --keep \(kept) --output @\(kept)")
            }
            let log = try log(bench, "best")
            let evaluated = log.filter { $0["dev_accuracy"] != nil }
            #expect(evaluated.compactMap { $0["step"] as? Int } == [2, 3, 4, 6])
            #expect(
                try bench.text("best/metrics.jsonl") == bench.text("last/metrics.jsonl")
            )
            let best = try #require(evaluated.last { $0["best"] as? Bool == true })
            let last = try #require(evaluated.last)
            for (name, line) in [("best", best), ("last", last)] {
                let outcome = try succeed(
                    bench,
                    "evaluate --student @\(name) --data @dev.tsv --format json --quiet"
                )
                let students = try #require(
                    try json(outcome.output)["students"] as? [[String: Any]]
                )
                let expected = try #require(line["dev_loss"] as? Double)
                let found = try #require(students[0]["crossEntropy"] as? Double)
                #expect(abs(found - expected) < 1e-9)
            }
            // The test would say nothing if the last weights were the best.
            #expect(best["step"] as? Int != last["step"] as? Int)
        }
    }

    @Test("Texts that are too long are cut, counted and said")
    func truncation() throws {
        try Workbench.temporary { bench in
            let outcome = try succeed(bench, "\(Self.scratch) --max-length 4 --output @out")
            #expect(
                outcome.error.contains(
                    /note: \S+train\.tsv: \d+ of 40 texts are longer than 4 pieces and were cut/
                ),
                "\(outcome.error)"
            )
            let wide = try succeed(bench, "\(Self.scratch) --max-length 512 --output @wide")
            #expect(!wide.error.contains("were cut"))
        }
    }

    @Test("Quiet training prints the table alone, and the resolved run can be had alone")
    func quiet() throws {
        try Workbench.temporary { bench in
            let quiet = try succeed(bench, "\(Self.scratch) --output @out --quiet")
            #expect(quiet.error.isEmpty)
            #expect(quiet.output.contains("accuracy"))
            let shown = try succeed(bench, "\(Self.scratch) --output @none --print-config")
            #expect(shown.error.isEmpty)
            #expect(shown.output.contains("\nseed: 42\n"))
            #expect(try !bench.names().contains("none"))
        }
    }
}
