import Bert
import Distillation
import Kernels
import Randomness
import Tensors
import Testing
import Tokenization
import Training

/// Every term at once, through real models.
@Suite struct DistillationObjectiveTests {
    private static let teacherConfiguration = LayerGolden.sized(hidden: 24, layers: 4, heads: 3)
    private static let studentConfiguration = LayerGolden.sized(hidden: 12, layers: 2, heads: 3)

    /// Terms that read everything, with both kinds of projection.
    private static func terms(_ reduction: Reduction) throws -> [DistillationObjective.Term] {
        let pairs = try LayerMap.uniform.pairs(student: 2, teacher: 4)
        let objectives: [(any LayerObjective, Double)] = [
            (
                HiddenStateLoss(
                    name: "embeddings",
                    pairs: [LayerPair(0, 0)],
                    projection: .perPair,
                    reduction: reduction
                ), 1
            ),
            (HiddenStateLoss(pairs: pairs, projection: .perPair, reduction: reduction), 0.5),
            (HiddenStateLoss(pairs: pairs, projection: .shared, reduction: reduction), 0.3),
            (AttentionScoreLoss(pairs: pairs, reduction: reduction), 2),
            (AttentionDistributionLoss(pairs: [pairs[0]], reduction: reduction), 3),
            (RelationLoss(vectors: .query, headCount: 6, pair: pairs[1], reduction: reduction), 1),
            (RelationLoss(vectors: .key, headCount: 4, pair: pairs[0], reduction: reduction), 2),
            (RelationLoss(vectors: .value, headCount: 2, pair: pairs[1], reduction: reduction), 3),
        ]
        let terms = objectives.map { DistillationObjective.Term($0.0, weight: $0.1) }
        for term in terms {
            try term.objective.check(student: studentConfiguration, teacher: teacherConfiguration)
        }
        return terms
    }

    private static func batch(_ count: Int) -> PackedBatch {
        var random = Philox(seed: 8, purpose: .sampling)
        return PackedBatch(
            (0..<count).map { _ in
                let length = Int.random(in: 1...40, using: &random)
                return Encoding(
                    ids: (0..<length).map { _ in Int32.random(in: 0..<31, using: &random) },
                    tokenTypes: [Int32](repeating: 0, count: length),
                    truncated: 0
                )
            }
        )
    }

    /// A student at the start of its training, with its objective.
    private struct Setup {
        let model = BertModel(studentConfiguration, seed: 5)
        let pass: TrainingPass
        let objective: DistillationObjective
        let gradients: Gradients

        init(
            workers: Int = 2,
            terms: [DistillationObjective.Term],
            source: PredictionTerm.Source? = .computed
        ) {
            let pool = WorkerPool(workerCount: workers)
            let teacher = BertModel(teacherConfiguration, seed: 6)
            let specifications = DistillationObjective.projections(
                for: terms,
                student: model.configuration,
                teacher: teacher.configuration
            )
            pass = TrainingPass(model, pool: pool)
            objective = DistillationObjective(
                teacher: BertInference(teacher, pool: pool),
                terms: terms,
                prediction: source.map { source in
                    PredictionTerm(weight: 0.8, source: source) { logits, _ in
                        SoftTargetLoss(
                            teacherLogits: logits,
                            classCount: 3,
                            isRegression: false,
                            temperature: 2,
                            hardLabelWeight: 0,
                            targets: []
                        )
                    }
                },
                auxiliary: AuxiliaryParameters(specifications, deviation: 0.2, seed: 1),
                workerCount: workers
            )
            gradients = Gradients(model.layout)
        }

        func loss(_ batch: PackedBatch, share: Double = 1, accumulate: Bool = false) -> LossValue {
            _ = pass.forward(batch, outputs: objective.outputs, dropoutSeed: nil, step: 0)
            let value = objective.evaluate(
                pass,
                TrainingBatch(
                    sequences: batch,
                    examples: Array(0..<batch.sequenceCount)[...]
                ),
                into: gradients,
                share: share,
                accumulate: accumulate
            )
            return value
        }

        /// Weights or gradients of projections, one after another.
        func projections(_ part: (Int) -> Linear) -> [Float] {
            (objective.auxiliary?.specifications ?? []).enumerated().flatMap { index, shape in
                let linear = part(index)
                return Array(
                    UnsafeBufferPointer(start: linear.weight, count: shape.input * shape.output)
                ) + Array(UnsafeBufferPointer(start: linear.bias, count: shape.output))
            }
        }
    }

    @Test(arguments: Reduction.allCases)
    func `gradients of weights and projections are the loss's slopes`(
        _ reduction: Reduction
    ) throws {
        let setup = Setup(terms: try Self.terms(reduction))
        let batch = Self.batch(9)
        _ = setup.loss(batch)
        setup.pass.backward(into: setup.gradients)
        let auxiliary = try #require(setup.objective.auxiliary)
        #expect(
            auxiliary.specifications.map(\.name) == [
                "embeddings.0", "hidden_states.1", "hidden_states.2", "shared",
            ]
        )
        let gradient = setup.projections(auxiliary.gradient)
        var random = Philox(seed: 31, purpose: .sampling)
        // One direction for each parameter of the model, and one for all projections.
        for (name, slot) in setup.model.layout.entries where !name.hasSuffix("key.bias") {
            let start = setup.model.weights.pointer(slot)
            let before = (0..<slot.shape.count).map { start[$0] }
            let direction = before.map { _ in Float(random.nextNormal()) }
            let own =
                name == "embeddings.word_embeddings.weight"
                ? setup.gradients.wordEmbeddings() : setup.gradients.dense.tensor(slot).values
            // The padding piece has no gradient.
            let padding = name == "embeddings.word_embeddings.weight" ? 0..<12 : 0..<0
            func at(_ step: Float) -> Double {
                for index in before.indices where !padding.contains(index) {
                    start[index] = before[index] + step * direction[index]
                }
                return setup.loss(batch).loss
            }
            check(at, own, direction, name)
            for index in before.indices { start[index] = before[index] }
        }
        for (index, shape) in auxiliary.specifications.enumerated() {
            let linear = auxiliary.linear(index)
            let count = shape.input * shape.output + (shape.hasBias ? shape.output : 0)
            let offset = (0..<index).reduce(0) {
                let other = auxiliary.specifications[$1]
                return $0 + other.input * other.output + other.output
            }
            let before = (0..<count).map { linear.weight[$0] }
            let direction = before.map { _ in Float(random.nextNormal()) }
            func at(_ step: Float) -> Double {
                for element in before.indices {
                    linear.weight[element] = before[element] + step * direction[element]
                }
                return setup.loss(batch).loss
            }
            check(at, Array(gradient[offset..<offset + count]), direction, shape.name)
            for element in before.indices { linear.weight[element] = before[element] }
        }
    }

    private func check(
        _ at: (Float) -> Double,
        _ gradient: [Float],
        _ direction: [Float],
        _ name: String
    ) {
        let step: Float = 2e-3
        let slope = (at(step) - at(-step)) / (2 * Double(step))
        let product = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(
            abs(slope - product) <= 5e-3 * max(abs(slope), 0.3),
            "\(name): \(product), \(slope)"
        )
    }

    @Test func `any number of workers gives the same bits`() throws {
        let batch = Self.batch(40)
        var expected: [[UInt64]] = []
        for workers in [1, 2, 3, 8] {
            let setup = Setup(workers: workers, terms: try Self.terms(.tokenMean))
            let value = setup.loss(batch)
            #expect(setup.pass.shardCount > 3)
            setup.pass.backward(into: setup.gradients)
            let auxiliary = try #require(setup.objective.auxiliary)
            let found = [
                value.terms.map(\.value.bitPattern) + [value.loss.bitPattern],
                setup.projections(auxiliary.gradient).map { UInt64($0.bitPattern) },
                setup.model.layout.entries.flatMap { name, slot in
                    name.hasPrefix("embeddings.word")
                        ? setup.gradients.wordEmbeddings()
                        : setup.gradients.dense.tensor(slot).values
                }.map { UInt64($0.bitPattern) },
            ]
            if expected.isEmpty { expected = found }
            #expect(found == expected)
        }
    }

    @Test func `the loss is the sum of its weighted terms`() throws {
        let setup = Setup(terms: try Self.terms(.batchMean))
        let value = setup.loss(Self.batch(5))
        #expect(value.terms.count == 9)
        #expect(abs(value.terms.reduce(0) { $0 + $1.value } - value.loss) < 1e-9)
        #expect(value.terms.allSatisfy { $0.value > 0 })
    }

    @Test func `two halves by their shares have the gradient of the whole`() throws {
        // With batch means every sequence weighs the same, in the whole and in halves.
        let setup = Setup(terms: try Self.terms(.batchMean))
        let auxiliary = try #require(setup.objective.auxiliary)
        let all = Self.batch(8)
        func part(_ range: Range<Int>) -> PackedBatch {
            PackedBatch(
                range.map { sequence in
                    let ids = Array(all.ids[all.rows(of: sequence)])
                    return Encoding(
                        ids: ids,
                        tokenTypes: [Int32](repeating: 0, count: ids.count),
                        truncated: 0
                    )
                }
            )
        }
        func gradients() -> [Float] {
            setup.projections(auxiliary.gradient)
                + setup.model.layout.entries.filter { $0.name.hasPrefix("encoder") }
                .flatMap { setup.gradients.dense.tensor($0.slot).values }
        }
        let whole = setup.loss(all).loss
        setup.pass.backward(into: setup.gradients)
        let expected = gradients()
        var sum = 0.0
        for (index, range) in [0..<2, 2..<8].enumerated() {
            let share = Double(range.count) / 8
            sum += share * setup.loss(part(range), share: share, accumulate: index > 0).loss
            setup.pass.backward(into: setup.gradients, accumulate: index > 0)
        }
        #expect(abs(sum - whole) < 1e-4)
        for (a, b) in zip(gradients(), expected) { #expect(abs(a - b) < 1e-4 + 1e-3 * abs(b)) }
    }

    @Test func `the optimizer moves projections with the model, and counts their norm`() throws {
        let setup = Setup(terms: try Self.terms(.tokenMean))
        let auxiliary = try #require(setup.objective.auxiliary)
        let constants = AdamW.Constants(weightDecay: 0, clipNorm: nil)
        let optimizer = AdamW(
            setup.model,
            auxiliary: auxiliary,
            constants: constants,
            pool: setup.pass.pool
        )
        let alone = AdamW(setup.model, constants: constants, pool: setup.pass.pool)
        let batch = Self.batch(6)
        let start = setup.loss(batch).loss
        setup.pass.backward(into: setup.gradients)
        let squares = setup.projections(auxiliary.gradient)
            .reduce(0.0) { $0 + Double($1) * Double($1) }
        let norms = [alone, optimizer].map { $0.gradientNorm(setup.gradients) }
        #expect(abs(norms[1] * norms[1] - norms[0] * norms[0] - squares) < 1e-3 * squares)
        let before = setup.projections(auxiliary.linear)
        for _ in 0..<30 {
            optimizer.prepare(batch.ids)
            _ = setup.loss(batch)
            setup.pass.backward(into: setup.gradients)
            let norm = optimizer.gradientNorm(setup.gradients)
            optimizer.step(setup.gradients, norm: norm, learningRate: 1e-2)
        }
        let after = setup.projections(auxiliary.linear)
        let moved = zip(before, after).filter { $0 != $1 }.count
        // The biases of projections without one stay zero.
        let biasless = auxiliary.specifications.filter { !$0.hasBias }.reduce(0) { $0 + $1.output }
        #expect(moved == before.count - biasless)
        #expect(setup.loss(batch).loss < 0.7 * start)
    }

    @Test func `without a prediction the head has no gradient`() throws {
        let setup = Setup(terms: try Self.terms(.tokenMean), source: nil)
        let value = setup.loss(Self.batch(4))
        #expect(value.terms.count == 8)
        setup.pass.backward(into: setup.gradients)
        for (name, slot) in setup.model.layout.entries
        where name.hasPrefix("classifier") || name.hasPrefix("pooler") {
            #expect(setup.gradients.dense.tensor(slot).values.allSatisfy { $0 == 0 }, "\(name)")
        }
    }

    @Test func `logits kept for examples and logits computed anew are the same loss`() throws {
        let batch = Self.batch(6)
        let computed = Setup(terms: [])
        let pool = WorkerPool(workerCount: 2)
        let teacher = BertInference(BertModel(Self.teacherConfiguration, seed: 6), pool: pool)
        let kept = Setup(terms: [], source: .kept(teacher.logits(batch)))
        #expect(abs(computed.loss(batch).loss - kept.loss(batch).loss) < 1e-6)
    }
}
