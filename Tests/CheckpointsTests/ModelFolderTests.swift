import Bert
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import Tensors
import Testing

private func same(_ one: BertParameters<Tensor>, _ other: BertParameters<Tensor>) -> Bool {
    let (one, other) = (one.leaves, other.leaves)
    return one.map(\.name) == other.map(\.name) && one.map(\.leaf) == other.map(\.leaf)
}

@Suite struct `Model folders` {
    @Test func `a folder reads back as it was written, and writes back to the same bytes`() throws {
        try withTemporaryFolder { folder in
            let first = folder.appending(path: "first")
            let extra = ModelFolder.File(name: "runs/dev.tsv", bytes: Array("a\tb\n".utf8))
            try writeSample(to: first, additionalFiles: [extra])
            #expect(
                try names(in: first)
                    == ["README.md", "config.json", "runs", "tf_model.h5", "vocab.txt"]
            )
            let model = try ModelFolder.open(first, requireHead: true)
            #expect(model.configuration == sampleConfiguration)
            #expect(model.report.absent == [])
            #expect(model.checkpoint.tensors.count == 41)
            #expect(
                model.report.layout == "Keras 2.21.0 weights, TensorFlow names (Hugging Face)"
            )
            #expect(model.report.ignored.map(\.name) == ["top_level_model_weights"])
            let parameters = try model.loadParameters()
            #expect(same(parameters, sampleParameters(sampleConfiguration)))

            let second = folder.appending(path: "second")
            try writeSample(
                to: second,
                configuration: model.configuration,
                parameters: parameters
            )
            for name in ["tf_model.h5", "config.json", "vocab.txt", "README.md"] {
                #expect(
                    try Data(contentsOf: first.appending(path: name))
                        == Data(contentsOf: second.appending(path: name)),
                    "\(name)"
                )
            }
        }
    }

    @Test func `a deep model's names are split over attributes and read back`() throws {
        var deep = sampleConfiguration
        deep.hiddenLayerCount = 48
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "deep")
            try writeSample(to: url, configuration: deep)
            let model = try ModelFolder.open(url, requireHead: true)
            #expect(same(try model.loadParameters(), sampleParameters(deep)))
        }
    }

    @Test func `values that are not finite are never written`() throws {
        var parameters = sampleParameters(sampleConfiguration)
        parameters.encoder.layer[1].output.dense.bias.values[3] = .nan
        try withTemporaryFolder { folder in
            let failure = try failure {
                try writeSample(to: folder.appending(path: "x"), parameters: parameters)
            }
            #expect(failure.kind == .diverged)
            #expect(failure.reason.contains("encoder.layer.1.output.dense.bias"))
            #expect(try names(in: folder) == [])
        }
    }

    @Test func `each thing a folder can lack has its own sentence`() throws {
        try withTemporaryFolder { folder in
            #expect(try openingFailure(folder.appending(path: "no")).kind == .missingInput)
            let url = folder.appending(path: "model")
            try writeSample(to: url)
            let file = try openingFailure(url.appending(path: "config.json"))
            #expect(file.reason.contains("there is no object \"weight_map\""))
            for (name, phrase) in [
                ("config.json", "has no config.json"), ("vocab.txt", "has no vocab.txt"),
                ("tf_model.h5", "has no weights"),
            ] {
                let path = url.appending(path: name)
                let aside = folder.appending(path: "aside")
                try FileManager.default.moveItem(at: path, to: aside)
                let failure = try openingFailure(url)
                #expect(failure.kind == .missingInput)
                #expect(failure.reason.contains(phrase), "\(failure)")
                try FileManager.default.moveItem(at: aside, to: path)
            }
            let weights = url.appending(path: "tf_model.h5")
            try Data("x".utf8).write(to: url.appending(path: "model.safetensors"))
            try FileManager.default.removeItem(at: weights)
            #expect(try openingFailure(url).description.contains("model.safetensors: "))
        }
    }

    @Test func `a vocabulary of another size is refused with both numbers`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "model")
            try writeSample(to: url)
            let model = try ModelFolder.open(url, requireHead: true)
            let pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na"
            try Data(pieces.utf8).write(to: url.appending(path: "vocab.txt"))
            let failure = try failure { _ = try model.loadVocabulary() }
            #expect(failure.reason.contains("6 pieces"))
            #expect(failure.reason.contains("\"vocab_size\" 17"))
        }
    }

    @Test func `weights that do not fit the configuration are listed together`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "model")
            try writeSample(to: url)
            var other = sampleConfiguration
            other.hiddenLayerCount = 3
            other.vocabularySize = 18
            try Data(other.json.text().utf8).write(to: url.appending(path: "config.json"))
            let more = try openingFailure(url)
            #expect(more.reason.contains("16 missing: encoder.layer.2."))
            #expect(more.reason.contains("word_embeddings/weight:0 is [17, 12], must be [18, 12]"))
            other = sampleConfiguration
            other.hiddenLayerCount = 1
            try Data(other.json.text().utf8).write(to: url.appending(path: "config.json"))
            let cut = try openingFailure(url)
            #expect(cut.reason.contains("it has 1 layers, and the tensors are those of 2"))
        }
    }

    @Test func `a bare encoder opens only where a head may be created`() throws {
        try withTemporaryFolder { folder in
            let whole = folder.appending(path: "model")
            try writeSample(to: whole)
            let tensors = Dictionary(
                uniqueKeysWithValues: sampleParameters(sampleConfiguration).leaves
            )
            let url = folder.appending(path: "encoder")
            var options = ConversionOptions(format: .huggingFaceHDF5)
            options.head = .none
            // The sample's vocabulary is not one that a tokenizer could be made of.
            let vocabulary = whole.appending(path: "vocab.txt")
            let words = try Data(contentsOf: vocabulary)
            try FileManager.default.removeItem(at: vocabulary)
            try Checkpoint.open(whole).write(to: url, options)
            try words.write(to: url.appending(path: "vocab.txt"))
            let refused = try openingFailure(url)
            #expect(refused.reason.contains("no sequence-classification head"))
            let model = try ModelFolder.open(url, requireHead: false)
            #expect(model.report.absent == ["classifier.weight", "classifier.bias"])
            let parameters = try model.loadParameters()
            #expect(parameters.classifier == nil)
            #expect(parameters.pooler != nil)
            #expect(parameters.leaves.allSatisfy { tensors[$0.name] == $0.leaf })
        }
    }

    @Test func `a weights file that is none passes its own sentence on`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "model")
            try writeSample(to: url)
            let weights = url.appending(path: "tf_model.h5")
            let bytes = try Data(contentsOf: weights)
            try Data("version https://git-lfs.github.com/spec/v1\n".utf8).write(to: weights)
            #expect(try openingFailure(url).description.contains("git lfs pull"))
            for part in 1..<16 {
                try bytes.prefix(bytes.count * part / 16).write(to: weights)
                let failure = try openingFailure(url)
                #expect(failure.reason.hasPrefix("truncated: declares \(bytes.count) bytes"))
            }
        }
    }

    @Test func `the summary counts what the papers count`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "model")
            try writeSample(to: url)
            let summary = try CheckpointSummary(inspecting: url)
            #expect(summary.head == "sequence-classification head")
            #expect(summary.labels == ["negative", "neutral", "positive"])
            let shapes = BertParameters<Shape>(sampleConfiguration).leaves
            #expect(summary.parameters.total == shapes.reduce(0) { $0 + $1.leaf.count })
            #expect(summary.parameters.head == 3 * 12 + 3)
            #expect(summary.parameters.embeddings == (17 + 11 + 2) * 12 + 24)
            #expect(summary.parameters.pooler == 12 * 12 + 12)
            #expect(summary.parameters.notCounted == 0)
            #expect(summary.tensorBytes == summary.parameters.total * 4)
            let size = try Data(contentsOf: url.appending(path: "tf_model.h5")).count
            #expect(summary.fileBytes == size)
            let alone = try CheckpointSummary(inspecting: url.appending(path: "tf_model.h5"))
            #expect(alone.tensors.count == 41)
            let text = summary.lines.joined(separator: "\n")
            #expect(text.contains("embeddings.word_embeddings.weight"))
            let thousands = summary.parameters.withoutHead / 1000
            let rest = summary.parameters.withoutHead % 1000
            #expect(text.contains("\(thousands),\(rest) without the head"))
            let json = try JSONEncoder().encode(summary)
            guard case .object(let members) = try JSONValue.parse([UInt8](json), source: "json")
            else {
                Issue.record("not an object")
                return
            }
            #expect(members["fileBytes"] == .integer(size))
            try FileManager.default.removeItem(at: url.appending(path: "config.json"))
            let bare = try CheckpointSummary(inspecting: url)
            #expect(bare.configuration == nil)
            #expect(bare.parameters.total == summary.parameters.total)
        }
    }

    @Test func `a model card has only identifiers the Hub knows`() {
        var card = ModelCard(name: "tiny: \"x\"", summary: "A student.\nOf one line.")
        card.languages = ["en", "English"]
        card.license = "my own"
        card.datasets = ["nyu-mll/glue", "../data/train.tsv"]
        card.baseModel = "./teachers/minilm"
        card.metrics = [.init(type: "accuracy", value: 0.875), .init(type: "f1", value: .nan)]
        card.comparisonHeader = ["", "teacher", "student"]
        card.comparisonRows = [["accuracy", "0.9", "a|b"]]
        card.command = "bertkit distill --seed 1"
        let text = card.text()
        #expect(
            text.hasPrefix(
                """
                ---
                language:
                - en
                library_name: transformers
                pipeline_tag: text-classification
                tags:
                - bert
                - knowledge-distillation
                datasets:
                - nyu-mll/glue
                metrics:
                - accuracy
                model-index:
                - name: "tiny: \\"x\\""
                  results:
                  - task:
                      type: text-classification
                    dataset:
                      type: nyu-mll/glue
                      name: nyu-mll/glue
                    metrics:
                    - type: accuracy
                      value: 0.875
                ---

                # tiny: "x"

                A student. Of one line.
                """
            )
        )
        #expect(
            text.contains(
                "|  | teacher | student |\n| --- | --- | --- |\n| accuracy | 0.9 | a\\|b |"
            )
        )
        #expect(text.contains("```sh\nbertkit distill --seed 1\n```"))
        card.license = "apache-2.0"
        card.baseModel = "google-bert/bert-base-uncased"
        #expect(card.text().contains("\nlicense: apache-2.0\n"))
        #expect(card.text().contains("\nbase_model: google-bert/bert-base-uncased\n"))
    }
}
