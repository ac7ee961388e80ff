import Bert
import Checkpoints
import Compression
import Conversion
import Datasets
import Diagnostics
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Steps of a compression")
struct StepTests {
    @Test("a model of some layers is the original with these layers, bit for bit")
    func layers() throws {
        try CompressionBench.with(layers: 4) { bench in
            try bench.compress { $0.layers = [0, 2, 3] }
            let original = try Checkpoint.open(bench["model"]).loadModel()
            var parameters = original.parameters
            parameters.encoder.layer = [0, 2, 3].map { parameters.encoder.layer[$0] }
            var configuration = original.configuration
            configuration.hiddenLayerCount = 3
            let expected = BertModel(configuration, parameters: parameters)
            let small = try TextClassifier(contentsOf: bench["small"])
            let batch = PackedBatch(
                CompressionBench.texts.map { small.tokenizer.encode($0, maximumLength: 24) }
            )
            #expect(
                BertInference(small.model, pool: bench.pool).logits(batch)
                    == BertInference(expected, pool: bench.pool).logits(batch)
            )
            #expect(
                try bench.logits("small", CompressionBench.texts)
                    != bench.logits("model", CompressionBench.texts)
            )
        }
    }

    /// |∂ loss ÷ ∂ a mask on the neuron's output| by differences, `[layers][neurons]`.
    private func slopes(_ bench: CompressionBench, _ data: EncodedDataset) throws -> [[Double]] {
        let model = try Checkpoint.open(bench["model"]).loadModel()
        let objective = CrossEntropyLoss(targets: data.targets, classCount: 2)
        let examples = Array(0..<data.count)
        func loss(_ layer: Int, _ neuron: Int, _ factor: Float) -> Double {
            var parameters = model.parameters
            for row in 0..<12 {
                parameters.encoder.layer[layer].output.dense.weight.values[row * 20 + neuron] *=
                    factor
            }
            let changed = BertModel(model.configuration, parameters: parameters)
            let logits = BertInference(changed, pool: bench.pool).logits(data.batch(examples))
            return objective.evaluate(logits: logits, examples: examples[...]).loss
        }
        return (0..<model.configuration.hiddenLayerCount).map { layer in
            (0..<20).map { abs(loss(layer, $0, 1.01) - loss(layer, $0, 0.99)) / 0.02 }
        }
    }

    @Test("the neurons that stay are those that the loss depends on most, by plain differences")
    func neurons() throws {
        try CompressionBench.with(layers: 2) { bench in
            let file = try CompressionBench.data()
            try bench.compress(data: file) { $0.headAndNeuronFraction = 0.3 }
            let classifier = try TextClassifier(contentsOf: bench["model"])
            let data = try EncodedDataset(
                file,
                kind: .classification(labels: ["no", "yes"]),
                tokenizer: classifier.tokenizer,
                maximumLength: 24,
                workers: 1
            )
            let slopes = try slopes(bench, data)
            let (old, new) = (try bench.parameters("model"), try bench.parameters("small"))
            for (layer, scores) in slopes.enumerated() {
                let order = scores.indices.sorted { scores[$0] > scores[$1] }
                let kept = order.prefix(14).sorted()
                // Differences decide only where the last that stays and the first that goes are apart.
                #expect(scores[order[13]] > 1.01 * scores[order[14]])
                let prefix = "encoder.layer.\(layer)."
                let up = try #require(old[prefix + "intermediate.dense.weight"])
                let bias = try #require(old[prefix + "intermediate.dense.bias"])
                let down = try #require(old[prefix + "output.dense.weight"])
                #expect(
                    new[prefix + "intermediate.dense.weight"]?.values
                        == kept.flatMap { Array(up.values[$0 * 12..<$0 * 12 + 12]) }
                )
                #expect(
                    new[prefix + "intermediate.dense.bias"]?.values == kept.map { bias.values[$0] }
                )
                #expect(
                    new[prefix + "output.dense.weight"]?.values
                        == (0..<12).flatMap { row in kept.map { down.values[row * 20 + $0] } }
                )
            }
        }
    }

    @Test("neurons that write nothing are the first to go, and no answer changes")
    func deadNeurons() throws {
        try CompressionBench.with(layers: 2) { bench in
            let opened = try ModelFolder.open(bench["model"], requireHead: true)
            var tensors: [(name: String, tensor: Tensor)] = []
            for (name, leaf) in try opened.loadParameters().leaves {
                var tensor = leaf
                if name.hasSuffix("output.dense.weight"), tensor.shape == [12, 20] {
                    for row in 0..<12 {
                        for dead in [1, 7, 8, 19] { tensor.values[row * 20 + dead] = 0 }
                    }
                }
                tensors.append((name, tensor))
            }
            let file = bench["model/tf_model.h5"]
            try FileManager.default.removeItem(at: file)
            try HuggingFaceTensorFlow.write(tensors, opened.configuration, to: file)
            let result = try bench.compress(data: CompressionBench.data()) {
                $0.headAndNeuronFraction = 0.2
            }
            #expect(try Checkpoint.open(bench["small"]).configuration?.intermediateSize == 16)
            #expect(try #require(result.steps[2].divergence) < 1e-10)
        }
    }

    @Test("halves are rounded to nearest even, and what does not fit is refused")
    func halves() throws {
        try CompressionBench.with { bench in
            try bench.compress("f16", .safetensors) { $0.elementType = .float16 }
            let (before, after) = (try bench.parameters("model"), try bench.parameters("f16"))
            for (name, tensor) in before {
                #expect(after[name]?.values == tensor.values.map { Float(Float16($0)) }, "\(name)")
            }
            try bench.compress("bf16") { $0.elementType = .bfloat16 }
            #expect(
                try Checkpoint.open(bench["bf16"]).store.entries.allSatisfy {
                    $0.elementType == .bfloat16
                }
            )
            let opened = try ModelFolder.open(bench["model"], requireHead: true)
            let large = try opened.loadParameters().map { name, tensor in
                var tensor = tensor
                if name == "classifier.bias" { tensor.values[1] = 70_000 }
                return tensor
            }
            let file = bench["model/tf_model.h5"]
            try FileManager.default.removeItem(at: file)
            try HuggingFaceTensorFlow.write(
                large.leaves.map { ($0.name, $0.leaf) },
                opened.configuration,
                to: file
            )
            let found = failure { try bench.compress { $0.elementType = .float16 } }
            #expect(found?.reason == "1 values of classifier.bias are too large for f16")
            #expect(!bench.names.contains("small"))
        }
    }

    @Test("all steps together say what each leaves, the original first, and agree with the file")
    func waterfall() throws {
        try CompressionBench.with { bench in
            let data = try CompressionBench.data()
            let result = try bench.compress(data: data) {
                $0.layers = [0, 2]
                $0.headAndNeuronFraction = 0.5
                $0.vocabulary = VocabularyChoice(text: nil)
                $0.isInt8 = true
                $0.elementType = .bfloat16
            }
            let names = result.steps.map(\.name)
            #expect(names[0] == "original")
            #expect(names[1] == "layers 0, 2")
            #expect(names[2] == "heads 1 of 2")
            #expect(names[3] == "neurons 10 of 20")
            #expect(names[4].hasPrefix("vocabulary "))
            #expect(names[5...] == ["int8", "bf16, the rest"])
            let sizes = result.steps.map(\.byteCount)
            #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $0 > $1 })
            let counts = result.steps.map(\.parameterCount)
            #expect(counts[0] > counts[1] && counts[4] == counts[5] && counts[5] == counts[6])
            #expect(result.steps[0].divergence == 0)
            let checkpoint = try Checkpoint.open(bench["small"])
            #expect(
                checkpoint.store.entries.reduce(0) { $0 + $1.storedByteCount } == sizes[6]
            )
            // What the last row says is what the folder answers.
            let classifier = try TextClassifier(contentsOf: bench["small"])
            let logits = try bench.logits("small", CompressionBench.texts)
            let right = (0..<8).count { row in
                (logits[2 * row + 1] > logits[2 * row]) == (row % 2 == 0)
            }
            #expect(result.steps[6].quality == Double(right) / 8)
            #expect(classifier.configuration.intermediateSize == 10)
            #expect(classifier.configuration.hiddenLayerCount == 2)
        }
    }

    @Test("words are judged one by one, and a vocabulary is cut to them")
    func words() throws {
        try CompressionBench.with(.tokenClassification) { bench in
            let text = "film\tyes\nplaying\tno\n\nvery\tno\ndull\tyes\nplot\tyes\n"
            let data = try LabelledFile(bytes: Array(text.utf8), name: "words", kind: .words)
            let result = try bench.compress(data: data) {
                $0.vocabulary = VocabularyChoice(text: nil)
                $0.headAndNeuronFraction = 0.1
                $0.isInt8 = true
            }
            #expect(result.steps.map(\.name).contains("neurons 18 of 20"))
            #expect(
                result.steps.allSatisfy {
                    ($0.quality ?? -1) * 5 == (($0.quality ?? -1) * 5).rounded()
                }
            )
            #expect(result.steps[0].divergence == 0)
            #expect(result.steps[3].divergence == result.steps[2].divergence)
            #expect(try #require(result.steps[4].divergence) > 0)
        }
    }

    @Test("the same input gives the same bytes")
    func deterministic() throws {
        try CompressionBench.with { bench in
            for name in ["one", "two"] {
                try bench.compress(name, data: CompressionBench.data()) {
                    $0.headAndNeuronFraction = 0.4
                    $0.vocabulary = VocabularyChoice(text: nil)
                    $0.isInt8 = true
                }
            }
            for file in try FileManager.default.contentsOfDirectory(atPath: bench["one"].path) {
                #expect(
                    try Data(contentsOf: bench["one/\(file)"])
                        == Data(contentsOf: bench["two/\(file)"]),
                    "\(file)"
                )
            }
        }
    }

    @Test("what misses its gate is not written, and says by how much")
    func gate() throws {
        try CompressionBench.with { bench in
            let data = try CompressionBench.data()
            let gates: [(QualityGate, String)] = [
                (QualityGate(minimumQuality: 1), "is below 1.0"),
                (QualityGate(maximumDivergence: 1e-12), "is above 1e-12"),
                (QualityGate(minimumQuality: 1, maximumDivergence: 1e-12), "; KL "),
            ]
            for (gate, phrase) in gates {
                let found = failure {
                    try bench.compress(data: data) {
                        $0.layers = [1]
                        $0.gate = gate
                    }
                }
                #expect(found?.kind == .belowGate)
                #expect(found?.kind.exitCode == 4)
                #expect(found?.reason.contains(phrase) == true, "\(found?.reason ?? "none")")
                #expect(bench.names == ["model"])
            }
            try bench.compress(data: data) {
                $0.layers = [0, 1, 2]
                $0.gate = QualityGate(maximumDrop: 0, maximumDivergence: 0)
            }
            #expect(bench.names == ["model", "small"])
        }
    }

    @Test("an accuracy that drops by more than it may is told from one that does not")
    func drop() throws {
        try CompressionBench.with { bench in
            // Labels that the original answers rightly, every one.
            let logits = try bench.logits("model", CompressionBench.texts)
            var text = "sentence\tlabel\n"
            for (row, sentence) in CompressionBench.texts.enumerated() {
                text += "\(sentence)\t\(logits[2 * row + 1] > logits[2 * row] ? "yes" : "no")\n"
            }
            let data = try LabelledFile(bytes: Array(text.utf8), name: "d.tsv", kind: .texts)
            let changed = try bench.logits("model", CompressionBench.texts)
            #expect(changed == logits)
            let result = try bench.compress("any", data: data) { $0.layers = [1] }
            let loss = 1 - (try #require(result.steps[1].quality))
            #expect(result.steps[0].quality == 1)
            #expect(loss > 0)
            let found = failure {
                try bench.compress(data: data) {
                    $0.layers = [1]
                    $0.gate = QualityGate(maximumDrop: loss - 0.01)
                }
            }
            #expect(found?.reason.contains("accuracy drops from 1.0 to") == true)
            try bench.compress(data: data) {
                $0.layers = [1]
                $0.gate = QualityGate(maximumDrop: loss)
            }
        }
    }

    @Test("the fixtures' teacher keeps its answers in int8 and half, in a quarter of the bytes")
    func teacher() throws {
        let url = Fixtures.folder.appending(path: "teacher")
        let data = try LabelledFile(
            contentsOf: Fixtures.folder.appending(path: "text/dev.tsv"),
            kind: .texts
        )
        var options = CompressionOptions(format: .safetensors)
        options.isInt8 = true
        var compressor = try Compressor(
            Checkpoint.open(url),
            options,
            data: data,
            pool: WorkerPool(workerCount: 2)
        )
        let result = try compressor.run()
        let (first, last) = (result.steps[0], result.steps[1])
        #expect(abs(try #require(first.quality) - (try #require(last.quality))) < 0.003)
        #expect(try #require(last.divergence) < 1e-3)
        #expect(Double(first.byteCount) / Double(last.byteCount) > 3.6)
    }
}
