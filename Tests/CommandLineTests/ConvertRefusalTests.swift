import Foundation
import Testing

/// What `convert` refuses before it writes, and what is left when writing fails.
@Suite("bertkit convert refuses")
struct ConvertRefusalTests {
    @Test(
        "options that do not fit, in one sentence",
        arguments: [
            ("--to safetensors --gzip 3", "safetensors has no compression"),
            ("--to hf-h5 --gzip 0", "'--gzip' must be from 1 to 9"),
            ("--to keras-weights --shard-size 2KB --allow-approximation", "no --shard-size"),
            ("--to safetensors --shard-size 5XB", "as in 100000, 500KB, 100MB or 2GB"),
            ("--to safetensors --shard-size 0", "as in 100000"),
            ("--to safetensors --shard-size 99999999999GB", "as in 100000"),
            ("--to safetensors --dtype f64", "'f32', 'f16' or 'bf16'"),
            ("--to onnx", "'hf-h5', 'keras-hub', 'keras-weights' or 'safetensors'"),
            ("", "'--to <layout>'"), ("--to safetensors --head new", "needs '--labels'"),
            ("--to safetensors --labels a,b", "is for '--head new'"),
            ("--to safetensors --seed 3", "is for '--head new'"),
            ("--to safetensors --head new --labels a,b,a", "the label \"a\" is given twice"),
            ("--to safetensors --only nothing.*", "no tensor is among --only"),
            ("--to safetensors --rename a", "STORED=CANONICAL"),
            ("--to safetensors --rename a=pooler.dense.bias", "no unknown tensor of that name"),
        ]
    )
    func options(line: String, phrase: String) throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let before = try bench.snapshot()
            let outcome = try bench.run("convert @model @out \(line)")
            #expect(outcome.code == 64)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorLines.count == 1, "\(outcome.error)")
            #expect(outcome.error.contains(phrase), "\(outcome.error)")
            #expect(try bench.snapshot() == before)
        }
    }

    @Test("names that --rename cannot give")
    func renames() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.addTensor("odd", [3], to: "model/model.safetensors")
            let before = try bench.snapshot()
            for (canonical, phrase) in [
                ("classifier.bias", "is stored as \"classifier.bias\" already"),
                ("qa_outputs.bias", "which no model with sequence-classification head has"),
            ] {
                let outcome = try bench.run(
                    "convert @model @out --to safetensors --rename odd=\(canonical)"
                )
                #expect(outcome.code == 64, "\(outcome.error)")
                #expect(outcome.error.contains(phrase), "\(outcome.error)")
                #expect(try bench.snapshot() == before)
            }
        }
    }

    @Test("a vocabulary with more pieces than the model has embeddings")
    func vocabulary() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.write(try bench.text("model/vocab.txt") + "more\n", "model/vocab.txt")
            let before = try bench.snapshot()
            for layout in ["safetensors", "hf-h5", "keras-hub --allow-approximation"] {
                let outcome = try bench.run("convert @model @out --to \(layout)")
                #expect(outcome.code == 65)
                #expect(outcome.error.contains("vocab.txt: the vocabulary has 42 pieces"))
                #expect(try bench.snapshot() == before)
            }
        }
    }

    @Test("an output that exists, and leaves it alone")
    func existing() throws {
        try Workbench.with(["model": "tf", "out": "tf_base"]) { bench in
            let before = try bench.snapshot()
            let outcome = try bench.run("convert @model @out --to safetensors")
            #expect(outcome.code == 73)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.contains("out: it exists already"))
            #expect(try bench.snapshot() == before)
            let forced = try bench.run("convert @model @out --to safetensors --force")
            #expect(forced.code == 0)
            #expect(try !bench.names(in: "out").contains("tf_model.h5"))
            let file = try bench.run("convert @model @model/vocab.txt --to safetensors --force")
            #expect(file.code == 73)
            #expect(file.error.contains("it exists and is not a folder"))
        }
    }

    @Test("to replace the source, by whatever name it is called")
    func source() throws {
        try Workbench.with(["models/model": "tf"]) { bench in
            try FileManager.default.createSymbolicLink(
                atPath: bench["link"].path,
                withDestinationPath: "models/model"
            )
            let before = try bench.snapshot()
            for line in [
                "convert @models/model @models/model", "convert @models/model @models",
                "convert @models/model/tf_model.h5 @models/model", "convert @link @models/model",
                "convert @models/model @models/../models/model/",
            ] {
                let outcome = try bench.run("\(line) --to safetensors --force")
                #expect([64, 73].contains(outcome.code), "\(line): \(outcome.error)")
                #expect(outcome.error.contains("Choose another "), "\(outcome.error)")
                #expect(try bench.snapshot() == before)
            }
        }
    }

    /// A limit on a file's size fails the same writes as a full disk.
    @Test(
        "to leave anything half-written on a full disk",
        arguments: ["safetensors", "hf-h5", "keras-hub", "keras-weights", "hf-h5 --gzip 6"],
        [0, 2, 8]
    )
    func fullDisk(layout: String, kibibytes: Int) throws {
        try Workbench.with(["model": "keras_classifier", "out": "tf_base"]) { bench in
            let before = try bench.snapshot()
            for destination in ["@new", "@out --force"] {
                let line = bench.arguments("convert @model \(destination) --to \(layout)")
                    .joined(separator: " ")
                let outcome = try Command.shell(
                    """
                    { { (ulimit -f \(kibibytes); $BERTKIT \(line)); echo "code $?" >&2; } \
                    2>&3 | cat; } 3>&1 | cat >&2
                    """
                )
                let complaints = outcome.errorLines.filter { $0.hasPrefix("bertkit: ") }
                #expect(outcome.error.contains("code 74\n"), "\(outcome.error)")
                #expect(complaints.count == 1, "\(outcome.error)")
                #expect(complaints.first?.contains(".tmp-") == false, "\(outcome.error)")
                #expect(try bench.snapshot() == before)
            }
        }
    }
}
