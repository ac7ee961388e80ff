import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Damaged checkpoints end in a `Failure` or in a model, never in a crash.
@Suite struct `Damage` {
    /// `BERTKIT_DAMAGE=50` tries fifty times as many files, and others.
    static let factor = ProcessInfo.processInfo.environment["BERTKIT_DAMAGE"].flatMap(Int.init) ?? 1

    /// A file of a folder of `fixtures/layouts`, and how often it is damaged. What is small is
    /// tried more often.
    struct Target: Sendable, CustomTestStringConvertible {
        let folder: String
        let file: String
        let count: Int

        init(_ folder: String, _ file: String, _ count: Int) {
            (self.folder, self.file, self.count) = (folder, file, count)
        }

        var testDescription: String { "\(folder)/\(file)" }
    }

    static let targets = [
        Target("safetensors", "model.safetensors", 300),
        Target("safetensors_position_ids", "model.safetensors", 100),
        Target("safetensors_sharded", "model.safetensors.index.json", 150),
        Target("tf_safetensors", "model.safetensors", 100),
        Target("bin", "pytorch_model.bin", 200),
        Target("bin_legacy_views", "pytorch_model.bin", 200),
        Target("google", "bert_model.ckpt.index", 200),
        Target("google", "bert_config.json", 100),
        Target("tf", "tf_model.h5", 150),
        Target("tf_sharded", "tf_model.h5.index.json", 100),
        Target("h5_chunked", "tf_model.h5", 100),
        Target("h5_compact", "tf_model.h5", 100),
        Target("keras_classifier", "model.weights.h5", 100),
        Target("keras_classifier", "task.weights.h5", 100),
        Target("keras_classifier", "config.json", 100),
        Target("keras_classifier_sharded", "model.weights.json", 100),
        Target("keras_classifier_archive", "model.keras", 150),
        Target("keras2_model_main_layer", "model.h5", 100),
        Target("safetensors", "config.json", 150),
    ]

    @Test(arguments: targets)
    func `ends in a failure or a model`(target: Target) throws {
        try withOutputs { folder in
            let copy = folder.appending(path: "copy")
            let source = LayoutFixture.folder.appending(path: target.folder)
            try FileManager.default.copyItem(at: source, to: copy)
            let file = copy.appending(path: target.file)
            let original = [UInt8](try Data(contentsOf: file))
            // Structure comes first in most of these files, and it is what has to be hit.
            let isTail = target.file.hasSuffix(".bin") || target.file.hasSuffix(".keras")
            var generator = SeededGenerator(
                state: UInt64(target.count * Self.factor + original.count)
            )
            var refused = 0
            for number in 0..<target.count * Self.factor {
                let head = 0..<min(original.count, 6000)
                let tail = max(0, original.count - 6000)..<original.count
                let range = number % 3 == 0 ? nil : isTail && number % 3 == 1 ? tail : head
                let bytes = original.damaged(&generator, within: range)
                try Data(bytes).write(to: file)
                let url =
                    target.folder.hasPrefix("google")
                    ? copy.appending(path: "bert_model.ckpt") : copy
                do throws(Failure) {
                    try exercise(url)
                } catch {
                    refused += 1
                    #expect(!error.reason.isEmpty)
                }
            }
            #expect(refused > target.count / 10)
        }
    }

    /// Whatever its length, a file that was cut is refused with its name.
    @Test(arguments: [
        ("safetensors", "model.safetensors"), ("bin", "pytorch_model.bin"),
        ("bin_legacy", "pytorch_model.bin"), ("tf", "tf_model.h5"),
        ("keras_classifier_archive", "model.keras"), ("keras_backbone", "model.weights.h5"),
        ("google", "bert_model.ckpt.index"), ("google", "bert_model.ckpt.data-00000-of-00001"),
    ])
    func `a file cut anywhere is refused with its name`(folder: String, name: String) throws {
        try withOutputs { outputs in
            let copy = outputs.appending(path: "copy")
            let source = LayoutFixture.folder.appending(path: folder)
            try FileManager.default.copyItem(at: source, to: copy)
            let file = copy.appending(path: name)
            let bytes = [UInt8](try Data(contentsOf: file))
            let ends = [0, 1, 3, 4, 7, 8, 9, 16, 47, 48, 100, 512, 2047, bytes.count - 1]
            let lengths = ends + (1..<24).map { bytes.count * $0 / 24 }
            for length in lengths where length < bytes.count {
                try Data(bytes[..<length]).write(to: file)
                let url = folder == "google" ? copy.appending(path: "bert_model.ckpt") : copy
                let failure = #expect(throws: Failure.self, "\(length)") {
                    let checkpoint = try Checkpoint.open(url)
                    for entry in checkpoint.store.entries where entry.elementType.isFloat {
                        _ = try checkpoint.store.tensor(entry)
                    }
                }
                #expect(failure?.kind == .badData, "\(length): \(failure?.description ?? "")")
                #expect(failure?.subject.contains(copy.path) == true)
            }
        }
    }
}
