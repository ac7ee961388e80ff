import Bert
import Distillation
import Kernels
import Randomness
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Training of masked language models")
struct MaskedTrainingTests {
    static let families = ModelFamily.allCases.map(\.rawValue) + [HeadGolden.projected]

    /// A family's model on its golden batch, with the tokens that are predicted.
    private struct Setup {
        let golden: HeadGolden
        let file: Golden
        let masked: MaskedPieces
        let model: BertModel
        let pass: TrainingPass
        let gradients: Gradients

        init(_ name: String, workers: Int = 2) throws {
            golden = try HeadGolden(name, .maskedLanguageModel)
            file = try Golden("masked_training.h5")
            masked = MaskedPieces(
                rows: try file.integers("rows").map { Int($0) },
                pieces: try file.integers("pieces")
            )
            model = golden.model()
            pass = TrainingPass(model, pool: WorkerPool(workerCount: workers))
            gradients = Gradients(model.layout)
        }

        func shown(_ masked: MaskedPieces? = nil) -> TrainingBatch {
            TrainingBatch(
                sequences: golden.batch,
                examples: Array(0..<golden.batch.sequenceCount)[...],
                masked: masked ?? self.masked
            )
        }

        @discardableResult func run(
            _ objective: some TrainingObjective,
            masked: MaskedPieces? = nil,
            share: Double = 1,
            accumulate: Bool = false,
            seed: UInt64? = nil
        ) -> LossValue {
            _ = pass.forward(
                golden.batch,
                outputs: objective.outputs,
                dropoutSeed: seed,
                step: 0
            )
            let value = objective.evaluate(
                pass,
                shown(masked),
                into: gradients,
                share: share,
                accumulate: accumulate
            )
            pass.backward(into: gradients, accumulate: accumulate)
            return value
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
        let value = setup.run(MaskedLanguageObjective())
        let expected = try setup.file.doubles("families/\(name)/loss")[0]
        #expect(abs(value.loss - expected) < 1e-5 * expected)
        let verdict = try setup.verdict("families/\(name)")
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `a target that is another piece is noticed`() throws {
        let setup = try Setup("bert")
        var pieces = setup.masked.pieces
        pieces[2] += 1
        setup.run(
            MaskedLanguageObjective(),
            masked: MaskedPieces(rows: setup.masked.rows, pieces: pieces)
        )
        #expect(try !setup.verdict("families/bert").passes)
    }

    @Test func `gradients of two halves add up, and none is left from before`() throws {
        let setup = try Setup("bert")
        setup.run(MaskedLanguageObjective(), masked: MaskedPieces(rows: [0, 2], pieces: [9, 9]))
        setup.run(MaskedLanguageObjective(), share: 0.25)
        setup.run(MaskedLanguageObjective(), share: 0.75, accumulate: true)
        let verdict = try setup.verdict("families/bert")
        #expect(verdict.passes, "\(verdict)")
    }

    @Test func `without predictions the head and the decoder have no gradient`() throws {
        let setup = try Setup("distilbert")
        setup.run(MaskedLanguageObjective())
        setup.run(MaskedLanguageObjective(), masked: MaskedPieces(rows: [], pieces: []))
        #expect(setup.everyGradient.allSatisfy { $0.allSatisfy { $0 == 0 } })
        setup.run(MaskedLanguageObjective())
        _ = setup.pass.forward(setup.golden.batch, dropoutSeed: nil, step: 0)
        setup.pass.backward(into: setup.gradients)
        #expect(setup.everyGradient.allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    /// DistilBERT's own case: student of its family, teacher a BERT.
    private func distillation(
        _ setup: Setup,
        _ tokens: PieceTerm.Tokens,
        workers: Int = 2
    ) throws -> DistillationObjective {
        let teacher = try HeadGolden("bert", .maskedLanguageModel).model()
        let layers = teacher.configuration.hiddenLayerCount
        return DistillationObjective(
            teacher: BertInference(teacher, pool: setup.pass.pool),
            terms: [
                .init(
                    CosineLoss(pairs: [LayerPair(layers, layers)], reduction: .tokenMean),
                    weight: 1
                )
            ],
            prediction: nil,
            pieces: PieceTerm(PieceLoss(hard: 2, soft: 5, temperature: 2), tokens: tokens),
            auxiliary: nil,
            workerCount: workers
        )
    }

    @Test(arguments: PieceTerm.Tokens.allCases)
    func `DistilBERT's loss and its gradients are PyTorch's`(_ tokens: PieceTerm.Tokens) throws {
        let setup = try Setup("distilbert")
        let value = setup.run(try distillation(setup, tokens))
        let group = "distillation/\(tokens.rawValue)"
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
        let other = tokens == .all ? "masked" : "all"
        #expect(try !setup.verdict("distillation/\(other)").passes)
    }

    @Test func `any number of workers gives the same bits`() throws {
        let results = try [1, 2, 3].map { workers in
            let setup = try Setup("distilbert", workers: workers)
            let value = setup.run(
                try distillation(setup, .all, workers: workers),
                seed: 7
            )
            return setup.everyGradient + [[Float(value.loss)]]
        }
        #expect(results[1] == results[0] && results[2] == results[0])
    }

    @Test func `soft gradients follow temperature and its square`() throws {
        // The loss's slope along a direction, with dropout's masks, for every setting.
        for loss in [
            PieceLoss(hard: 0, soft: 1, temperature: 3, scalesByTemperatureSquared: false),
            PieceLoss(hard: 0.5, soft: 2, temperature: 0.7, isDivergence: false),
        ] {
            let setup = try Setup("distilbert")
            let teacher = try HeadGolden("bert", .maskedLanguageModel).model()
            let objective = DistillationObjective(
                teacher: BertInference(teacher, pool: setup.pass.pool),
                terms: [],
                prediction: nil,
                pieces: PieceTerm(loss, tokens: .masked),
                auxiliary: nil,
                workerCount: 2
            )
            setup.run(objective, seed: 3)
            for name in [
                "embeddings.word_embeddings.weight", "cls.predictions.bias",
                "cls.predictions.transform.dense.weight",
                "cls.predictions.transform.LayerNorm.bias",
            ] {
                let entry = setup.model.layout.entries.first { $0.name == name }
                let slot = try #require(entry?.slot)
                let start = setup.model.weights.pointer(slot)
                let gradient = setup.gradients.values(name, slot).map(Double.init)
                let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let direction = gradient.map { $0 / norm }
                let before = direction.indices.map { start[$0] }
                func loss(_ step: Double) -> Double {
                    for index in direction.indices {
                        start[index] = before[index] + Float(step * direction[index])
                    }
                    _ = setup.pass.forward(
                        setup.golden.batch,
                        outputs: objective.outputs,
                        dropoutSeed: 3,
                        step: 0
                    )
                    let scratch = Gradients(setup.model.layout)
                    return objective.evaluate(
                        setup.pass,
                        setup.shown(),
                        into: scratch,
                        share: 1,
                        accumulate: false
                    ).loss
                }
                let slope = (loss(2e-3) - loss(-2e-3)) / 4e-3
                for index in direction.indices { start[index] = before[index] }
                #expect(abs(slope - norm) < 5e-3 * norm, "\(name): \(slope), not \(norm)")
            }
        }
    }

    @Test func `many tokens are predicted block by block`() throws {
        // More rows than a block, of a batch whose sequences repeat: each has the gradients of one.
        let golden = try HeadGolden("bert", .maskedLanguageModel)
        let rows = golden.batch.rows(of: 2)
        let ids = Array(golden.batch.ids[rows])
        let types = Array(golden.batch.tokenTypes[rows])
        func gradients(_ copies: Int) -> ([[Float]], Double) {
            let batch = PackedBatch(
                ids: Array(repeatElement(ids, count: copies).joined()),
                tokenTypes: Array(repeatElement(types, count: copies).joined()),
                offsets: (0...copies).map { $0 * ids.count }
            )
            let model = golden.model()
            let pass = TrainingPass(model, pool: WorkerPool(workerCount: 2))
            let gradients = Gradients(model.layout)
            _ = pass.forward(batch, dropoutSeed: nil, step: 0)
            let value = MaskedLanguageObjective().evaluate(
                pass,
                TrainingBatch(
                    sequences: batch,
                    examples: Array(0..<copies)[...],
                    masked: MaskedPieces(
                        rows: Array(0..<batch.tokenCount),
                        pieces: batch.ids
                    )
                ),
                into: gradients,
                share: 1,
                accumulate: false
            )
            pass.backward(into: gradients)
            return (
                model.layout.entries.map { gradients.values($0.name, $0.slot) }, value.loss
            )
        }
        let (one, oneLoss) = gradients(1)
        let (many, manyLoss) = gradients(19)
        #expect(abs(oneLoss - manyLoss) < 1e-5 * oneLoss)
        for (index, values) in many.enumerated() {
            expectClose(
                actual: values,
                expected: one[index].map(Double.init),
                absolute: 2e-5,
                reason: golden.model().layout.entries[index].name
            )
        }
    }

    @Test func `steps of AdamW are those of dense gradients, and lower the loss`() throws {
        let setup = try Setup("roberta")
        let pool = setup.pass.pool
        let optimizer = AdamW(
            setup.model,
            constants: .init(weightDecay: 0.01, clipNorm: nil),
            pool: pool
        )
        let words = setup.model.layout.slots.embeddings.wordEmbeddings.weight
        let start = setup.model.weights.pointer(words)
        var expected = (0..<words.shape.count).map { Double(start[$0]) }
        var first = [Double](repeating: 0, count: expected.count)
        var second = first
        var losses: [Double] = []
        for step in 1...30 {
            optimizer.prepare(setup.golden.batch.ids)
            losses.append(setup.run(MaskedLanguageObjective()).loss)
            let gradient = setup.gradients.wordEmbeddings()
            optimizer.step(
                setup.gradients,
                norm: optimizer.gradientNorm(setup.gradients),
                learningRate: 0.01
            )
            if step > 3 { continue }
            for (index, g) in gradient.enumerated() {
                let g = Double(g)
                first[index] = 0.9 * first[index] + 0.1 * g
                second[index] = 0.999 * second[index] + 0.001 * g * g
                let (m, v) = (
                    first[index] / (1 - power(0.9, step)), second[index] / (1 - power(0.999, step))
                )
                expected[index] -= 0.01 * 0.01 * expected[index]
                expected[index] -= 0.01 * m / (v.squareRoot() + 1e-8)
            }
            // Every row: also of pieces that no text has.
            expectClose(
                actual: (0..<words.shape.count).map { start[$0] },
                expected: expected,
                absolute: 2e-5,
                reason: "word embeddings after step \(step)"
            )
        }
        #expect(losses[29] < 0.3 * losses[0], "\(losses)")
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }
}
