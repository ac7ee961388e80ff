import Bert
import Foundation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Ten steps of AdamW with warm-up and clipping, against PyTorch's in double precision.
@Suite struct GoldenTrainingTests {
    /// What a run of the golden's ten steps gives.
    private struct Run {
        let golden: Golden
        let model: BertModel
        var losses: [Double] = []
        var norms: [Double] = []
        var rates: [Double] = []

        init(workers: Int, constants: AdamW.Constants = Self.constants) throws {
            let golden = try Golden("bert_training.h5")
            self.golden = golden
            let configuration = try BertConfigurationFile(
                contentsOf: Fixtures.folder.appending(path: "goldens/bert_training.config.json")
            ).configuration
            let parameters = try BertParameters<Shape>(configuration).map { name, _ in
                try golden.tensor("initial/\(name)")
            }
            model = BertModel(configuration, parameters: parameters)
            let pool = WorkerPool(workerCount: workers)
            let optimizer = AdamW(model, constants: constants, pool: pool)
            let pass = TrainingPass(model, pool: pool)
            let gradients = Gradients(model.layout)
            let schedule = LearningRateSchedule(peak: 2e-2, warmupSteps: 3, totalSteps: 10)
            for step in 1...10 {
                let group = "batches/\(step)"
                let batch = PackedBatch(
                    ids: try golden.integers("\(group)/ids"),
                    tokenTypes: try golden.integers("\(group)/token_types"),
                    offsets: try golden.integers("\(group)/offsets").map { Int($0) }
                )
                let objective = CrossEntropyLoss(
                    targets: try golden.integers("\(group)/targets").map { Float($0) },
                    classCount: 5
                )
                optimizer.prepare(batch.ids)
                let logits = pass.forward(batch, dropoutSeed: nil, step: 0)
                let value = objective.evaluate(
                    logits: logits,
                    examples: Array(0..<batch.sequenceCount)[...]
                )
                pass.backward(value.gradient, into: gradients)
                let norm = optimizer.gradientNorm(gradients)
                losses.append(value.loss)
                norms.append(norm)
                rates.append(schedule(step - 1))
                optimizer.step(gradients, norm: norm, learningRate: schedule(step - 1))
            }
            optimizer.synchronize()
        }

        static let constants = AdamW.Constants(weightDecay: 0.01, clipNorm: 1)

        /// The largest relative distance of a final parameter.
        func worstParameter() throws -> (distance: Double, name: String) {
            let expected = try golden.doubles(in: "final/f64")
            return model.layout.entries.map { name, slot in
                (
                    relativeL2(model.weights.tensor(slot).values, expected[name] ?? [], floor: 1e-3),
                    name
                )
            }.max { $0.0 < $1.0 } ?? (.infinity, "")
        }
    }

    @Test func `losses, norms, rates and final parameters are PyTorch's`() throws {
        let run = try Run(workers: 2)
        expectClose(
            actual: run.losses,
            expected: try run.golden.doubles("training/f64/losses"),
            absolute: 0,
            relative: 1e-4,
            reason: "losses of ten steps; single precision gives about 1e-6"
        )
        let norms = try run.golden.doubles("training/f64/gradient_norms")
        expectClose(
            actual: run.norms,
            expected: norms,
            absolute: 0,
            relative: 1e-4,
            reason: "gradient norms"
        )
        #expect(norms.contains { $0 > 1 } && norms.contains { $0 < 1 })
        #expect(try run.rates == run.golden.doubles("training/f64/learning_rates"))
        let worst = try run.worstParameter()
        #expect(worst.distance <= 1e-4, "\(worst)")
    }

    @Test func `every word row is PyTorch's, also those of rare and absent words`() throws {
        let run = try Run(workers: 2)
        let slot = run.model.layout.slots.embeddings.wordEmbeddings.weight
        let (found, width) = (run.model.weights.tensor(slot).values, slot.shape[1])
        let expected = try run.golden.doubles("final/f64/embeddings.word_embeddings.weight")
        let initial = try run.golden.tensor("initial/embeddings.word_embeddings.weight").values
        for row in 0..<slot.shape[0] {
            let range = row * width..<(row + 1) * width
            let distance = relativeL2(Array(found[range]), Array(expected[range]))
            #expect(distance <= 1e-4, "row \(row): \(distance)")
            // Even a word that never occurs decays.
            #expect(found[range] != initial[range], "row \(row)")
        }
    }

    @Test func `any number of workers gives the same bits`() throws {
        func bits(_ workers: Int) throws -> [UInt32] {
            let model = try Run(workers: workers).model
            return model.layout.entries
                .flatMap { model.weights.tensor($0.slot).values.map(\.bitPattern) }
        }
        let expected = try bits(1)
        for workers in [2, 3, 8] { #expect(try bits(workers) == expected, "\(workers) workers") }
    }

    @Test(arguments: [
        ("no clipping", AdamW.Constants(weightDecay: 0.01, clipNorm: nil)),
        ("no decay", AdamW.Constants(weightDecay: 0, clipNorm: 1)),
        ("another ε", AdamW.Constants(epsilon: 1e-4, weightDecay: 0.01, clipNorm: 1)),
        ("another β₂", AdamW.Constants(beta2: 0.99, weightDecay: 0.01, clipNorm: 1)),
    ])
    func `another optimizer is noticed`(_ name: String, _ constants: AdamW.Constants) throws {
        let worst = try Run(workers: 2, constants: constants).worstParameter()
        #expect(worst.distance > 1e-4, "\(name)")
    }
}
