import Bert
import Distillation
import Kernels
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Training of token classifiers")
struct TokenTrainingTests {
    static let families = ModelFamily.allCases.map(\.rawValue)

    /// A family's model on its golden batch, with the tokens that are answered.
    private struct Setup {
        let golden: HeadGolden
        let file: Golden
        let labels: [Float]
        let model: BertModel
        let pass: TrainingPass
        let gradients: Gradients
        let batch: PackedBatch

        init(_ name: String, workers: Int = 2, rows: [Int]? = nil) throws {
            golden = try HeadGolden(name, .tokenClassification)
            file = try Golden("token_training.h5")
            labels = try file.integers("labels").map { Float($0) }
            model = golden.model()
            pass = TrainingPass(model, pool: WorkerPool(workerCount: workers))
            gradients = Gradients(model.layout)
            batch = try golden.answering(rows ?? file.integers("rows").map { Int($0) })
        }

        @discardableResult func run(
            _ objective: some TrainingObjective,
            share: Double = 1,
            accumulate: Bool = false,
            seed: UInt64? = nil
        ) -> LossValue {
            _ = pass.forward(batch, outputs: objective.outputs, dropoutSeed: seed, step: 0)
            let value = objective.evaluate(
                pass,
                TrainingBatch(
                    sequences: batch,
                    examples: Array(0..<batch.sequenceCount)[...],
                    answers: Array(0..<(batch.answered?.count ?? 0))[...]
                ),
                into: gradients,
                share: share,
                accumulate: accumulate
            )
            pass.backward(into: gradients, accumulate: accumulate)
            return value
        }

        var gold: LogitObjective {
            LogitObjective(
                CrossEntropyLoss(targets: labels, classCount: model.configuration.labels.count)
            )
        }

        func verdict(_ group: String) throws -> Verdict {
            let expected = try file.tensors(in: "\(group)/gradients")
            let global = expected.values.reduce(0.0) { sum, tensor in
                tensor.values.reduce(sum) { $0 + Double($1) * Double($1) }
            }
            var verdict = Verdict()
            for (name, slot) in model.layout.entries {
                guard let tensor = expected[name] else { continue }
                verdict.compareNorm(
                    "gradient of \(name)",
                    gradients.values(name, slot),
                    tensor.values.map(Double.init),
                    relative: 1e-4,
                    floor: 1e-7 * global.squareRoot()
                )
            }
            #expect(verdict.findings.count == model.layout.entries.count)
            return verdict
        }

        var everyGradient: [[Float]] {
            model.layout.entries.map { gradients.values($0.name, $0.slot) }
        }
    }

    @Test(arguments: families) func `loss and gradients are PyTorch's`(_ name: String) throws {
        let setup = try Setup(name)
        let value = setup.run(setup.gold)
        let expected = try setup.file.doubles("families/\(name)/loss")[0]
        #expect(abs(value.loss - expected) < 1e-5 * expected)
        let verdict = try setup.verdict("families/\(name)")
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `another label and another token are noticed`() throws {
        let setup = try Setup("bert")
        var labels = setup.labels
        labels[3] = 0
        setup.run(LogitObjective(CrossEntropyLoss(targets: labels, classCount: 5)))
        #expect(try !setup.verdict("families/bert").passes)
        var rows = try setup.file.integers("rows").map { Int($0) }
        rows[0] = 0
        let other = try Setup("bert", rows: rows)
        other.run(other.gold)
        #expect(try !other.verdict("families/bert").passes)
    }

    @Test func `gradients of two halves add up, and none is left from before`() throws {
        let setup = try Setup("bert")
        setup.run(setup.gold, seed: 9)
        setup.run(setup.gold, share: 0.25)
        setup.run(setup.gold, share: 0.75, accumulate: true)
        let verdict = try setup.verdict("families/bert")
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `without an answered token there is no gradient`() throws {
        let setup = try Setup("distilbert", rows: [])
        let value = setup.run(setup.gold)
        #expect(value.loss == 0)
        #expect(setup.everyGradient.allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    /// The golden's soft loss with the student's answers against a BERT's.
    private func distillation(
        _ setup: Setup,
        _ form: SoftTargetLoss.Form,
        isKept: Bool,
        terms: [DistillationObjective.Term] = []
    ) throws -> DistillationObjective {
        let teacher = try HeadGolden("bert", .tokenClassification)
        let inference = teacher.inference()
        let read = try teacher.answering(setup.batch.answered ?? [])
        let group = "distillation/\(form.rawValue)"
        let temperature = try setup.file.doubles("\(group)/temperature")[0]
        let squared = try setup.file.integers("\(group)/temperature_squared")[0]
        let share = try setup.file.doubles("\(group)/hard_label_weight")[0]
        let labels = setup.labels
        return DistillationObjective(
            teacher: inference,
            terms: terms,
            prediction: PredictionTerm(
                weight: 1,
                source: isKept ? .kept(inference.logits(read)) : .computed
            ) { logits, _ in
                SoftTargetLoss(
                    teacherLogits: logits,
                    classCount: 5,
                    isRegression: false,
                    form: form,
                    temperature: temperature,
                    scalesByTemperatureSquared: squared == 1,
                    hardLabelWeight: share,
                    targets: labels
                )
            },
            auxiliary: nil,
            workerCount: setup.pass.pool.workerCount
        )
    }

    @Test(arguments: SoftTargetLoss.Form.allCases, [true, false])
    func `soft losses of tokens and their gradients are PyTorch's`(
        _ form: SoftTargetLoss.Form,
        _ isKept: Bool
    ) throws {
        let setup = try Setup("distilbert")
        let value = setup.run(try distillation(setup, form, isKept: isKept))
        let group = "distillation/\(form.rawValue)"
        let expected = try setup.file.doubles("\(group)/loss")[0]
        #expect(abs(value.loss - expected) < 1e-5 * expected)
        let terms = try setup.file.doubles(in: "\(group)/terms")
        #expect(Set(value.terms.map(\.name)) == Set(terms.keys))
        for (name, found) in value.terms {
            let term = try #require(terms[name]?[0])
            #expect(abs(found - term) < 1e-5 * term, "\(name)")
        }
        let verdict = try setup.verdict(group)
        #expect(verdict.passes, "\(verdict)")
        let other: SoftTargetLoss.Form = form == .divergence ? .crossEntropy : .divergence
        #expect(try !setup.verdict("distillation/\(other.rawValue)").passes)
    }

    @Test func `any number of workers gives the same bits`() throws {
        let results = try [1, 2, 3].map { workers in
            let setup = try Setup("distilbert", workers: workers)
            let states = CosineLoss(pairs: [LayerPair(2, 2)], reduction: .tokenMean)
            let objective = try distillation(
                setup,
                .crossEntropy,
                isKept: true,
                terms: [.init(states, weight: 0.5)]
            )
            let value = setup.run(objective, seed: 7)
            return setup.everyGradient + [[Float(value.loss)]]
        }
        #expect(results[1] == results[0] && results[2] == results[0])
    }

    @Test func `gradients follow the loss under dropout`() throws {
        let setup = try Setup("electra")
        setup.run(setup.gold, seed: 3)
        for name in [
            "embeddings.word_embeddings.weight", "classifier.weight", "classifier.bias",
            "encoder.layer.1.output.LayerNorm.bias", "encoder.layer.1.attention.self.value.weight",
        ] {
            let entry = setup.model.layout.entries.first { $0.name == name }
            let slot = try #require(entry?.slot)
            let start = setup.model.weights.pointer(slot)
            let gradient = setup.gradients.values(name, slot).map(Double.init)
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let before = gradient.indices.map { start[$0] }
            func loss(_ step: Double) -> Double {
                for index in gradient.indices {
                    start[index] = before[index] + Float(step * gradient[index] / norm)
                }
                let logits = setup.pass.forward(setup.batch, dropoutSeed: 3, step: 0)
                return setup.gold.objective.evaluate(
                    logits: logits,
                    examples: Array(setup.labels.indices)[...]
                ).loss
            }
            let slope = (loss(2e-3) - loss(-2e-3)) / 4e-3
            for index in gradient.indices { start[index] = before[index] }
            #expect(abs(slope - norm) < 5e-3 * norm, "\(name): \(slope), not \(norm)")
        }
    }

    @Test(arguments: families) func `training and inference answer alike`(_ name: String) throws {
        let setup = try Setup(name)
        let rows = try #require(setup.batch.answered)
        let trained = setup.pass.forward(setup.batch, dropoutSeed: nil, step: 0)
        let all = try setup.golden.file.tensor("tokenClassification/outputs/logits").values
        let expected = rows.flatMap { all[$0 * 5..<($0 + 1) * 5] }
        for logits in [trained, setup.golden.inference().logits(setup.batch)] {
            expectClose(
                actual: logits,
                expected: expected,
                absolute: 1e-5,
                reason: "logits of the answered tokens"
            )
        }
    }

    @Test func `DistilBERT's dropout of sequence classifiers is not that of tokens`() throws {
        let setup = try Setup("distilbert")
        var configuration = setup.model.configuration
        configuration.hiddenDropoutProbability = 0
        configuration.attentionDropoutProbability = 0
        configuration.classifierDropout = 0.5
        let model = BertModel(configuration, parameters: setup.golden.parameters)
        let pass = TrainingPass(model, pool: setup.pass.pool)
        let dropped = pass.forward(setup.batch, dropoutSeed: 3, step: 0)
        #expect(dropped == pass.forward(setup.batch, dropoutSeed: nil, step: 0))
    }
}

extension HeadGolden {
    /// The golden batch with only some of its rows answered.
    fileprivate func answering(_ rows: [Int]) throws -> PackedBatch {
        PackedBatch(
            ids: batch.ids,
            tokenTypes: batch.tokenTypes,
            offsets: batch.offsets,
            answered: rows
        )
    }
}
