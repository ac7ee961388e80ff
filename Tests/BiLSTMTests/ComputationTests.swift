import Bert
import BiLSTM
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization

/// Forward and backward against PyTorch's LSTM, and against themselves.
@Suite struct ComputationTests {
    private let pool = WorkerPool(workerCount: 2)

    @Test(arguments: BiLSTMGolden.groups)
    func `logits are PyTorch's, in training and in inference`(_ group: String) throws {
        let golden = try BiLSTMGolden(group)
        let model = golden.model()
        let pass = BiLSTMPass(model, pool: pool)
        let expected = try golden.logits()
        expectClose(
            actual: pass.forward(golden.batch, dropoutSeed: nil, step: 0),
            expected: expected,
            absolute: 5e-6,
            reason: "sums of single precision"
        )
        expectClose(
            actual: BiLSTMInference(model, pool: pool).logits(golden.batch),
            expected: expected,
            absolute: 5e-6,
            reason: "sums of single precision"
        )
    }

    @Test(arguments: BiLSTMGolden.groups)
    func `gradients of all parameters are PyTorch's`(_ group: String) throws {
        let golden = try BiLSTMGolden(group)
        let pass = BiLSTMPass(golden.model(), pool: pool)
        let gradients = BiLSTMGradients(pass.model.layout)
        _ = pass.forward(golden.batch, dropoutSeed: nil, step: 0)
        let loss = pass.meanSquares(try golden.targets())
        let expected = try golden.golden.doubles("\(group)/loss")[0]
        #expect(abs(loss - expected) < 1e-6 * expected)
        pass.backward(into: gradients)
        let found = gradients.byName
        #expect(found.keys.sorted() == golden.parameters.keys.sorted())
        for (name, values) in found {
            let error = relativeL2(values, try golden.gradient(name))
            #expect(error < 3e-6, "\(name): \(error)")
        }
    }

    @Test(arguments: BiLSTMGolden.groups)
    func `a wrong order of gates, or a direction reversed, is far off`(_ group: String) throws {
        let golden = try BiLSTMGolden(group)
        let units = golden.configuration.units
        func swapped(_ tensor: Tensor, _ one: Int, _ other: Int) -> Tensor {
            var tensor = tensor
            let width = tensor.values.count / (4 * units) * units
            for index in 0..<width {
                tensor.values.swapAt(one * width + index, other * width + index)
            }
            return tensor
        }
        let controls: [(String, (String, Tensor) -> Tensor)] = [
            ("input and forget", { $0.hasPrefix("lstm.") ? swapped($1, 0, 1) : $1 }),
            ("candidate and output", { $0.hasPrefix("lstm.") ? swapped($1, 2, 3) : $1 }),
            (
                "directions",
                { name, tensor in
                    guard name.hasPrefix("lstm.") else { return tensor }
                    let other =
                        name.hasSuffix("_reverse")
                        ? String(name.dropLast("_reverse".count)) : name + "_reverse"
                    return golden.parameters[other] ?? tensor
                }
            ),
        ]
        for (what, change) in controls {
            let logits = BiLSTMInference(golden.model(change), pool: pool).logits(golden.batch)
            let found = mismatch(actual: logits, expected: try golden.logits(), absolute: 1e-2)
            #expect(found != nil, "\(what)")
        }
    }

    /// A loss along a direction of all parameters, by differences of the loss itself.
    @Test(arguments: [(false, 0.0), (true, 0.0), (false, 0.25), (true, 0.25)])
    func `the slope of the loss is the gradient's, with dropout too`(
        _ pairs: Bool,
        _ dropout: Double
    ) throws {
        // Of few pairs: a step crosses the kinks of few |a − b|.
        let bench = RandomBench(pairs: pairs, dropout: dropout, count: pairs ? 7 : 43)
        let model = bench.model
        // Far from ReLU's kink, where differences say nothing: units that are on, and units that are off.
        let bias = (0..<34).map { Float($0 % 3 == 0 ? -4 : 4) }
        model.set("hidden.bias", to: Tensor(shape: [34], values: bias))
        let pass = BiLSTMPass(model, pool: pool)
        let targets = bench.targets
        func loss() -> Double {
            _ = pass.forward(bench.batch, dropoutSeed: 9, step: 4)
            return pass.meanSquares(targets)
        }
        let gradients = BiLSTMGradients(model.layout)
        _ = loss()
        pass.backward(into: gradients)
        let slopes = gradients.byName
        for (number, entry) in model.layout.entries.enumerated() {
            var random = Philox(seed: 5, purpose: .sampling, index: UInt32(number))
            let count = entry.slot.shape.count
            let direction = (0..<count).map { _ in Float(random.nextNormal()) }
            let start = model.weights.base + entry.slot.offset
            let kept = Array(UnsafeBufferPointer(start: start, count: count))
            func moved(_ distance: Float) -> Double {
                for index in 0..<count { start[index] = kept[index] + distance * direction[index] }
                return loss()
            }
            // The smaller a step, the fewer kinks and the more rounding.
            let differences = [4e-4, 2e-4, 1e-4].map { step in
                (moved(Float(step)) - moved(-Float(step))) / (2 * step)
            }
            for index in 0..<count { start[index] = kept[index] }
            let slope = zip(slopes[entry.name] ?? [], direction).reduce(0.0) {
                $0 + Double($1.0) * Double($1.1)
            }
            #expect(
                differences.contains { abs($0 - slope) < 2e-2 * abs(slope) + 2e-3 },
                "\(entry.name): \(differences) by differences, \(slope) by the gradient"
            )
        }
    }

    @Test(arguments: [false, true])
    func `any number of workers gives the same bits`(_ pairs: Bool) {
        let bench = RandomBench(pairs: pairs, dropout: 0.2)
        let results = [1, 2, 3, 7].map { workers -> [[Float]] in
            let pool = WorkerPool(workerCount: workers)
            let pass = BiLSTMPass(bench.model, pool: pool)
            let gradients = BiLSTMGradients(bench.model.layout)
            let logits = pass.forward(bench.batch, dropoutSeed: 3, step: 1)
            _ = pass.meanSquares(bench.targets)
            pass.backward(into: gradients)
            let answers = BiLSTMInference(bench.model, pool: pool).logits(bench.batch)
            return [logits, answers] + gradients.byName.sorted { $0.key < $1.key }.map(\.value)
        }
        #expect(results.dropFirst().allSatisfy { $0 == results[0] })
    }

    @Test(arguments: [false, true])
    func `gradients add up over batches`(_ pairs: Bool) {
        let (one, other) = (RandomBench(pairs: pairs, seed: 1), RandomBench(pairs: pairs, seed: 2))
        let pass = BiLSTMPass(one.model, pool: pool)
        func gradients(_ benches: [RandomBench]) -> [String: [Float]] {
            let gradients = BiLSTMGradients(one.model.layout)
            for (index, bench) in benches.enumerated() {
                _ = pass.forward(bench.batch, dropoutSeed: nil, step: 0)
                _ = pass.meanSquares(bench.targets)
                pass.backward(into: gradients, accumulate: index > 0)
            }
            return gradients.byName
        }
        let (first, second, both) = (gradients([one]), gradients([other]), gradients([one, other]))
        for (name, values) in both {
            let sum = zip(first[name] ?? [], second[name] ?? []).map { $0 + $1 }
            #expect(relativeL2(values, sum) < 1e-5, "\(name)")
        }
    }

    @Test func `an answer does not depend on the texts beside it`() {
        let bench = RandomBench(pairs: false)
        let inference = BiLSTMInference(bench.model, pool: pool)
        let together = inference.logits(bench.batch)
        let width = bench.model.configuration.labels.count
        for sequence in 0..<bench.batch.sequenceCount {
            let rows = bench.batch.rows(of: sequence)
            let alone = PackedBatch(
                ids: Array(bench.batch.ids[rows]),
                tokenTypes: Array(bench.batch.tokenTypes[rows]),
                offsets: [0, rows.count]
            )
            expectClose(
                actual: inference.logits(alone),
                expected: Array(together[sequence * width..<(sequence + 1) * width]),
                absolute: 2e-6,
                reason: "rows of another product may be summed in another order"
            )
        }
    }

    @Test func `without dropout's seed nothing is dropped`() {
        let bench = RandomBench(pairs: false, dropout: 0.5)
        let pass = BiLSTMPass(bench.model, pool: pool)
        let plain = pass.forward(bench.batch, dropoutSeed: nil, step: 0)
        #expect(plain == pass.forward(bench.batch, dropoutSeed: nil, step: 1))
        let dropped = pass.forward(bench.batch, dropoutSeed: 1, step: 0)
        #expect(dropped != plain)
        #expect(dropped != pass.forward(bench.batch, dropoutSeed: 1, step: 1))
        #expect(dropped == pass.forward(bench.batch, dropoutSeed: 1, step: 0))
    }
}

/// A model with new weights, and a batch of texts of all lengths.
struct RandomBench {
    let model: BiLSTMModel
    let batch: PackedBatch
    let targets: [Float]

    init(pairs: Bool, dropout: Double = 0, seed: UInt64 = 1, count: Int = 43) {
        let configuration = BiLSTMConfiguration(
            vocabularySize: 57,
            embeddingSize: 12,
            units: 21,
            hiddenSize: 34,
            readsPairs: pairs,
            dropout: dropout,
            labels: ["x", "y"],
            problemType: .classification
        )
        model = BiLSTMModel(configuration, seed: 3)
        var random = Philox(seed: seed, purpose: .sampling)
        let encodings = (0..<count).map { index in
            let first = index % 9 == 0 ? 1 : Int.random(in: 1...30, using: &random)
            let second = pairs ? Int.random(in: 1...20, using: &random) : 0
            return Encoding(
                ids: (0...first + second).map { _ in Int32.random(in: 0..<57, using: &random) },
                tokenTypes: (0...first + second).map { $0 <= first ? 0 : 1 },
                truncated: 0
            )
        }
        batch = PackedBatch(encodings)
        targets = (0..<2 * count).map { _ in Float(random.nextNormal()) }
    }
}
