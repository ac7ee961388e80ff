import Checkpoints
import Foundation
import TestSupport
import Testing

/// Checkpoints that are damaged, contradictory or made to hurt: `inspect`, `convert` and `verify`
/// each say one sentence, with the right exit code, and write nothing.
@Suite("Hostile checkpoints")
struct HostileCheckpointTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The folder of `fixtures/layouts` that is changed, and what in it is opened.
        let layout: String
        var file = ""
        var code: Int32 = 65
        let phrases: [String]
        /// Whether `inspect` has the same to say, or shows what there is and notes the rest.
        var isInspected = false
        let prepare: @Sendable (Workbench) throws -> Void

        init(
            _ description: String,
            _ layout: String,
            _ phrases: String...,
            file: String = "",
            code: Int32 = 65,
            isInspected: Bool = false,
            prepare: @escaping @Sendable (Workbench) throws -> Void
        ) {
            (testDescription, self.layout, self.file) = (description, layout, file)
            (self.phrases, self.code, self.isInspected) = (phrases, code, isInspected)
            self.prepare = prepare
        }
    }

    @Test("One sentence, its exit code, and nothing written", arguments: all)
    func refused(_ example: Case) throws {
        try Workbench.with(["model": example.layout, "good": "safetensors"]) { bench in
            try example.prepare(bench)
            let before = try bench.snapshot()
            let path = "@model\(example.file)"
            for line in [
                "inspect \(path)", "convert \(path) @out --to safetensors", "verify \(path) @good",
                "verify @good \(path)",
            ] {
                let outcome = try bench.run(line)
                if line.hasPrefix("inspect"), example.isInspected {
                    #expect(outcome.code == 0, "\(outcome.error)")
                    continue
                }
                // What only a conversion has to know may be no matter to a comparison.
                if line.hasPrefix("verify"), example.isInspected, outcome.code == 2 { continue }
                #expect(outcome.code == example.code, "\(line): \(outcome.error)")
                #expect(outcome.output.isEmpty, "\(line)")
                let complaints = outcome.errorLines.filter { !$0.hasPrefix("note: ") }
                #expect(complaints.count == 1, "\(line): \(outcome.error)")
                let complaint = outcome.errorLines.last ?? ""
                #expect(complaint.hasPrefix("bertkit: ") && complaint.hasSuffix("."))
                for phrase in example.phrases {
                    #expect(complaint.contains(phrase), "\(line): \(outcome.error)")
                }
                #expect(try bench.snapshot() == before)
            }
        }
    }

    static let all = containers + hdf5 + pickles + archives + indexes + tensors + configurations
}

extension HostileCheckpointTests {
    private static let weights = "model/model.safetensors"

    static let containers: [Case] =
        [
            ("safetensors", "", "model.safetensors"), ("bin", "", "pytorch_model.bin"),
            ("bin_legacy", "", "pytorch_model.bin"), ("tf", "", "tf_model.h5"),
            ("keras_classifier_archive", "", "model.keras"),
            ("keras_backbone", "", "model.weights.h5"),
            ("google", "/bert_model.ckpt", "bert_model.ckpt.index"),
            ("google", "/bert_model.ckpt", "bert_model.ckpt.data-00000-of-00001"),
        ].flatMap { layout, file, name in
            [0.0, 0.01, 0.5, 0.999].map { share in
                Case("\(layout): \(name) cut at \(share)", layout, name, file: file) {
                    let bytes = try $0.bytes("model/\(name)")
                    let count = Int(Double(bytes.count) * share)
                    try $0.write(Array(bytes.prefix(count)), "model/\(name)")
                }
            }
        }

    static let hdf5: [Case] = [
        ("cycle", "the links form a cycle"), ("soft_link", "is a soft or external link"),
        ("dangling_soft_link", "is a soft or external link"),
        ("external_link", "is a soft or external link"),
        ("external_storage", "keeps its data in another file"), ("virtual", "is virtual"),
        ("filter", "which BertKit does not read"), ("deflate_twice", "the same filter twice"),
        ("name", "not printable UTF-8"), ("deep", "nested deeper than 32 levels"),
        ("shape_bomb", "bytes"), ("contiguous_bomb", "bytes"), ("compound", "compound"),
        ("odd_float", "is not IEEE"), ("null_space", "has no extent"), ("text", "text"),
    ].map { name, phrase in
        Case("HDF5: \(name)", "tf", "tf_model.h5: ", phrase) { bench in
            let file = Fixtures.folder.appending(path: "hdf5/refuse_\(name).h5")
            try bench.write([UInt8](Data(contentsOf: file)), "model/tf_model.h5")
        }
    }
}
