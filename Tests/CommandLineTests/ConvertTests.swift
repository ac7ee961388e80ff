import Checkpoints
import Foundation
import Testing

@Suite("bertkit convert")
struct ConvertTests {
    @Test("Writes the whole folder, says so, and leaves its command in the card")
    func wholeFolder() throws {
        try Workbench.with(["model": "tf"]) { bench in
            let outcome = try bench.run("convert @model @out --to safetensors")
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.isEmpty)
            let names = [
                "README.md", "config.json", "model.safetensors", "provenance.json",
                "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
            ]
            #expect(try bench.names(in: "out") == names)
            for name in names { #expect(outcome.output.contains("\n  \(name)  ")) }
            #expect(outcome.output.contains("model: Keras 2.21.0 weights, TensorFlow names"))
            #expect(outcome.output.contains(": safetensors (Hugging Face PyTorch), 41 tensors, "))
            #expect(outcome.output.contains("13,276 bytes, read back equal\n"))
            let card = try bench.text("out/README.md")
            let command = bench.arguments("bertkit convert @model @out --to safetensors")
            #expect(card.contains(command.joined(separator: " ") + "\n"))
            #expect(card.contains("negative, neutral, positive"))
        }
    }

    @Test(
        "Writes every layout",
        arguments: [
            ("hf-h5", "tf_model.h5"), ("safetensors", "model.safetensors"),
            ("keras-hub", "task.weights.h5"), ("keras-weights", "model.weights.h5"),
        ]
    )
    func everyLayout(layout: String, file: String) throws {
        try Workbench.with(["model": "keras_classifier"]) { bench in
            let outcome = try bench.run("convert @model @out --to \(layout) --quiet")
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.isEmpty)
            #expect(try bench.names(in: "out").contains(file))
            let verified = try bench.run("verify @model @out --tolerance 0")
            #expect(verified.code == 0, "\(verified.output)\(verified.error)")
            #expect(verified.output.hasSuffix("same model (tolerance 0)\n"))
        }
    }

    @Test("--dry-run prints the plan and writes nothing")
    func dryRun() throws {
        try Workbench.with(["model": "tf_masked_lm"]) { bench in
            let before = try bench.snapshot()
            let outcome = try bench.run(
                "convert @model @out --to safetensors --dtype f16 --dry-run"
            )
            #expect(outcome.code == 0)
            #expect(try bench.snapshot() == before)
            let rows = outcome.output.split(separator: "\n")
            let header = try #require(rows.first { $0.hasPrefix("from ") })
            for column in ["from", "to", "shape", "change", "bytes"] {
                #expect(header.contains(column))
            }
            let row = try #require(
                rows.first { $0.contains("layer_._1/attention/self/query/kernel:0") }
            )
            for cell in [
                "bert.encoder.layer.1.attention.self.query.weight", "[12, 12]",
                "transposed, f32 to f16", "288",
            ] { #expect(row.contains(cell), "\(row)") }
            #expect(
                outcome.output.contains(
                    "(a copy of embeddings.LayerNorm.bias, to which it is tied)"
                )
            )
            #expect(outcome.output.contains(" tensors, "))
            #expect(outcome.output.contains(" bytes, in model.safetensors\n"))
        }
    }

    @Test("Many tensors that one rule leaves out are one remark")
    func remarksByRule() throws {
        try Workbench.with(["model": "google_optimizer"]) { bench in
            let outcome = try bench.run("convert @model/model.ckpt-7 @out --to safetensors")
            #expect(outcome.code == 0, "\(outcome.error)")
            let lines = outcome.errorLines.filter { $0.contains("the optimizer's state") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains(" tensors (the optimizer's state), such as ") == true)
        }
    }

    @Test("Shards, compresses, narrows and reports what that cost")
    func forms() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.setFloats(
                [1e30, -1e30, 1e-30],
                of: "bert.pooler.dense.weight",
                in: "model/model.safetensors"
            )
            let sharded = try bench.run(
                "convert @model @sharded --to safetensors --dtype f16 --shard-size 2KB"
            )
            #expect(sharded.code == 0, "\(sharded.error)")
            #expect(
                sharded.errorLines.contains(
                    "warning: pooler.dense.weight: 2 values are too large for the type, and written "
                        + "as infinity."
                ),
                "\(sharded.error)"
            )
            #expect(sharded.error.contains(" values became subnormal or 0"))
            let names = try bench.names(in: "sharded")
            #expect(names.contains("model.safetensors.index.json"))
            #expect(names.count { $0.hasSuffix(".safetensors") } > 2)
            let compressed = try bench.run("convert @model @gzip --to hf-h5 --gzip 6")
            #expect(compressed.code == 0)
            let inspected = try bench.run("inspect @gzip")
            #expect(inspected.output.contains("f32, chunked, shuffle, gzip"))
        }
    }

    @Test("Leaves the head out, or makes one with labels of the user's")
    func heads() throws {
        try Workbench.with(["model": "tf"]) { bench in
            let bare = try bench.run("convert @model @bare --to safetensors --head none")
            #expect(bare.code == 0)
            #expect(
                bare.errorLines == [
                    "note: not written: 2 tensors (belongs to the head that is left out), such as "
                        + "classifier/tf_bert_for_sequence_classification/classifier/kernel:0."
                ]
            )
            #expect(try bench.run("inspect @bare").output.contains("head            no head\n"))
            let new = try bench.run(
                "convert @model @new --to hf-h5 --head new --labels good,bad --seed 7"
            )
            #expect(new.code == 0)
            #expect(new.error.contains("drawn from seed 7: classifier.weight, classifier.bias"))
            #expect(new.error.contains("belongs to the head that is replaced"))
            #expect(try bench.run("inspect @new").output.contains("labels          good, bad\n"))
        }
    }

    @Test("Takes an odd tensor for what the user says, and transposes what Keras calls a kernel")
    func rename() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let file = "model/model.safetensors"
            try bench.add("safetensors", as: "good")
            try bench.renameTensor("classifier.weight", to: "odd=head.weight", in: file)
            try bench.renameTensor("classifier.bias", to: "odd.offset", in: file)
            let refused = try bench.run("convert @model @out --to safetensors")
            #expect(refused.code == 65)
            #expect(refused.error.contains("2 unknown: odd.offset [3], odd=head.weight [3, 12]"))
            #expect(refused.error.contains("--rename STORED=CANONICAL"))
            let outcome = try bench.run(
                "convert @model @out --to safetensors --rename odd=head.weight=classifier.weight "
                    + "--rename odd.offset=classifier.bias"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(try bench.run("verify @good @out --tolerance 0").code == 0)
        }
    }

    @Test("--only writes a part of a model, and says that it is one")
    func only() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let outcome = try bench.run(
                "convert @model @out --to safetensors --only pooler.* --only *.LayerNorm.bias"
            )
            #expect(outcome.code == 0)
            #expect(
                outcome.errorLines.contains(
                    "note: 7 of the model's 41 tensors are written: it is not complete."
                ),
                "\(outcome.error)"
            )
            #expect(outcome.errorLines.count == 2)
        }
    }

    @Test("An approximation is refused, or made and measured")
    func approximation() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let before = try bench.snapshot()
            let refused = try bench.run("convert @model @out --to keras-hub")
            #expect(refused.code == 64)
            #expect(refused.error.contains("the tanh form of GELU, and this model the exact one"))
            #expect(refused.error.contains("--allow-approximation"))
            #expect(try bench.snapshot() == before)
            let made = try bench.run("convert @model @out --to keras-hub --allow-approximation")
            #expect(made.code == 0)
            #expect(made.output.contains("  logits: largest difference "))
        }
    }

    @Test("Values that are not finite are carried over, and named")
    func notFinite() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.setFloats(
                [.nan, .infinity],
                of: "bert.encoder.layer.0.output.dense.bias",
                in: "model/model.safetensors"
            )
            let outcome = try bench.run("convert @model @out --to hf-h5")
            #expect(outcome.code == 0)
            #expect(
                outcome.errorLines == [
                    "warning: encoder.layer.0.output.dense.bias: 2 values are not finite, and "
                        + "written as they are."
                ]
            )
            let verified = try bench.run("verify @model @out")
            #expect(verified.code == 0, "\(verified.output)\(verified.error)")
            #expect(verified.output.contains("holds values that are not finite"))
            #expect(verified.output.contains("same tensors"))
        }
    }

    @Test(
        "A model that is not understood keeps its names, one with a wrong configuration is refused"
    )
    func notUnderstood() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            try bench.edit("model/config.json") { $0["model_type"] = .string("deberta") }
            let outcome = try bench.run("convert @model @out --to safetensors --dtype bf16")
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("this model is not understood"))
            try bench.edit("model/config.json") { $0["model_type"] = .string("roberta") }
            let refused = try bench.run("convert @model @other --to safetensors")
            #expect(refused.code == 65)
            #expect(
                refused.error.contains(
                    "\"model_type\" is \"roberta\", and the tensors have the names of bert"
                ),
                "\(refused.error)"
            )
        }
    }
}
