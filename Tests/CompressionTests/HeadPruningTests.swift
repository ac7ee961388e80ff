import Bert
import Checkpoints
import Compression
import Conversion
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tensors
import Testing
import Training

@Suite("Pruning heads")
struct HeadPruningTests {
    /// |∂ loss ÷ ∂ a gate on the head's output| by differences, `[layers][heads]`.
    private func slopes(
        _ bench: CompressionBench,
        _ model: BertModel,
        _ data: EncodedDataset
    ) -> [[Double]] {
        let objective = CrossEntropyLoss(targets: data.targets, classCount: 2)
        let examples = Array(0..<data.count)
        let size = model.configuration.headSize
        func loss(_ layer: Int, _ head: Int, _ factor: Float) -> Double {
            var parameters = model.parameters
            let width = parameters.encoder.layer[layer].attention.output.dense.weight.shape[1]
            for row in 0..<12 {
                for column in head * size..<(head + 1) * size {
                    parameters.encoder.layer[layer].attention.output.dense.weight
                        .values[row * width + column] *= factor
                }
            }
            let changed = BertModel(model.configuration, parameters: parameters)
            let logits = BertInference(changed, pool: bench.pool).logits(data.batch(examples))
            return objective.evaluate(logits: logits, examples: examples[...]).loss
        }
        return (0..<model.configuration.hiddenLayerCount).map { layer in
            (0..<model.configuration.headCount(ofLayer: layer)).map {
                abs(loss(layer, $0, 1.01) - loss(layer, $0, 0.99)) / 0.02
            }
        }
    }

    private func encoded(_ bench: CompressionBench) throws -> EncodedDataset {
        try EncodedDataset(
            CompressionBench.data(),
            kind: .classification(labels: ["no", "yes"]),
            tokenizer: TextClassifier(contentsOf: bench["model"]).tokenizer,
            maximumLength: 24,
            workers: 1
        )
    }

    @Test("those stay that the loss depends on most, by plain differences, in both layouts")
    func importance() throws {
        try CompressionBench.with(layers: 2, heads: 4) { bench in
            let data = try encoded(bench)
            let model = try Checkpoint.open(bench["model"]).loadModel()
            let slopes = slopes(bench, model, data)
            for format in [ExportFormat.huggingFaceHDF5, .safetensors] {
                let name = format.rawValue
                let result = try bench.compress(name, format, data: CompressionBench.data()) {
                    $0.headAndNeuronFraction = 0.3
                }
                #expect(result.steps[1].name == "heads 3 of 4")
                #expect(
                    result.storage.contains { $0.contains("TensorFlow classes do not prune") }
                        == (format == .huggingFaceHDF5)
                )
                let configuration = try #require(Checkpoint.open(bench[name]).configuration)
                let (old, new) = (try bench.parameters("model"), try bench.parameters(name))
                #expect(configuration.attentionHeadCount == 4 && configuration.hiddenSize == 12)
                for (layer, scores) in slopes.enumerated() {
                    let order = scores.indices.sorted { scores[$0] > scores[$1] }
                    // Differences decide only where the last that stays and the one that goes are apart.
                    #expect(scores[order[2]] > 1.01 * scores[order[3]])
                    #expect(configuration.prunedHeads[layer] == [order[3]])
                    let kept = order.prefix(3).sorted().flatMap { $0 * 3..<$0 * 3 + 3 }
                    let prefix = "encoder.layer.\(layer).attention."
                    for part in ["query", "key", "value"] {
                        let weight = try #require(old[prefix + "self.\(part).weight"])
                        let bias = try #require(old[prefix + "self.\(part).bias"])
                        let found = new[prefix + "self.\(part).weight"]
                        #expect(found?.shape == [9, 12])
                        #expect(
                            found?.values
                                == kept.flatMap { Array(weight.values[$0 * 12..<$0 * 12 + 12]) }
                        )
                        #expect(
                            new[prefix + "self.\(part).bias"]?.values
                                == kept.map { bias.values[$0] }
                        )
                    }
                    let output = try #require(old[prefix + "output.dense.weight"])
                    #expect(
                        new[prefix + "output.dense.weight"]?.values
                            == (0..<12).flatMap { row in kept.map { output.values[row * 12 + $0] } }
                    )
                    #expect(new[prefix + "output.dense.bias"] == old[prefix + "output.dense.bias"])
                }
            }
        }
    }

    @Test("heads that write nothing are the first to go, and no answer changes")
    func deadHeads() throws {
        try CompressionBench.with(layers: 2, heads: 4) { bench in
            let opened = try ModelFolder.open(bench["model"], requireHead: true)
            let tensors = try opened.loadParameters().map { name, leaf in
                var tensor = leaf
                if name.hasSuffix("attention.output.dense.weight") {
                    let dead = name.contains("layer.0") ? [0, 1, 2] : [6, 7, 8]
                    for row in 0..<12 {
                        for column in dead { tensor.values[row * 12 + column] = 0 }
                    }
                }
                return tensor
            }
            let file = bench["model/tf_model.h5"]
            try FileManager.default.removeItem(at: file)
            try HuggingFaceTensorFlow.write(
                tensors.leaves.map { ($0.name, $0.leaf) },
                opened.configuration,
                to: file
            )
            let result = try bench.compress(data: CompressionBench.data()) {
                $0.headAndNeuronFraction = 0.25
            }
            #expect(
                try Checkpoint.open(bench["small"]).configuration?.prunedHeads == [0: [0], 1: [2]]
            )
            #expect(try #require(result.steps[1].divergence) < 1e-10)
        }
    }

    @Test("a pruned model is cut to some of its layers, pruned again and rounded")
    func again() throws {
        try CompressionBench.with(layers: 3, heads: 4) { bench in
            let data = try CompressionBench.data()
            try bench.compress("once", .safetensors, data: data) {
                $0.headAndNeuronFraction = 0.25
            }
            let once = try #require(Checkpoint.open(bench["once"]).configuration)
            #expect(once.prunedHeads.count == 3)
            func compress(
                _ name: String,
                _ change: (inout CompressionOptions) -> Void
            ) throws -> Compressor.Result {
                var compressor = try Compressor(
                    Checkpoint.open(bench["once"]),
                    bench.options(.huggingFaceHDF5, change),
                    data: data,
                    pool: bench.pool
                )
                let result = try compressor.run()
                _ = try compressor.write(result, to: bench[name])
                return result
            }
            // Layers are numbered anew, each with its own heads.
            _ = try compress("cut") { $0.layers = [0, 2] }
            let cut = try #require(Checkpoint.open(bench["cut"]).configuration)
            #expect(
                cut.prunedHeads == [0: once.prunedHeads[0] ?? [], 1: once.prunedHeads[2] ?? []]
            )
            let (old, new) = (try bench.parameters("once"), try bench.parameters("cut"))
            for part in ["self.query.weight", "output.dense.weight"] {
                #expect(
                    new["encoder.layer.1.attention.\(part)"]
                        == old["encoder.layer.2.attention.\(part)"]
                )
            }
            let twice = try compress("twice") {
                $0.layers = [1, 2]
                $0.headAndNeuronFraction = 0.5
                $0.isInt8 = true
                $0.elementType = .bfloat16
            }
            #expect(twice.steps[2].name == "heads 2 of 3")
            let pruned = try #require(Checkpoint.open(bench["twice"]).configuration).prunedHeads
            for (layer, before) in [(0, 1), (1, 2)] {
                #expect(pruned[layer]?.count == 2)
                #expect(pruned[layer]?.isSuperset(of: once.prunedHeads[before] ?? []) == true)
            }
            // The head that went is the one that plain differences would take.
            let model = try Checkpoint.open(bench["once"]).loadModel()
            var parameters = model.parameters
            parameters.encoder.layer.removeFirst()
            var configuration = once
            configuration.hiddenLayerCount = 2
            configuration.prunedHeads = [
                0: once.prunedHeads[1] ?? [], 1: once.prunedHeads[2] ?? [],
            ]
            let shorter = BertModel(configuration, parameters: parameters)
            for (layer, scores) in try slopes(bench, shorter, encoded(bench)).enumerated() {
                let least = try #require(scores.indices.min { scores[$0] < scores[$1] })
                let head = configuration.heads(ofLayer: layer)[least]
                #expect(
                    pruned[layer]?.subtracting(configuration.prunedHeads[layer] ?? []) == [head]
                )
            }
            // What the last row says is what the folder answers.
            let logits = try bench.logits("twice", CompressionBench.texts)
            let right = (0..<8).count { (logits[2 * $0 + 1] > logits[2 * $0]) == ($0 % 2 == 0) }
            #expect(twice.steps.last?.quality == Double(right) / 8)
        }
    }

    @Test("a share that is less than a head takes none, and says so")
    func none() throws {
        try CompressionBench.with { bench in
            let result = try bench.compress(data: CompressionBench.data()) {
                $0.headAndNeuronFraction = 0.45
            }
            #expect(result.steps[1].name == "heads 2 of 2: 0.45 of them is less than one")
            #expect(result.steps[1].byteCount == result.steps[0].byteCount)
            #expect(result.steps[1].divergence == 0)
            #expect(result.steps[2].name == "neurons 11 of 20")
            #expect(try Checkpoint.open(bench["small"]).configuration?.prunedHeads == [:])
        }
    }

    @Test("decimal shares are rounded down as decimals, and one head always stays")
    func shares() throws {
        try CompressionBench.with(heads: 12) { bench in
            let data = try CompressionBench.data()
            // 0.29 · 100 and 0.7 · 10 are a little less in binary; so would 1/12 of 12 be.
            for (fraction, kept) in [(1.0 / 12, 11), (0.25, 9), (0.7, 4), (0.95, 1)] {
                let result = try bench.compress("\(kept)", data: data) {
                    $0.headAndNeuronFraction = fraction
                }
                #expect(result.steps[1].name == "heads \(kept) of 12")
            }
            let found = failure {
                try bench.compress("all", data: data) {
                    $0.headAndNeuronFraction = 0.999_999_999_99
                }
            }
            #expect(
                found?.reason == "pruning all heads of a layer: 0.99999999999 of 12"
            )
            #expect(found?.kind == .usage)
        }
    }

    @Test("layers that kept different numbers of heads are told")
    func different() throws {
        try CompressionBench.with(layers: 2, heads: 4) { bench in
            let model = try Checkpoint.open(bench["model"]).loadModel()
            var configuration = model.configuration
            configuration.prunedHeads = [1: [0, 3]]
            let pruned = BertModel(configuration, seed: 1)
            try FileManager.default.removeItem(at: bench["model/tf_model.h5"])
            try HuggingFaceTensorFlow.write(
                pruned.parameters.leaves.map { ($0.name, $0.leaf) },
                configuration,
                to: bench["model/tf_model.h5"]
            )
            try Data((configuration.json.text() + "\n").utf8)
                .write(to: bench["model/config.json"])
            let result = try bench.compress(data: CompressionBench.data()) {
                $0.headAndNeuronFraction = 0.5
            }
            #expect(result.steps[1].name == "heads 1 to 2 of 2 to 4")
        }
    }
}
