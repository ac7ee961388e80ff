import Checkpoints
import Foundation
import Testing

@Suite("bertkit verify")
struct VerifyTests {
    @Test("The same model in two layouts: exit code 0, tensors and outputs equal")
    func same() throws {
        try Workbench.with(["one": "tf", "other": "bin_views"]) { bench in
            let outcome = try bench.run("verify @one @other")
            #expect(outcome.code == 0)
            #expect(outcome.error.isEmpty)
            #expect(outcome.output.contains("tensors: 41 in both, 41 bit-equal\n"))
            #expect(outcome.output.contains("\nlogits: 24 values, largest difference 0, mean 0\n"))
            #expect(outcome.output.hasSuffix("same model (tolerance 1.0e-04)\n"))
        }
    }

    @Test("Different values: exit code 2, the worst tensor first; a tolerance lets them pass")
    func different() throws {
        try Workbench.with(["one": "safetensors", "other": "h5_f16"]) { bench in
            let outcome = try bench.run("verify @one @other")
            #expect(outcome.code == 2)
            #expect(outcome.error.isEmpty)
            let lines = outcome.output.split(separator: "\n")
            let header = try #require(lines.firstIndex { $0.hasPrefix("tensor ") })
            #expect(lines[header].contains("max") && lines[header].contains("cosine"))
            #expect(lines[header + 2].hasPrefix("embeddings.LayerNorm.weight "))
            #expect(lines.last == "different models (tolerance 1.0e-04)")
            let tolerant = try bench.run("verify @one @other --tolerance 0.01")
            #expect(tolerant.code == 0)
            let tensors = try bench.run("verify @one @other --tolerance 0.001 --tensors-only")
            #expect(tensors.code == 0)
            #expect(tensors.output.hasSuffix("same tensors (tolerance 1.0e-03)\n"))
            #expect(!tensors.output.contains("logits"))
        }
    }

    @Test("Equal weights that compute something else are different models")
    func activation() throws {
        try Workbench.with(["one": "tf", "other": "safetensors_gelu_new"]) { bench in
            let outcome = try bench.run("verify @one @other")
            #expect(outcome.code == 2)
            #expect(outcome.output.contains("41 bit-equal"))
            #expect(
                outcome.output.contains(
                    "configuration: activation: exact GELU and GELU's tanh form"
                )
            )
            let tensors = try bench.run("verify @one @other --tensors-only")
            #expect(tensors.code == 0)
            #expect(tensors.output.contains("configuration: activation"))
        }
    }

    @Test("Labels that differ are shown and do not count")
    func labels() throws {
        try Workbench.with(["one": "safetensors_gelu_new", "other": "keras_classifier"]) { bench in
            let outcome = try bench.run("verify @one @other")
            #expect(outcome.code == 0, "\(outcome.output)")
            #expect(
                outcome.output.contains(
                    "configuration: labels: negative, neutral, positive and LABEL_0, LABEL_1"
                )
            )
        }
    }

    @Test("Other tensors: exit code 2, each by name, and nothing is run")
    func otherTensors() throws {
        try Workbench.with(["one": "safetensors", "other": "safetensors_base"]) { bench in
            let outcome = try bench.run("verify @one @other")
            #expect(outcome.code == 2)
            #expect(outcome.output.contains("  classifier.weight is only in the first\n"))
            #expect(outcome.output.contains("not run: they do not have the same tensors\n"))
            let reversed = try bench.run("verify @other @one")
            #expect(reversed.output.contains("  classifier.weight is only in the second\n"))
        }
    }

    @Test("JSON says the same")
    func json() throws {
        try Workbench.with(["one": "safetensors", "other": "tf", "short": "h5_f16"]) { bench in
            for (other, isSame) in [("other", true), ("short", false)] {
                let outcome = try bench.run("verify @one @\(other) --format json")
                #expect(outcome.code == (isSame ? 0 : 2))
                #expect(outcome.error.isEmpty)
                let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                let report = try #require(object as? [String: Any])
                #expect(report["same"] as? Bool == isSame)
                #expect(report["tolerance"] as? Double == 1e-4)
                let tensors = try #require(report["tensors"] as? [[String: Any]])
                #expect(tensors.count == 41)
                #expect(tensors.allSatisfy { $0["isBitEqual"] as? Bool == isSame })
                let outputs = try #require(report["outputs"] as? [[String: Any]])
                #expect(outputs.compactMap { $0["name"] as? String }.contains("logits"))
                let second = try #require(report["second"] as? [String: Any])
                #expect((second["layout"] as? String)?.hasPrefix("Keras 2.21.0 weights") == true)
            }
        }
    }

    @Test("Runs on texts of the user's")
    func texts() throws {
        try Workbench.with(["one": "safetensors", "other": "tf", "roberta": "roberta"]) { bench in
            try bench.write("a b c\n\nanother\n", "texts.txt")
            let outcome = try bench.run("verify @one @other --data @texts.txt")
            #expect(outcome.code == 0)
            #expect(outcome.output.contains("logits: 6 values"))
            let vocabulary = try bench.text("one/vocab.txt")
            try bench.write(vocabulary + "more\n", "one/vocab.txt")
            let long = try bench.run("verify @one @other --data @texts.txt")
            #expect(long.code == 65)
            #expect(long.error.contains("the vocabulary has 42 pieces"), "\(long.error)")
            let none = try bench.run("verify @roberta @roberta --data @texts.txt")
            #expect(none.code == 66)
            #expect(none.error.contains("there is no vocabulary to cut the texts with"))
            try bench.write([0x66, 0xFF], "texts.txt")
            let foreign = try bench.run("verify @other @other --data @texts.txt")
            #expect(foreign.code == 65)
            let contradiction = try bench.run("verify @one @one --data x --tensors-only")
            #expect(contradiction.code == 64)
        }
    }

    @Test("Models that are not understood are compared under their own names")
    func notUnderstood() throws {
        try Workbench.with(["one": "safetensors_base", "other": "safetensors_base"]) { bench in
            for name in ["one", "other"] {
                try bench.edit("\(name)/config.json") { $0["model_type"] = .string("deberta") }
                try bench.renameTensor(
                    "embeddings.LayerNorm.bias",
                    to: "odd",
                    in: "\(name)/model.safetensors"
                )
            }
            let same = try bench.run("verify @one @other")
            #expect(same.code == 0, "\(same.error)")
            #expect(same.output.contains("not run: "))
            try bench.setFloats([7], of: "odd", in: "other/model.safetensors")
            #expect(try bench.run("verify @one @other").code == 2)
        }
    }

    @Test("What is missing or damaged has its own exit code, on either side")
    func badInput() throws {
        try Workbench.with(["good": "tf", "bad": "tf"]) { bench in
            let bytes = try bench.bytes("bad/tf_model.h5")
            try bench.write(Array(bytes.prefix(bytes.count / 2)), "bad/tf_model.h5")
            for (line, code) in [
                ("@good @bad", Int32(65)), ("@bad @good", 65), ("@good @gone", 66),
                ("@gone @good", 66), ("@good", 64), ("@good @good --tolerance nan", 64),
            ] {
                let outcome = try bench.run("verify \(line)")
                #expect(outcome.code == code, "\(line): \(outcome.error)")
                #expect(outcome.output.isEmpty)
                #expect(outcome.errorLines.count == 1)
            }
        }
    }
}
