import Foundation
import Testing

/// What would be written is said, and nothing is.
@Suite("Dry runs and headings")
struct DryRunTests {
    private static let data = "--train @train.tsv --dev @dev.tsv --epochs 2 --batch-size 8"
    private static let sizes =
        "--vocabulary @vocab.txt --layers 1 --hidden 8 --heads 2 --intermediate 8 "
        + "--max-positions 16"

    /// Runs a line that must succeed and leave every file as it was; its output.
    private func dry(_ bench: Workbench, _ line: String) throws -> String {
        let before = try bench.snapshot()
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(line): \(outcome.error)")
        #expect(try bench.snapshot() == before, "\(line)")
        #expect(outcome.output.lowercased().contains("dry run: "), "\(outcome.output)")
        return outcome.output
    }

    @Test("Training says its steps and the files of the folder, which are those it writes")
    func training() throws {
        try Workbench.temporary { bench in
            try bench.write("fine film\ndull plot\nold film\nnew plot\n", "text.txt")
            let lines = [
                "finetune \(Self.sizes) \(Self.data)",
                "finetune --student bilstm --vocabulary @vocab.txt --units 4 \(Self.data)",
                "distill --teacher @teacher --layers 1 \(Self.data)",
                "distill --teacher @teacher --layers 1 --hidden 6 --heads 2 --intermediate 8 \(Self.data)",
                "distill --teacher @teacher --layers 1 --recipe tinybert \(Self.data)",
                "pretrain --text @text.txt --hold-out 2 \(Self.sizes)",
                "pretrain --text @text.txt --hold-out 0 \(Self.sizes)",
            ]
            for (number, line) in lines.enumerated() {
                let text = try dry(bench, "\(line) --output @out\(number) --dry-run")
                #expect(text.contains(" epochs of "), "\(text)")
                let outcome = try bench.run("\(line) --output @out\(number) --quiet")
                try #require(outcome.code == 0, "\(line): \(outcome.error)")
                let listed = text.split(separator: "\n").filter { $0.hasPrefix("  ") }
                    .map { String($0.dropFirst(2)).replacing(".*", with: "") }
                #expect(try bench.names(in: "out\(number)") == listed, "\(line)")
            }
            #expect(
                try dry(bench, "\(lines[0]) --output @new --dry-run")
                    .contains("fine-tuning: 2 epochs of 40 examples, 10 steps\n")
            )
            // Its inputs are checked like those of a run.
            let refused = try bench.run(
                "finetune --model @nowhere \(Self.data) --output @new --dry-run"
            )
            #expect(refused.code == 66)
            let existing = try bench.run("\(lines[0]) --output @out0 --dry-run")
            #expect(existing.code == 73)
        }
    }

    @Test("Other commands that write")
    func others() throws {
        try Workbench.temporary { bench in
            #expect(
                try dry(bench, "compress @teacher @small --int8 --data @dev.tsv --dry-run")
                    .contains("\nint8 ")
            )
            #expect(
                try dry(bench, "export @teacher @onnx --to onnx --dry-run").contains("onnx, ")
            )
            #expect(
                try dry(bench, "augment --data @train.tsv --output @more.tsv --dry-run")
                    .contains("40 texts and at most 800 variants of them, by tang\n")
            )
            try bench.write("fine/ADJ film/NOUN\n\ndull/ADJ plot/NOUN\n", "words.txt")
            #expect(
                try dry(bench, "tagger train --train @words.txt --output @new.tagger --dry-run")
                    .contains("8 epochs over 2 sentences of 4 words")
            )
            try bench.write(
                """
                base:
                  teacher: \(bench["teacher"].path)
                  train: \(bench["train.tsv"].path)
                  dev: \(bench["dev.tsv"].path)
                grid:
                  layers: [1, 2]
                """,
                "grid.yaml"
            )
            let plan = try dry(bench, "sweep --grid @grid.yaml --output @sweep --dry-run")
            #expect(plan.contains("layers 1  ") && plan.contains("layers 2  "))
            #expect(plan.contains("to do"))
        }
    }

    @Test("A log folder shows a run while it goes on, and is not part of what the run is")
    func logFolder() throws {
        try Workbench.temporary { bench in
            let line = "finetune \(Self.sizes) \(Self.data) --output @out --log-dir @live"
            let outcome = try bench.run(line)
            try #require(outcome.code == 0, "\(outcome.error)")
            #expect(try bench.text("live/metrics.jsonl") == bench.text("out/metrics.jsonl"))
            #expect(try bench.names(in: "live") == ["events.out.tfevents", "metrics.jsonl"])
            #expect(try !bench.text("out/run.yaml").contains("log-dir"))
            let again = try bench.run("\(line) --force")
            #expect(again.code == 73)
            #expect(again.error.contains("live/metrics.jsonl: it exists already"))
        }
    }

    @Test("Results are left in the names of Hugging Face's trainer")
    func results() throws {
        try Workbench.temporary { bench in
            for line in [
                "finetune \(Self.sizes) \(Self.data)",
                "distill --teacher @teacher --layers 1 \(Self.data)",
            ] {
                let outcome = try bench.run("\(line) --output @out --force --quiet")
                try #require(outcome.code == 0, "\(outcome.error)")
                let read = { (name: String) in
                    try #require(
                        try JSONSerialization.jsonObject(with: Data(bench.bytes(name)))
                            as? [String: Double]
                    )
                }
                let found = try read("out/eval_results.json")
                for name in [
                    "epoch", "eval_accuracy", "eval_f1", "eval_loss", "eval_runtime",
                    "eval_samples", "eval_samples_per_second",
                ] {
                    #expect(found[name] != nil, "\(name)")
                }
                #expect(found["epoch"] == 2 && found["eval_samples"] == 40)
                let all = try read("out/all_results.json")
                #expect(all.filter { $0.key.hasPrefix("eval_") || $0.key == "epoch" } == found)
                #expect(try #require(all["train_loss"]) > 0)
                #expect(all["train_steps_per_second"] != nil)
                let csv = try bench.text("out/metrics.csv")
                #expect(csv.hasPrefix("step,epoch,loss,"))
            }
        }
    }

    @Test("A line that names columns is no text, unless it is said to be one")
    func headings() throws {
        try Workbench.temporary { bench in
            try bench.write("sentence\nfine film\ndull plot\n", "texts.tsv")
            let left = try bench.run("predict --model @teacher @texts.tsv")
            #expect(left.code == 0 && left.output.split(separator: "\n").count == 3)
            #expect(
                left.error.contains(
                    "texts.tsv: the first line, 'sentence', names columns and is left out; with "
                        + "--no-header it is a text."
                )
            )
            let kept = try bench.run("predict --model @teacher @texts.tsv --no-header")
            #expect(kept.output.split(separator: "\n").count == 4 && kept.error.isEmpty)
            let said = try bench.run("predict --model @teacher @texts.tsv --header")
            #expect(said.output == left.output && said.error.isEmpty)

            let tagged = try bench.run("tagger tag @texts.tsv")
            #expect(tagged.code == 0 && tagged.output.split(separator: "\n").count == 2)
            #expect(tagged.error.contains("names columns"))
            #expect(
                try bench.run("tagger tag @texts.tsv --no-header").output.split(separator: "\n")
                    .count
                    == 3
            )
            // A later line that cannot be answered is called by its number in the file.
            try bench.write("sentence\nfine film\na\tb\n", "bad.tsv")
            let bad = try bench.run("tagger tag @bad.tsv")
            #expect(bad.code == 65 && bad.error.contains("line 3 has a tab"))
        }
    }

    @Test("What a person stumbles over is said")
    func remarks() throws {
        try Workbench.temporary { bench in
            let printed = try bench.run("augment --data @train.tsv --print-config")
            #expect(printed.code == 0 && printed.output.contains("\nmethod: tang\n"))
            let source = try bench.run("convert @teacher @teacher --to safetensors")
            #expect(source.code == 64 && source.error.contains("this is the source itself"))
            let own = try bench.run("finetune \(Self.sizes) \(Self.data) --output @own --quiet")
            try #require(own.code == 0, "\(own.error)")
            #expect(try !bench.run("inspect @own").output.contains("top_level_model_weights"))
            #expect(try bench.run("export @own @onnx --to onnx --quiet").code == 0)
            #expect(try bench.run("export @own @own.gguf --to gguf --quiet").code == 0)
            for (path, sentence) in [
                (
                    "onnx/model.onnx",
                    "this is an ONNX graph, for ONNX Runtime, not a file of tensors"
                ),
                ("own.gguf", "this is a GGUF file, for llama.cpp, not a file of tensors"),
                ("onnx", "no weights but model.onnx, an export for another runtime"),
            ] {
                let outcome = try bench.run("inspect @\(path)")
                #expect(outcome.code == 65 && outcome.error.contains(sentence), "\(outcome.error)")
            }
            let empty = try Command.run("convert", bench["teacher"].path, "", "--to", "safetensors")
            #expect(empty.code == 64 && empty.error.contains("An argument is empty"))
            let output = try Command.run("tagger", "train", "--train", "x", "--output", "")
            #expect(output.error.contains("'--output' is given an empty value"))
        }
    }
}
