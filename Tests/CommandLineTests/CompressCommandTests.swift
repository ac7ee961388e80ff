import Bert
import Foundation
import TestSupport
import Testing

@Suite("bertkit compress")
struct CompressCommandTests {
    @Test("prints a row for each step, and writes a folder that every command reads")
    func everyCommand() throws {
        try Workbench.temporary { bench in
            let outcome = try bench.run(
                "compress @teacher @small --int8 --layers 1 --data @dev.tsv --gzip 6"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            for phrase in [
                "step ", "parameters", "accuracy", "KL, nats", "\noriginal ", "\nlayers 1 ",
                "\nint8 ", "int8 with a scale for each output or row: 9 matrices",
                "f32: biases, classifier.weight, embeddings.token_type_embeddings.weight, layer "
                    + "normalisations",
                "tf_model.h5 (Hugging Face TensorFlow), read back equal",
            ] {
                #expect(outcome.output.contains(phrase), "\(phrase)\n\(outcome.output)")
            }
            #expect(
                try bench.names(in: "small") == [
                    "README.md", "config.json", "provenance.json", "special_tokens_map.json",
                    "tf_model.h5", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
                ]
            )
            let card = try bench.text("small/README.md")
            #expect(card.contains("| layers 1 |"))
            #expect(card.contains("--int8 --layers 1"))
            #expect(card.contains("\nmetrics:\n- accuracy\n"))
            let provenance = try bench.text("small/provenance.json")
            for text in ["\"role\": \"data\"", "\"sha256\"", "\"step\": \"int8\"", "\"KL, nats\""] {
                #expect(provenance.contains(text), "\(text)")
            }

            let inspected = try bench.run("inspect @small")
            #expect(inspected.code == 0)
            #expect(inspected.output.contains("int8 with scales, read as f32: 9 matrices"))
            #expect(inspected.output.contains("i8, a scale a column, chunked, shuffle, gzip"))
            #expect(inspected.output.contains("i8, a scale a row"))
            #expect(!inspected.output.contains("unknown keys"))

            let evaluated = try bench.run(
                "evaluate --teacher @teacher --student @small --data @dev.tsv --precision int8"
            )
            #expect(evaluated.code == 0, "\(evaluated.error)")
            try bench.write("fine film\ndull plot\n", "texts.txt")
            let predicted = try bench.run("predict --model @small @texts.txt")
            #expect(predicted.code == 0)
            #expect(predicted.output.split(separator: "\n").count == 3)

            #expect(
                try bench.run("convert @small @plain/small --to safetensors --dtype f32 --quiet")
                    .code
                    == 0
            )
            let verified = try bench.run("verify @small @plain/small")
            #expect(verified.code == 0, "\(verified.output)")
            #expect(verified.output.contains("largest difference 0,"))
            #expect(
                try bench.run("predict --model @plain/small @texts.txt").output == predicted.output
            )
            #expect(try bench.run("verify @teacher @small").code == 2)
            let exported = try bench.run("export @small @onnx --to onnx --quiet")
            #expect(exported.code == 0, "\(exported.error)")
            #expect(exported.output.contains("at most 0\n"))
            let gguf = try bench.run("export @plain/small @plain.gguf --to gguf --quiet")
            #expect(gguf.code == 0, "\(gguf.error)")
            #expect(try bench.run("export @small @small.gguf --to gguf --quiet").code == 0)
            #expect(try bench.bytes("small.gguf") == bench.bytes("plain.gguf"))
        }
    }

    @Test("writes vocabulary_map.tsv beside a smaller vocabulary")
    func vocabulary() throws {
        try Workbench.temporary { bench in
            try bench.write("a fine film\n", "texts.txt")
            let teacher = Fixtures.folder.appending(path: "teacher").path
            let outcome = try bench.run(
                "compress \(teacher) @small --vocabulary @texts.txt --to safetensors --dtype bf16"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("\nvocabulary "))
            #expect(!outcome.output.contains("accuracy"))
            let map = try bench.text("small/vocabulary_map.tsv").split(separator: "\n")
            let kept = try bench.text("small/vocab.txt").split(separator: "\n")
            let all = try String(
                contentsOf: Fixtures.folder.appending(path: "teacher/vocab.txt"),
                encoding: .utf8
            ).split(separator: "\n")
            #expect(map[0] == "old\tnew\tpiece")
            #expect(kept.count < all.count / 2)
            #expect(
                map.dropFirst().map { $0.split(separator: "\t") }
                    == kept.enumerated().map { new, piece in
                        let old = all.firstIndex(of: piece) ?? -1
                        return ["\(old)", "\(new)", piece]
                    }
            )
            // Its words are the teacher's, so that the answers differ by bf16 alone.
            let small = try bench.run("predict --model @small @texts.txt").output
            let large = try bench.run("predict --model \(teacher) @texts.txt").output
            #expect(Self.label(small) == Self.label(large))
        }
    }

    @Test("scores are judged by their correlation, and have no divergence")
    func regression() throws {
        try Workbench.temporary { bench in
            try SmallModel(labels: ["score"], problemType: .regression).write(to: bench["scorer"])
            try bench.write(SmallModel.taskFile(labels: ["0.5", "2", "3.25"]), "scores.tsv")
            let line = "compress @scorer @out --int8 --data @scores.tsv"
            try expectRefusal(bench, "\(line) --max-kl 1", 64, "scores have no KL divergence")
            let outcome = try bench.run("\(line) --max-drop 0.05")
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("Pearson correlation"))
            #expect(outcome.output.contains("squared difference"))
            let answers = try bench.run("evaluate --student @out --data @scores.tsv --format json")
            #expect(answers.code == 0, "\(answers.error)")
        }
    }

    @Test(
        "every family and head comes back within the rounding, in both layouts",
        arguments: [
            "roberta_masked_lm", "electra_narrow", "distilbert", "tf_masked_lm",
            "google_classifier", "keras_classifier", "safetensors_pre_training",
            "electra_narrow_replaced_token_detection", "safetensors_question_answering",
        ],
        ["hf-h5", "safetensors"]
    )
    func families(layout: String, target: String) throws {
        try Workbench.with(["model": layout]) { bench in
            let outcome = try bench.run("compress @model @out --int8 --to \(target)")
            #expect(outcome.code == 0, "\(outcome.error)")
            let verified = try bench.run("verify @model @out --tolerance 0.05")
            #expect(verified.code == 0, "\(verified.output)")
            #expect(try bench.run("verify @model @out --tolerance 1e-7").code == 2)
        }
    }

    /// The answer to the first text.
    private static func label(_ output: String) -> Substring? {
        output.split(separator: "\n").dropFirst().first?.split(separator: "\t").first
    }

    static let refusals: [(String, Int32, String)] = [
        ("", 64, "Nothing is to be done"),
        ("--to safetensors", 64, "Nothing is to be done"),
        ("--dtype f32", 64, "'f32' is invalid"),
        ("--int8 --to keras-hub", 64, "'keras-hub' is invalid"),
        ("--int8 --to safetensors --gzip 4", 64, "'--gzip' is for hf-h5"),
        ("--int8 --gzip 10", 64, "'--gzip' must be from 1 to 9, not 10"),
        ("--layers 2", 64, "has layers 0 to 1, not 2"),
        ("--layers 0,0", 64, "layer 0 is named twice"),
        ("--layers 1,0", 64, "layers keep their order, and 0 stands behind 1"),
        ("--layers 0,,1", 64, "'0,,1' is invalid for '--layers"),
        ("--heads-and-neurons 0.5", 64, "needs '--train' or '--data'"),
        ("--heads-and-neurons 0 --data @dev.tsv", 64, "must be above 0.0 and below 1.0, not 0.0"),
        ("--heads-and-neurons 1 --data @dev.tsv", 64, "must be above 0.0 and below 1.0, not 1.0"),
        ("--heads-and-neurons nan --data @dev.tsv", 64, "must be above 0.0 and below 1.0"),
        (
            "--heads-and-neurons 0.99 --data @dev.tsv", 64,
            "0.99 of 20 neurons a layer is all of them"
        ),
        (
            "--heads-and-neurons 0.01 --data @dev.tsv", 64,
            "0.01 of 20 neurons a layer is none of them"
        ),
        ("--int8 --max-kl 0.1", 64, "A quality gate needs '--data'"),
        ("--int8 --min-accuracy 0.9", 64, "A quality gate needs '--data'"),
        ("--int8 --data @dev.tsv --min-accuracy 90", 64, "must be from 0.0 and up to 1.0"),
        ("--vocabulary from-data", 64, "needs '--data'"),
        ("--int8 --train @train.tsv", 64, "'--train' is for '--heads-and-neurons' and"),
        ("--int8 --vocabulary-size 10", 64, "'--vocabulary-size' needs '--vocabulary'"),
        ("--vocabulary @vocab.txt --vocabulary-size 3", 64, "3 pieces are too few: 17 are"),
        ("--vocabulary @none.txt", 66, "there is no such file"),
        ("--vocabulary @empty", 65, "the file has no text"),
        ("--int8 --data @none.tsv", 66, "none.tsv: "),
        ("--int8 --data @other.tsv", 65, "other.tsv: "),
        ("--int8 --data @unlabelled.tsv --max-drop 0.1", 64, "it has no labels"),
        ("--int8 --data @dev.tsv --max-length 17", 64, "more than the 16 positions"),
    ]

    @Test("refuses what cannot be, in one sentence, and writes nothing", arguments: refusals)
    func refusal(line: String, code: Int32, phrase: String) throws {
        try Workbench.temporary { bench in
            try bench.write("", "empty")
            try bench.write("sentence\tlabel\nfine\tgood\ndull\tbad\n", "other.tsv")
            try bench.write(SmallModel.taskFile(labels: nil), "unlabelled.tsv")
            try expectRefusal(bench, "compress @teacher @out \(line)", code, phrase)
        }
    }

    private func expectRefusal(
        _ bench: Workbench,
        _ line: String,
        _ code: Int32,
        _ phrase: String
    ) throws {
        let before = try bench.snapshot()
        let outcome = try bench.run(line + (code == 64 ? "" : " --quiet"))
        #expect(outcome.code == code, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        let sentences = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
        #expect(sentences.count == 1, "\(outcome.error)")
        #expect(sentences.first?.contains(phrase) == true, "\(outcome.error)")
        #expect(try bench.snapshot() == before)
    }

    @Test(
        "refuses models that do not fit: int8 already, without specials, without a head, a BiLSTM"
    )
    func models() throws {
        try Workbench.temporary { bench in
            #expect(try bench.run("compress @teacher @int8 --int8 --quiet").code == 0)
            let again = "it is stored as int8 already"
            try expectRefusal(bench, "compress @int8 @out --int8", 65, again)
            try expectRefusal(bench, "compress @int8 @out --layers 0", 65, again)
            try bench.rewriteWeights(of: "teacher", isHeadless: true)
            try expectRefusal(
                bench,
                "compress @teacher @out --int8 --data @dev.tsv",
                64,
                "a classifier or regressor answers it"
            )
            try bench.replace("[SEP]", with: "[sep]", in: "int8/vocab.txt")
            try bench.replace("[SEP]", with: "[sep]", in: "teacher/vocab.txt")
            try expectRefusal(
                bench,
                "compress @teacher @out --vocabulary @train.tsv",
                65,
                "the vocabulary lacks [SEP]"
            )
            try bench.remove("teacher/vocab.txt")
            try expectRefusal(
                bench,
                "compress @teacher @out --vocabulary @train.tsv",
                66,
                "there is no vocab.txt"
            )
            try bench.write(#"{"model_type": "bilstm"}"#, "teacher/config.json")
            try expectRefusal(bench, "compress @teacher @out --int8", 65, "it is a BiLSTM student")
        }
    }

    @Test("refuses an output that exists or is the source, and replaces one only when told to")
    func existing() throws {
        try Workbench.temporary { bench in
            try bench.run("compress @teacher @out --int8 --quiet").expectSuccess()
            try expectRefusal(bench, "compress @teacher @out --int8", 73, "it exists already")
            let before = try bench.snapshot()
            let source = try bench.run("compress @teacher @teacher --int8 --force --quiet")
            #expect(source.code == 64)
            #expect(source.error.contains("this is the source itself"))
            #expect(try bench.snapshot() == before)
            try bench.run("compress @teacher @out --dtype f16 --force --quiet").expectSuccess()
            #expect(try bench.run("inspect @out").output.contains("f16"))
        }
    }

    @Test("a missed gate shows the table, exits with 4 and leaves nothing")
    func gate() throws {
        try Workbench.temporary { bench in
            let before = try bench.snapshot()
            let outcome = try bench.run(
                "compress @teacher @out --layers 0 --data @dev.tsv --max-kl 1e-9"
            )
            #expect(outcome.code == 4)
            #expect(outcome.output.contains("\nlayers 0 "))
            let sentences = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
            #expect(sentences.count == 1)
            #expect(sentences.first?.contains("out: not written: KL ") == true, "\(outcome.error)")
            #expect(sentences.first?.contains("is above 1e-09") == true, "\(outcome.error)")
            #expect(try bench.snapshot() == before)
            // A folder that is to be replaced stays as it was, too.
            try bench.run("compress @teacher @out --dtype f16 --quiet").expectSuccess()
            let kept = try bench.snapshot()
            let missed = try bench.run(
                "compress @teacher @out --layers 0 --data @dev.tsv --max-kl 1e-9 --force --quiet"
            )
            #expect(missed.code == 4)
            #expect(try bench.snapshot() == kept)
        }
    }

    @Test("leaves nothing half-written on a full disk", arguments: ["hf-h5", "safetensors"])
    func fullDisk(layout: String) throws {
        try Workbench.temporary { bench in
            let before = try bench.snapshot()
            let arguments = bench.arguments("compress @teacher @new --int8 --to \(layout)")
                .joined(separator: " ")
            let outcome = try Command.shell(
                "(ulimit -f 2; $BERTKIT \(arguments)); echo \"code $?\""
            )
            #expect(outcome.output.contains("code 74\n"), "\(outcome.error)")
            #expect(outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }.count == 1)
            #expect(try bench.snapshot() == before)
        }
    }
}

extension Outcome {
    fileprivate func expectSuccess() { #expect(code == 0, "\(error)") }
}
