import Bert
import Foundation
import TestSupport
import Testing

@Suite("Models with pruned heads on the command line")
struct PrunedHeadsCommandTests {
    /// A teacher with one of two heads in each layer, and a sound run of every command on it.
    @Test("every command for encoders reads what compress prunes")
    func everyCommand() throws {
        try Workbench.temporary { bench in
            func run(_ line: String) throws -> Outcome {
                let outcome = try bench.run(line)
                #expect(outcome.code == 0, "\(line): \(outcome.error)")
                return outcome
            }
            let compressed = try run(
                "compress @teacher @pruned --heads-and-neurons 0.5 --data @dev.tsv --to safetensors"
            )
            #expect(compressed.output.contains("\nheads 1 of 2 "), "\(compressed.output)")
            #expect(compressed.output.contains("\nneurons 10 of 20 "))
            let pruned = try configuration(bench, "pruned")
            #expect(pruned.attentionHeadCount == 2 && pruned.hiddenSize == 12)
            #expect(pruned.prunedHeads.mapValues(\.count) == [0: 1, 1: 1])

            let inspected = try run("inspect @pruned").output
            #expect(inspected.contains("pruned_heads"))
            #expect(inspected.contains(" \(pruned.prunedHeadsPhrase)\n"), "\(inspected)")
            #expect(inspected.contains("[6, 12]") && inspected.contains("[12, 6]"))
            #expect(!inspected.contains("unknown keys"))

            _ = try run("convert @pruned @h5/pruned --to hf-h5 --quiet")
            _ = try run("verify @pruned @h5/pruned")
            let other = try bench.run("verify @teacher @pruned")
            #expect(other.code == 2)
            #expect(other.output.contains("pruned heads: none and 0: "), "\(other.output)")

            try bench.write("fine film\ndull plot\n", "texts.txt")
            let answers = try run("predict --model @pruned @texts.txt").output
            #expect(try run("predict --model @h5/pruned @texts.txt").output == answers)
            _ = try run("evaluate --teacher @teacher --student @pruned --data @dev.tsv")
            for precision in ["bf16", "int8"] {
                _ = try run("predict --model @pruned @texts.txt --precision \(precision)")
            }
            let exported = try run("export @pruned @onnx --to onnx --data @dev.tsv --quiet")
            #expect(exported.output.contains("labels agree 100"), "\(exported.output)")
            _ = try run("export @pruned @a.mlpackage --to coreml --quiet")
            let gguf = try bench.run("export @pruned @pruned.gguf --to gguf --quiet")
            #expect(gguf.code == 64)
            #expect(gguf.error.contains("this model has pruned heads. Export it with --to onnx"))
            let keras = try bench.run(
                "convert @pruned @keras --to keras-hub --allow-approximation --quiet"
            )
            #expect(keras.code == 64)

            let data = "--train @train.tsv --dev @dev.tsv --epochs 1"
            _ = try run("finetune --model @pruned --output @tuned \(data)")
            #expect(try configuration(bench, "tuned").prunedHeads == pruned.prunedHeads)
            _ = try run("distill --teacher @pruned --layers 1 --output @copied \(data)")
            #expect(try configuration(bench, "copied").prunedHeads.count == 1)
            _ = try run(
                "distill --teacher @pruned --init random --layers 1 --hidden 8 --heads 2 "
                    + "--intermediate 9 --output @new \(data)"
            )
            #expect(try configuration(bench, "new").prunedHeads.isEmpty)
            _ = try run("distill --teacher @teacher --init @pruned --output @taught \(data)")
            #expect(try configuration(bench, "taught").prunedHeads == pruned.prunedHeads)

            let again = try run(
                "compress @pruned @again --layers 1 --heads-and-neurons 0.5 --data @dev.tsv --int8"
            )
            #expect(
                again.output.contains("\nheads 1 of 1: 0.5 of them is less than one "),
                "\(again.output)"
            )
            #expect(again.output.contains("TensorFlow classes do not prune"))
            #expect(
                try configuration(bench, "again").prunedHeads == [0: pruned.prunedHeads[1] ?? []]
            )
        }
    }

    private func configuration(_ bench: Workbench, _ name: String) throws -> BertConfiguration {
        try BertConfigurationFile(contentsOf: bench["\(name)/config.json"]).configuration
    }

    static let bad: [(String, String)] = [
        (
            "[0]",
            "\"pruned_heads\" must be an object with a list of heads for a layer and is a list"
        ),
        ("{\"2\": [0]}", "\"pruned_heads\" has the key \"2\", and the layers are 0 to 1"),
        ("{\"-1\": [0]}", "has the key \"-1\", and the layers are 0 to 1"),
        ("{\"01\": [0]}", "has the key \"01\", and the layers are 0 to 1"),
        ("{\"0\": 1}", "\"pruned_heads\" must have a list of heads for layer 0 and has 1"),
        ("{\"1\": [2]}", "must list heads from 0 to 1 for layer 1 and has 2"),
        ("{\"1\": [-1]}", "must list heads from 0 to 1 for layer 1 and has -1"),
        ("{\"1\": [0.5]}", "must list heads from 0 to 1 for layer 1 and has 0.5"),
        ("{\"1\": [0, 0]}", "\"pruned_heads\" lists head 0 of layer 1 twice"),
        ("{\"0\": [1, 0]}", "\"pruned_heads\" must leave layer 0 a head and lists all 2"),
    ]

    @Test("pruned_heads that cannot be is refused with file, expected and found", arguments: bad)
    func refusals(value: String, phrase: String) throws {
        try Workbench.temporary { bench in
            try bench.replace(
                "\"num_attention_heads\"",
                with: "\"pruned_heads\": \(value), \"num_attention_heads\"",
                in: "teacher/config.json"
            )
            try bench.write("fine film\n", "texts.txt")
            for line in ["predict --model @teacher @texts.txt", "compress @teacher @out --int8"] {
                let outcome = try bench.run(line)
                #expect(outcome.code == 65, "\(outcome.error)")
                let lines = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
                #expect(lines.count == 1)
                #expect(lines.first?.contains("teacher/config.json: ") == true, "\(outcome.error)")
                #expect(lines.first?.contains(phrase) == true, "\(outcome.error)")
            }
        }
    }

    @Test("heads that are said to be gone and are there contradict the tensors")
    func contradiction() throws {
        try Workbench.temporary { bench in
            try bench.replace(
                "\"num_attention_heads\"",
                with: "\"pruned_heads\": {\"1\": [0]}, \"num_attention_heads\"",
                in: "teacher/config.json"
            )
            try bench.write("fine film\n", "texts.txt")
            let outcome = try bench.run("predict --model @teacher @texts.txt")
            #expect(outcome.code == 65)
            #expect(outcome.error.contains("[12, 12]"), "\(outcome.error)")
            #expect(outcome.error.contains("6"), "\(outcome.error)")
        }
    }
}
