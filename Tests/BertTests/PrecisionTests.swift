import Bert
import Foundation
import Kernels
import TestSupport
import Testing
import Tokenization

/// Models in other numbers than single precision, against single precision.
@Suite struct PrecisionTests {
    private static let lower = [Precision.bf16, .int8].filter(\.isAvailable)

    /// A model of heads of this size with weights as a trained model's are, and sequences of these
    /// lengths.
    private func model(headSize: Int, heads: Int = 3) -> BertModel {
        var configuration = RandomModel.configuration
        configuration.hiddenSize = heads * headSize
        configuration.attentionHeadCount = heads
        configuration.intermediateSize = 4 * heads * headSize + 6
        configuration.maximumPositionCount = 512
        configuration.initializerRange = 0.05
        return BertModel(configuration, seed: 5)
    }

    /// Steps of rounding for each type, of the largest logit.
    private func allowed(_ precision: Precision) -> Double { precision == .bf16 ? 0.02 : 0.06 }

    @Test(arguments: lower, [26, 32, 64])
    func `logits are near those of f32 at every length`(_ precision: Precision, _ headSize: Int) {
        let model = model(headSize: headSize)
        let lengths = [2, 3, 8, 13, 25, 40, 65, 128, 511, 512]
        let encodings = RandomModel.encodings(lengths.count, seed: 6, lengths: lengths)
        let pool = WorkerPool(workerCount: 2)
        let reference = BertInference(model, pool: pool)
        let lower = BertInference(model, pool: pool, precision: precision)
        #expect(lower.precision == precision)
        var verdict = Verdict()
        let batches = [PackedBatch(encodings)] + encodings.map { PackedBatch([$0]) }
        var differs = false
        for batch in batches {
            let expected = reference.logits(batch)
            let found = lower.logits(batch)
            let largest = Double(expected.map { abs($0) }.max() ?? 0)
            verdict.compare(
                "\(batch.sequenceCount) sequences, \(batch.tokenCount) tokens",
                found,
                expected.map(Double.init),
                within: allowed(precision) * max(largest, 0.05)
            )
            differs = differs || found != expected
        }
        #expect(verdict.passes, "\(verdict)")
        // Or the precision was not used.
        #expect(differs)
    }

    @Test(arguments: Precision.allCases.filter(\.isAvailable))
    func `a model read for one precision answers as one read whole`(_ precision: Precision) throws {
        let url = Fixtures.folder.appending(path: "teacher")
        let whole = try TextClassifier(contentsOf: url)
        let read = try TextClassifier(contentsOf: url, answeringIn: precision)
        #expect(read.model.answers == precision)
        let texts = ["a fine film", "dull", String(repeating: "the plot is thin and ", count: 20)]
        let batch = PackedBatch(texts.map { whole.tokenizer.encode($0, maximumLength: 64) })
        let pool = WorkerPool(workerCount: 2)
        let answers = [whole, read].map {
            BertInference($0.model, pool: pool, precision: precision).logits(batch)
        }
        #expect(answers[0] == answers[1])
    }

    @Test(arguments: Precision.allCases.filter(\.isAvailable))
    func `any number of workers gives the same bits`(_ precision: Precision) {
        let model = RandomModel.model()
        let batches = [
            RandomModel.batch(40, seed: 1), RandomModel.batch(1, seed: 2),
            RandomModel.batch(2, seed: 3),
        ]
        var expected: [[UInt32]] = []
        for workers in [1, 2, 3, 8] {
            let inference = BertInference(
                model,
                pool: WorkerPool(workerCount: workers),
                precision: precision
            )
            let found = batches.map { inference.logits($0).map(\.bitPattern) }
            if expected.isEmpty { expected = found }
            #expect(found == expected, "\(workers) workers")
        }
    }

    @Test(.enabled(if: Precision.bf16.isAvailable, "no bf16 products here"))
    func `bf16 gradients are near those of f32, the same for any number of workers`() {
        let (model, batch) = (RandomModel.model(), RandomModel.batch(30, seed: 2))
        func run(_ precision: Precision, _ workers: Int) -> (logits: [Float], gradients: [Float]) {
            let pass = TrainingPass(
                model,
                pool: WorkerPool(workerCount: workers),
                precision: precision
            )
            #expect(pass.precision == precision)
            let gradients = Gradients(model.layout)
            let logits = pass.forward(batch, dropoutSeed: 3, step: 1)
            pass.backward(RandomModel.cotangent(batch), into: gradients)
            return (logits, gradients.all(model.layout))
        }
        let (reference, one, three) = (run(.f32, 2), run(.bf16, 1), run(.bf16, 3))
        #expect(one.logits == three.logits && one.gradients == three.gradients)
        #expect(one.logits != reference.logits)
        var verdict = Verdict()
        verdict.compareNorm(
            "gradients",
            one.gradients,
            reference.gradients.map(Double.init),
            relative: 0.05,
            floor: 0
        )
        #expect(verdict.passes, "\(verdict)")
    }

    @Test(.enabled(if: Precision.bf16.isAvailable, "no bf16 products here"))
    func `weights that change are rounded again`() {
        let (model, batch) = (RandomModel.model(), RandomModel.batch(9, seed: 2))
        let pool = WorkerPool(workerCount: 2)
        let pass = TrainingPass(model, pool: pool, precision: .bf16)
        let before = pass.forward(batch, dropoutSeed: nil, step: 0)
        let other = BertModel(RandomModel.configuration, seed: 99)
        model.weights.copy(from: other.weights)
        let after = pass.forward(batch, dropoutSeed: nil, step: 0)
        let expected = TrainingPass(other, pool: pool, precision: .bf16)
            .forward(batch, dropoutSeed: nil, step: 0)
        #expect(after == expected && before != after)
    }
}
