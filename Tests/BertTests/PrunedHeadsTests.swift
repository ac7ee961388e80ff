import Bert
import Distillation
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization

/// Models without some of their heads, against the whole models with these heads masked.
@Suite("Pruned heads")
struct PrunedHeadsTests {
    private static let lower = [Precision.bf16, .int8].filter(\.isAvailable)

    /// Of three heads two stay in the first layer and one in the last.
    private func mask(_ golden: HeadGolden) -> HeadMask {
        HeadMask(
            configuration: golden.configuration,
            parameters: golden.parameters,
            heads: [0: [1], 1: [0, 2]]
        )
    }

    /// Four layers of four heads, of which all, three, one and two stay.
    private func mask(headSize: Int = 12, range: Double = 0.2) -> HeadMask {
        var configuration = RandomModel.configuration
        configuration.hiddenLayerCount = 4
        configuration.hiddenSize = 4 * headSize
        configuration.intermediateSize = 9 * headSize + 6
        configuration.maximumPositionCount = 512
        configuration.initializerRange = range
        return HeadMask(
            configuration: configuration,
            parameters: BertModel(configuration, seed: 5).parameters,
            heads: [1: [2], 2: [0, 1, 3], 3: [0, 3]]
        )
    }

    private func lengths(_ batch: PackedBatch) -> [Int] {
        (0..<batch.sequenceCount).map(batch.length(of:))
    }

    @Test(arguments: HeadGolden.all)
    func `every output is that of the whole model with these heads masked`(
        _ name: String,
        _ head: Head
    ) throws {
        let golden = try HeadGolden(name, head)
        let mask = mask(golden)
        var everything: OutputSelection = [.head, .lastHiddenState, .hiddenStates, .attentions]
        if golden.configuration.hasPooler { everything.insert(.poolerOutput) }
        let encodings = (0..<golden.batch.sequenceCount).map { sequence in
            let rows = golden.batch.rows(of: sequence)
            return Encoding(
                ids: Array(golden.batch.ids[rows]),
                tokenTypes: Array(golden.batch.tokenTypes[rows]),
                truncated: 0
            )
        }
        // One sequence, a shard for all workers, and shards for each.
        let batches = [
            PackedBatch([encodings[2]]), golden.batch,
            PackedBatch((0..<20).flatMap { _ in encodings }),
        ]
        for (batch, isPacked) in batches.flatMap({ [($0, false), ($0, true)] }) {
            func outputs(_ model: BertModel, _ selection: OutputSelection) -> ModelOutputs {
                let pool = WorkerPool(workerCount: 2)
                return BertInference(model, pool: pool, packing: isPacked)
                    .outputs(batch, selection)
            }
            let names = [
                "logits", "start_logits", "end_logits", "prediction_logits",
                "next_sentence_logits", "replaced_token_logits", "last_hidden_state",
                "pooler_output", "hidden_states.0", "hidden_states.1", "hidden_states.2",
            ]
            for selection in [everything, .head] where head != .none || selection != .head {
                let found = outputs(mask.pruned(), selection)
                let expected = outputs(mask.masked(), selection)
                let whole = outputs(golden.model(), selection)
                var verdict = Verdict()
                var differs = false
                for name in names {
                    guard let tensor = expected.tensor(named: name) else { continue }
                    verdict.compare(
                        name,
                        found.tensor(named: name)?.values ?? [],
                        tensor.values.map(Double.init),
                        within: 1e-5
                    )
                    differs = differs || !isClose(tensor, whole.tensor(named: name))
                }
                for (layer, scores) in (expected.attentions ?? []).enumerated() {
                    verdict.compare(
                        "attentions \(layer)",
                        found.attentions?[layer].values ?? [],
                        mask.cut(scores: scores.values, layer: layer, lengths: lengths(batch))
                            .map(Double.init),
                        within: 1e-5
                    )
                }
                #expect(verdict.passes, "packed \(isPacked): \(verdict)")
                // Or the heads would not matter.
                #expect(differs)
            }
        }
    }

    private func isClose(_ tensor: Tensor, _ other: Tensor?) -> Bool {
        zip(tensor.values, other?.values ?? []).allSatisfy { abs($0 - $1) < 1e-3 }
    }

    @Test(arguments: lower, [26, 32, 64])
    func `logits in lower precisions are those of the masked model, as nearly as rounding is alike`(
        _ precision: Precision,
        _ headSize: Int
    ) {
        let mask = mask(headSize: headSize, range: 0.05)
        let lengths = [2, 3, 8, 13, 25, 40, 65, 128, 511]
        let encodings = RandomModel.encodings(lengths.count, seed: 6, lengths: lengths)
        let pool = WorkerPool(workerCount: 2)
        func inference(_ model: BertModel) -> BertInference {
            BertInference(model, pool: pool, precision: precision)
        }
        let found = inference(mask.pruned())
        let expected = inference(mask.masked(values: true))
        let whole = BertModel(mask.configuration, parameters: mask.parameters)
        let other = inference(whole)
        var verdict = Verdict()
        for batch in [PackedBatch(encodings)] + encodings.map({ PackedBatch([$0]) }) {
            let logits = expected.logits(batch)
            let unpruned = other.logits(batch)
            let apart = zip(logits, unpruned).map { abs($0 - $1) }.max() ?? 0
            verdict.compare(
                "\(batch.sequenceCount) sequences, \(batch.tokenCount) tokens",
                found.logits(batch),
                logits.map(Double.init),
                within: Double(apart) / 10
            )
        }
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(arguments: [KeptOutputs.all, .logits], [Precision.f32, .bf16])
    func `gradients are the masked model's`(_ mode: KeptOutputs, _ precision: Precision) {
        let mask = mask()
        let batch = RandomModel.batch(30, seed: 2)
        var cotangent = RandomModel.cotangent(batch)
        var random = Philox(seed: 78, purpose: .sampling)
        if mode == .all {
            let tokens = batch.tokenCount * mask.configuration.hiddenSize
            cotangent.hiddenStates[2] = (0..<tokens).map { _ in 0.01 * random.nextUniform() }
        }
        let scores = lengths(batch).reduce(0) { $0 + 4 * $1 * $1 }
        let scoreGradient = (0..<scores).map { _ in 0.01 * random.nextUniform() }
        func run(
            _ model: BertModel,
            _ change: (Int, [Float]) -> [Float]
        ) -> (logits: [Float], gradients: [String: Tensor]) {
            let pool = WorkerPool(workerCount: 2)
            let pass = TrainingPass(model, pool: pool, precision: precision)
            let gradients = Gradients(model.layout)
            let logits = pass.forward(
                batch,
                outputs: mode.selection(model.configuration),
                dropoutSeed: nil,
                step: 0
            )
            var cotangent = cotangent
            if mode == .all {
                for layer in [1, 2] {
                    cotangent.attentionScores[layer] = change(layer, scoreGradient)
                }
            }
            pass.backward(cotangent, into: gradients)
            let tensors = model.layout.entries.map { name, slot in
                (name, Tensor(shape: slot.shape, values: gradients.values(name, slot)))
            }
            return (logits, Dictionary(uniqueKeysWithValues: tensors))
        }
        let found = run(mask.pruned()) { layer, scores in
            mask.cut(scores: scores, layer: layer, lengths: lengths(batch))
        }
        // A masked head's scores have no part in the loss.
        let expected = run(mask.masked()) { layer, scores in
            var result: [Float] = []
            var start = 0
            for length in lengths(batch) {
                for head in 0..<4 {
                    let end = start + length * length
                    let isOut = mask.heads[layer]?.contains(head) == true
                    result += scores[start..<end].map { isOut ? 0 : $0 }
                    start = end
                }
            }
            return result
        }
        let (absolute, relative) = precision == .f32 ? (1e-5, 2e-5) : (0.05, 0.05)
        var verdict = Verdict()
        verdict.compare(
            "logits",
            found.logits,
            expected.logits.map(Double.init),
            within: absolute
        )
        let global = expected.gradients.values.reduce(0.0) { sum, tensor in
            tensor.values.reduce(sum) { $0 + Double($1) * Double($1) }
        }
        for (name, tensor) in expected.gradients {
            verdict.compareNorm(
                name,
                found.gradients[name]?.values ?? [],
                mask.cut(name, tensor).values.map(Double.init),
                relative: relative,
                floor: 1e-6 * global.squareRoot()
            )
        }
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `any number of workers gives the same bits`() {
        let model = mask().pruned()
        let batch = RandomModel.batch(40, seed: 1)
        var expected: [Float] = []
        for workers in [1, 2, 3, 8] {
            let pool = WorkerPool(workerCount: workers)
            let pass = TrainingPass(model, pool: pool)
            let gradients = Gradients(model.layout)
            let logits = pass.forward(batch, dropoutSeed: 3, step: 1)
            pass.backward(RandomModel.cotangent(batch), into: gradients)
            let lone = BertInference(model, pool: pool).logits(RandomModel.batch(1, seed: 2))
            let found = logits + lone + gradients.all(model.layout)
            if expected.isEmpty { expected = found }
            #expect(found == expected, "\(workers) workers")
        }
    }

    @Test func `queries, keys and values are those of the heads that stay`() {
        let mask = mask()
        let batch = RandomModel.batch(9, seed: 4)
        func outputs(_ model: BertModel) -> ModelOutputs {
            BertInference(model, pool: WorkerPool(workerCount: 2)).outputs(batch, .queryKeyValue)
        }
        let (found, expected) = (outputs(mask.pruned()), outputs(mask.masked()))
        let parts = [\ModelOutputs.queries, \.keys, \.values]
        for (layer, part) in (0..<4).flatMap({ layer in parts.map { (layer, $0) } }) {
            let all = expected[keyPath: part]?[layer].values ?? []
            let kept = mask.kept(layer: layer)
            let tensor = found[keyPath: part]?[layer]
            #expect(tensor?.shape == [batch.tokenCount, kept.count])
            expectClose(
                actual: tensor?.values ?? [],
                expected: (0..<batch.tokenCount).flatMap { row in kept.map { all[row * 48 + $0] } },
                absolute: 1e-5,
                reason: "layer \(layer)"
            )
        }
    }

    @Test(arguments: HeadGolden.all.filter { $0.head == .maskedLanguageModel }.map(\.name))
    func `one token's state is that which all tokens together give`(_ name: String) throws {
        let golden = try HeadGolden(name, .maskedLanguageModel)
        let (model, batch) = (mask(golden).pruned(), golden.batch)
        let pool = WorkerPool(workerCount: 2)
        let rows = (0..<batch.sequenceCount).map { batch.offsets[$0] + batch.length(of: $0) / 2 }
        let hidden = golden.configuration.hiddenSize
        let all = BertInference(model, pool: pool).lastHiddenState(batch)
        let states = FloatBuffer(count: rows.count * hidden)
        let matrix = states.matrix(rows: rows.count, columns: hidden)
        BertInference(model, pool: pool, predictsOne: true).states(batch, of: rows, into: matrix)
        expectClose(
            actual: matrix.values,
            expected: rows.flatMap { all[$0 * hidden..<($0 + 1) * hidden] },
            absolute: 5e-6,
            reason: name
        )
    }
}
