import Checkpoints
import Foundation
import Testing

/// What `inspect` says of layouts, and of what is odd in them.
@Suite("bertkit inspect shows what is odd")
struct InspectOddTests {
    /// The line of a tensor.
    private func line(_ name: String, in outcome: Outcome) throws -> String {
        let lines = outcome.output.split(separator: "\n").map(String.init)
        return try #require(lines.first { $0.hasPrefix("  \(name) ") || $0.contains("  \(name)") })
    }

    @Test("Values that are not finite, constants, equal tensors, and what nothing knows")
    func values() throws {
        try Workbench.with(["model": "safetensors"]) { bench in
            let file = "model/model.safetensors"
            let layer = "bert.encoder.layer.0"
            try bench.setFloats([.nan, .nan], of: "bert.pooler.dense.bias", in: file)
            try bench.setFloats([-.infinity], of: "classifier.bias", from: 2, in: file)
            let zeros = [Float](repeating: 0, count: 12)
            try bench.setFloats(zeros, of: "\(layer).output.dense.bias", in: file)
            let ones = [Float](repeating: 1, count: 12)
            try bench.setFloats(ones, of: "\(layer).output.LayerNorm.weight", in: file)
            let twins = (0..<12).map { Float($0) }
            try bench.setFloats(twins, of: "\(layer).attention.self.key.bias", in: file)
            try bench.setFloats(twins, of: "\(layer).attention.self.query.bias", in: file)
            try bench.addTensor("odd.weight", [2, 3], to: file)
            try bench.addTensor("bert.embeddings.position_ids", [1, 18], type: "I64", to: file)
            let outcome = try bench.run("inspect @model")
            #expect(outcome.code == 0, "\(outcome.error)")
            for (name, phrase) in [
                ("pooler.dense.bias", "! 2 NaN"), ("classifier.bias", "! 1 infinite"),
                ("encoder.layer.0.output.dense.bias", "! all zero"),
                ("encoder.layer.0.output.LayerNorm.weight", "! all 1.0"),
                (
                    "encoder.layer.0.attention.self.query.bias",
                    "! same values as bert.encoder.layer.0.attention.self.key.bias"
                ),
                ("(unknown)", "odd.weight"), ("(unknown)", "! all zero"),
                ("(a buffer that every library computes anew)", "i64"),
            ] { #expect(try line(name, in: outcome).contains(phrase), "\(name)") }
            #expect(outcome.output.contains("note            2 tensors hold values that are not"))
            #expect(outcome.output.contains("note            1 tensor is of no use to any model"))

            let json = try bench.run("inspect @model --format json")
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
            let summary = try #require(object as? [String: Any])
            let tensors = try #require(summary["tensors"] as? [[String: Any]])
            let broken = try #require(
                tensors.first { $0["canonicalName"] as? String == "pooler.dense.bias" }
            )
            #expect(broken["oddities"] as? [String] == ["2 NaN"])
            #expect(broken["elementType"] as? String == "f32")
            let buffer = try #require(tensors.first { $0["elementType"] as? String == "i64" })
            #expect(buffer["canonicalName"] == nil)
            #expect(
                buffer["ignoredBecause"] as? String == "a buffer that every library computes anew"
            )
        }
    }

    @Test("Copies of tied weights are called what they are, and are no oddity")
    func copies() throws {
        try Workbench.with(["model": "tf_masked_lm"]) { bench in
            let outcome = try bench.run("inspect @model")
            #expect(outcome.output.contains("(a copy of embeddings.word_embeddings.weight)"))
            #expect(!outcome.output.contains("same values as"))
        }
    }

    @Test(
        "Layouts, element types and filters",
        arguments: [
            ("h5_chunked", "", "f32, chunked, shuffle, gzip, fletcher32"),
            ("h5_compact", "", "f32, compact"), ("h5_big_endian", "", "f32, big-endian"),
            ("h5_bf16", "", "bf16"), ("safetensors_f64", "", "f64"), ("bin_f16", "", "f16"),
            ("google_two_shards", "/bert_model.ckpt", "TensorFlow checkpoint in 2 data files"),
            ("keras_classifier_archive", "", "Keras archive (.keras)"),
            ("keras_classifier_sharded", "", "Keras 3 weights (HDF5) in 3 shards"),
            ("tf_sharded", "", "Hugging Face TensorFlow weights in "),
            ("bin", "", "PyTorch state dict, PyTorch names (Hugging Face)"),
            ("keras_bert", "/model.h5", "keras-bert or bert4keras layer names"),
        ]
    )
    func layouts(folder: String, file: String, phrase: String) throws {
        let path = Workbench.layouts.appending(path: folder + file).path
        let outcome = try Command.run("inspect", path)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.contains(phrase), "\(outcome.output.prefix(300))")
    }

    @Test("A configuration that the tensors contradict")
    func contradictions() throws {
        try Workbench.with(["model": "safetensors", "keras": "keras_classifier"]) { bench in
            try bench.edit("model/config.json") { $0["intermediate_size"] = .integer(24) }
            let sizes = try bench.run("inspect @model")
            #expect(sizes.code == 0)
            #expect(
                sizes.output.contains(
                    "the configuration contradicts the tensors: "
                        + "encoder.layer.0.intermediate.dense.weight is [20, 12], must be [24, 12]"
                )
            )
            try bench.edit("model/config.json") {
                $0["intermediate_size"] = .integer(20)
                $0["num_hidden_layers"] = .integer(3)
            }
            let layers = try bench.run("inspect @model")
            #expect(
                layers.output.contains(
                    "asks for tensors that are missing: encoder.layer.2.attention"
                )
            )
        }
    }
}
