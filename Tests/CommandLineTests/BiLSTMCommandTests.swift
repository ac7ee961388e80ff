import Bert
import Foundation
import Testing

@Suite("A BiLSTM student")
struct BiLSTMCommandTests {
    private static let data = "--train @train.tsv --dev @dev.tsv"
    private static let sizes = "--embedding 8 --units 5 --hidden 7"
    private static let schedule = "--epochs 4 --batch-size 8 --max-length 16"
    private static let distill =
        "distill --student bilstm --teacher @teacher \(data) \(sizes) \(schedule)"
    private static let files = [
        "README.md", "all_results.json", "config.json", "eval_results.json", "events.out.tfevents",
        "metrics.csv", "metrics.jsonl", "model.weights.h5", "provenance.json", "recipe.yaml",
        "run.yaml", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
        "vocab.txt",
    ]

    @discardableResult
    private func succeed(_ bench: Workbench, _ line: String) throws -> Outcome {
        let outcome = try bench.run(line)
        try #require(outcome.code == 0, "\(line): \(outcome.error)")
        return outcome
    }

    private func refuse(_ bench: Workbench, _ line: String, _ words: String...) throws {
        let outcome = try bench.run(line)
        #expect(outcome.code != 0, "\(line)")
        for word in words { #expect(outcome.error.contains(word), "\(line): \(outcome.error)") }
    }

    private func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// Rows of two texts, with a score or a label.
    private func pairs(_ bench: Workbench, _ targets: [String], _ name: String) throws {
        let words = ["film", "plot", "dull", "fine", "old", "new"]
        let rows = (0..<40).map { row in
            let one = (0...row % 4).map { words[(row + $0) % 6] }.joined(separator: " ")
            let other = (0...row % 3).map { words[(row * 5 + $0) % 6] }.joined(separator: " ")
            return "\(one)\t\(other)\t\(targets[row % targets.count])\n"
        }
        try bench.write("sentence1\tsentence2\tlabel\n" + rows.joined(), name)
    }

    @Test("From a teacher to a folder that the other commands read, and again the same")
    func distilling() throws {
        try Workbench.temporary { bench in
            let outcome = try succeed(bench, "\(Self.distill) --output @out")
            #expect(outcome.error.contains("the teacher's word embeddings in 8 of 12 dimensions"))
            #expect(outcome.output.contains("MFLOP per token"))
            #expect(try bench.names(in: "out") == Self.files)
            let configuration = try json(bench.text("out/config.json"))
            #expect(configuration["model_type"] as? String == "bilstm")
            #expect(configuration["lstm_units"] as? Int == 5)
            #expect(configuration["sentence_pairs"] as? Bool == false)
            #expect(
                configuration["id2label"] as? [String: String]
                    == ["0": "negative", "1": "positive"]
            )
            let recipe = try bench.text("out/recipe.yaml")
            for line in ["form: logit-mse\n", "batch-size: 8\n", "learning-rate: 0.002\n"] {
                #expect(recipe.contains(line), "\(recipe)")
            }
            // It learns: the loss on the training data falls.
            let log = try bench.text("out/metrics.jsonl").split(separator: "\n").map(json)
            let losses = log.compactMap { $0["loss"] as? Double }
            #expect(try #require(losses.last) < 0.9 * (try #require(losses.first)), "\(losses)")

            try succeed(bench, "distill --config @out/run.yaml --output @again")
            #expect(
                try bench.bytes("again/model.weights.h5") == bench.bytes("out/model.weights.h5")
            )
            // The recipe's name says what the student is; its start is what it was.
            try succeed(
                bench,
                "\(Self.distill.replacing("--student bilstm", with: "--recipe bilstm")) --workers 1 "
                    + "--init teacher-embeddings --output @named"
            )
            #expect(
                try bench.bytes("named/model.weights.h5") == bench.bytes("out/model.weights.h5")
            )
            try succeed(
                bench,
                "\(Self.distill) --recipe @out/recipe.yaml --init random --output @random"
            )
            #expect(
                try bench.bytes("random/model.weights.h5") != bench.bytes("out/model.weights.h5")
            )
            // Without a width, all that the teacher has.
            let wide = Self.distill.replacing("--embedding 8", with: "")
            try succeed(bench, "\(wide) --output @wide")
            #expect(try bench.text("wide/config.json").contains("\"embedding_size\": 12"))
            // Going on from a student.
            try succeed(
                bench,
                "\(Self.distill) --init @out --output @more".replacing(Self.sizes, with: "")
            )
        }
    }

    @Test("Evaluated beside a BERT, run, shown, and converted there and back")
    func otherCommands() throws {
        try Workbench.temporary { bench in
            try succeed(bench, "\(Self.distill) --output @out")
            let report = try json(
                succeed(
                    bench,
                    "evaluate --teacher @teacher --student @out --data @dev.tsv --format json"
                ).output
            )
            let student = try #require((report["students"] as? [[String: Any]])?.first)
            // 17 pieces of 8; both directions' 20 gates of 8 and 5 and a bias; 7 of 10; 2 of 7.
            let count = 17 * 8 + 2 * 20 * (8 + 5 + 1) + 7 * 11 + 2 * 8
            #expect(student["parameterCount"] as? Int == count)
            #expect(student["parameterCountWithoutEmbeddings"] as? Int == count - 17 * 8)
            #expect(student["flopsPerToken"] as? Double == Double(16 * 5 * (8 + 5)))

            let answers = try succeed(
                bench,
                "predict --model @out @texts.txt".replacing(
                    "@texts.txt",
                    with: try bench.folder.write("a fine film\n\ndull\n", "texts.txt")
                )
            )
            #expect(answers.output.split(separator: "\n").count == 4)
            let shown = try succeed(bench, "inspect @out").output
            #expect(shown.contains("BiLSTM, Keras 3 layers") && shown.contains("\(count), all"))
            #expect(shown.contains("layers/bidirectional/forward_layer/cell/vars/1"))

            try succeed(bench, "convert @out @torch --to safetensors")
            let torch = try succeed(bench, "inspect @torch").output
            #expect(torch.contains("BiLSTM, torch.nn.LSTM") && torch.contains("\(count), all"))
            #expect(torch.contains("(added to lstm.bias_l0)"))
            let plan = try succeed(bench, "convert @torch @back --to keras-weights --dry-run")
            #expect(plan.output.contains("hidden.weight -> layers/dense/vars/0"))
            try succeed(bench, "convert @torch @back --to keras-weights")
            #expect(try bench.bytes("back/model.weights.h5") == bench.bytes("out/model.weights.h5"))
            let speed = "benchmark --model @out --data @dev.tsv --rounds 2"
            let found = try json(succeed(bench, "\(speed) --format json").output)
            #expect((found["model"] as? [String: Any])?["units"] as? Int == 5)
            let forward = try #require(found["forward"] as? [String: [String: Any]])
            #expect(forward.keys.sorted() == ["file", "sorted", "whole"])
            for rate in forward.values {
                let (flops, pieces) = (
                    rate["gflop_per_s"] as? Double, rate["tokens_per_s"] as? Double
                )
                let perPiece = try #require(flops) * 1e9 / #require(pieces)
                #expect(abs(perPiece - Double(16 * 5 * (8 + 5))) < 1)
            }
            #expect((found["latency"] as? [String: Any])?["sentences"] as? Int == 40)
            let one = try succeed(bench, "\(speed) --measure forward --order sorted").output
            #expect(
                one.contains("BiLSTM of 5 units in each direction") && one.contains("by length")
            )
            let again = try succeed(bench, "predict --model @torch @texts.txt")
            #expect(again.output == answers.output)
        }
    }

    @Test("Pairs, scores, several teachers, and a cache")
    func pairsAndScores() throws {
        try Workbench.temporary { bench in
            var scores = SmallModel(labels: ["score"], problemType: .regression)
            try scores.write(to: bench["one"])
            scores.seed = 2
            try scores.write(to: bench["other"])
            try pairs(bench, ["0.5", "2", "4.25"], "train.tsv")
            try pairs(bench, ["1", "3"], "dev.tsv")
            let line =
                "distill --student bilstm \(Self.data) \(Self.sizes) \(Self.schedule) --cache @cache "
                + "--evaluate-every 3 --early-stopping 9 --metric spearman"
            try succeed(bench, "\(line) --teacher @one --teacher @other --output @both")
            try succeed(bench, "\(line) --teacher @one --output @out")
            #expect(try bench.text("out/config.json").contains("\"sentence_pairs\": true"))
            #expect(try bench.text("out/recipe.yaml").contains("form: logit-mse\n"))
            #expect(try bench.names(in: "cache").count == 2)
            let table = try succeed(bench, "evaluate --student @out --data @dev.tsv").output
            #expect(table.contains("Pearson"))
            try bench.write(SmallModel.taskFile(labels: ["1", "2"]), "single.tsv")
            try refuse(
                bench,
                "evaluate --student @out --data @single.tsv",
                "these are single texts",
                "reads pairs"
            )
            // Starting from the embeddings of one of several has to say of which.
            try refuse(
                bench,
                "\(line) --teacher @one --teacher @other --init teacher-embeddings --output @x",
                "the student starts from the embeddings of one",
                "--layer-teacher"
            )
        }
    }

    @Test("From labels alone, and on from there")
    func finetuning() throws {
        try Workbench.temporary { bench in
            let line =
                "finetune --student bilstm --vocabulary @vocab.txt \(Self.data) \(Self.sizes) "
                + Self.schedule
            let outcome = try succeed(bench, "\(line) --output @out")
            #expect(outcome.error.contains("learning-rate: 0.002\n"))
            #expect(
                try bench.names(in: "out") == Self.files.filter { $0 != "recipe.yaml" }
            )
            try succeed(
                bench,
                "finetune --model @out \(Self.data) \(Self.schedule) --learning-rate 1e-4 "
                    + "--dropout 0 --output @more"
            )
            #expect(try bench.text("more/config.json").contains("\"dropout\": 0"))
            #expect(
                try succeed(bench, "finetune --config @more/run.yaml --print-config").output
                    .contains("learning-rate: 1e-4\n")
            )
        }
    }

    @Test("A sweep may compare kinds of students")
    func sweeping() throws {
        try Workbench.temporary { bench in
            let base = ["teacher", "train", "dev"].map { name in
                "  \(name): \(bench.folder.path)/\(name == "teacher" ? name : name + ".tsv")\n"
            }
            try bench.write(
                "base:\n\(base.joined())  epochs: 1\n  max-length: 16\n  hidden: 8\ngrid:\n  kind:\n"
                    + "    - {student: bilstm, embedding: 6, units: 4}\n"
                    + "    - {layers: 1, heads: 2, intermediate: 12}\n",
                "grid.yaml"
            )
            let outcome = try succeed(bench, "sweep --grid @grid.yaml --output @sweep")
            #expect(!outcome.output.contains("failed"))
        }
    }

    @Test("What a BiLSTM does not have is refused before anything is trained")
    func refusals() throws {
        try Workbench.temporary { bench in
            let lines: [(String, String)] = [
                ("\(Self.distill) --layers 2", "'--layers' is a size of a transformer"),
                ("\(Self.distill) --init teacher-layers", "no layers to start from a teacher's"),
                ("\(Self.distill) --init slim:pca", "no layers to start from a teacher's"),
                ("\(Self.distill) --general-teacher @teacher", "'--general-teacher' teaches word"),
                ("\(Self.distill) --precision bf16", "A BiLSTM is trained in f32"),
                ("\(Self.distill) --recipe tinybert", "it matches embeddings, and a BiLSTM has"),
                ("\(Self.distill) --recipe pkd", "it matches patience, and a BiLSTM has answers"),
                ("\(Self.distill) --temperature 2", "logit-mse reads no temperature"),
                ("\(Self.distill) --layer-map top", "no objective of recipe bilstm reads it"),
                (
                    "\(Self.distill.replacing("--embedding 8", with: "--embedding 13")) "
                        + "--init teacher-embeddings",
                    "the teacher's embeddings have 12"
                ),
                (
                    "distill --teacher @teacher \(Self.data) --layers 1 --units 4",
                    "'--units' is a size of a BiLSTM: add '--student bilstm'"
                ),
                (
                    "distill --teacher @teacher \(Self.data) --layers 1 --init teacher-embeddings",
                    "starts a BiLSTM"
                ),
                (
                    "distill --student bilstm --teacher @teacher --text @vocab.txt",
                    "labelled examples: give '--train'"
                ),
                (
                    "finetune --student bilstm \(Self.data)", "add '--vocabulary'"
                ),
                (
                    "finetune --student bilstm --vocabulary @vocab.txt --activation gelu \(Self.data)",
                    "hidden layer is ReLU"
                ),
            ]
            for (line, words) in lines {
                try refuse(bench, "\(line) --output @refused", words)
            }
            #expect(!FileManager.default.fileExists(atPath: bench["refused"].path))
        }
    }

    @Test("Commands for encoders alone say so of a BiLSTM")
    func encodersOnly() throws {
        try Workbench.temporary { bench in
            try succeed(
                bench,
                "\(Self.distill) --epochs 1 --output @out".replacing("--epochs 4 ", with: "")
            )
            let lines: [(String, String)] = [
                ("benchmark --model @out", "a BiLSTM is measured on texts"),
                (
                    "benchmark --model @out --data @dev.tsv --measure training",
                    "of a BiLSTM only forward passes and latency are measured"
                ),
                (
                    "benchmark --model @out --data @dev.tsv --precision bf16",
                    "a BiLSTM is computed in f32"
                ),
                ("verify @out @teacher", "it is a BiLSTM student"),
                (
                    "distill --teacher @out \(Self.data) --layers 1 --output @x",
                    "it is a BiLSTM student, and a model of BERT's kind is needed here"
                ),
                ("predict --model @out --precision int8", "a BiLSTM is computed in f32"),
                (
                    "evaluate --student @out --data @dev.tsv --precision bf16",
                    "a BiLSTM is computed in f32, not in bf16"
                ),
                ("convert @out @x --to hf-h5", "hf-h5 is a layout of encoders"),
                ("convert @out @x --to safetensors --dtype f16", "--dtype"),
                ("convert @out @out --to safetensors --force", "this is the source itself"),
            ]
            for (line, words) in lines { try refuse(bench, line, words) }
        }
    }
}
