import Bert
import Datasets
import Diagnostics
import Kernels
import Tensors
import TestSupport
import Testing
import Training

@Suite struct TrainerTests {
    private let pool = WorkerPool(workerCount: 2)

    private func trainer(
        _ model: BertModel,
        _ data: EncodedDataset,
        _ configuration: TrainingConfiguration,
        pool: WorkerPool? = nil,
        keepsBest: Bool = true,
        score: (() -> DevelopmentScore)? = nil
    ) -> Trainer {
        Trainer(
            model,
            data: data,
            objective: CrossEntropyLoss(targets: data.targets, classCount: SmallTask.classCount),
            configuration: configuration,
            pool: pool ?? self.pool,
            score: score,
            keepsBest: keepsBest
        )
    }

    @Test func `training makes the loss small`() throws {
        let data = try SmallTask.data(60)
        let result = try trainer(
            SmallTask.model(dropout: 0),
            data,
            SmallTask.trainingConfiguration(epochs: 30)
        ).run { _ in }
        #expect(result.epochLosses.count == 30)
        #expect(
            result.epochLosses[0] > 0.9 && result.epochLosses[29] < 0.4,
            "\(result.epochLosses)"
        )
    }

    @Test func `ten steps with dropout give the same bits for any number of workers`() throws {
        let data = try SmallTask.data(200)
        func bits(_ workers: Int) throws -> [UInt32] {
            let model = SmallTask.model()
            let configuration = SmallTask.trainingConfiguration(epochs: 1, batchSize: 20)
            let result = try trainer(
                model,
                data,
                configuration,
                pool: WorkerPool(workerCount: workers)
            ).run { _ in }
            #expect(result.steps == 10)
            return SmallTask.bits(model)
        }
        let expected = try bits(1)
        #expect(expected != SmallTask.bits(SmallTask.model()))
        for workers in [2, 3, 8] { #expect(try bits(workers) == expected, "\(workers) workers") }
    }

    @Test func `the seed names the run`() throws {
        let data = try SmallTask.data(40)
        func bits(_ seed: UInt64) throws -> [UInt32] {
            let model = SmallTask.model()
            var configuration = SmallTask.trainingConfiguration(epochs: 1)
            configuration.seed = seed
            _ = try trainer(model, data, configuration).run { _ in }
            return SmallTask.bits(model)
        }
        #expect(try bits(1) == bits(1))
        #expect(try bits(1) != bits(2))
    }

    @Test func `steps report what they took, the last partial batch included`() throws {
        let data = try SmallTask.data(21)
        let configuration = SmallTask.trainingConfiguration(epochs: 2, batchSize: 8)
        let trainer = trainer(SmallTask.model(), data, configuration)
        #expect(trainer.stepsPerEpoch == 3)
        let events = Events()
        let result = try trainer.run { events.record($0) }
        let steps = events.steps
        #expect(steps.map(\.step) == [1, 2, 3, 4, 5, 6] && result.steps == 6)
        #expect(steps.allSatisfy { $0.totalSteps == 6 })
        #expect(steps.map(\.epoch) == [0, 0, 0, 1, 1, 1])
        #expect(steps.map(\.examples) == [8, 8, 5, 8, 8, 5])
        #expect(steps[..<3].reduce(0) { $0 + $1.tokens } == data.tokenCount)
        let schedule = LearningRateSchedule(peak: 5e-3, warmupProportion: 0.1, totalSteps: 6)
        #expect(steps.map(\.learningRate) == (0..<6).map { schedule($0) })
        for step in steps {
            #expect(step.loss.isFinite && step.gradientNorm > 0)
            #expect(step.terms.map(\.name) == ["hard_labels"])
            #expect(abs(step.terms[0].value - step.loss) < 1e-12)
        }
        #expect(events.evaluations.isEmpty && result.best == nil)
        let first = steps[..<3].reduce(0) { $0 + $1.loss } / 3
        #expect(abs(result.epochLosses[0] - first) < 1e-12)
    }

    @Test func `accumulated batches are one large batch, at the ragged end too`() throws {
        // 21 examples: 8, 8 and 5; in fours: 4 + 4, 4 + 4 and 4 + 1.
        let data = try SmallTask.data(21)
        func run(_ size: Int, _ accumulation: Int) throws -> (
            steps: [TrainingEvent.StepReport], model: BertModel
        ) {
            let model = SmallTask.model(dropout: 0)
            let events = Events()
            let configuration = SmallTask.trainingConfiguration(
                epochs: 2,
                batchSize: size,
                accumulation: accumulation
            )
            let trainer = trainer(model, data, configuration)
            #expect(trainer.stepsPerEpoch == 3)
            _ = try trainer.run { events.record($0) }
            return (events.steps, model)
        }
        let (whole, parts) = (try run(8, 1), try run(4, 2))
        #expect(parts.steps.map(\.examples) == [8, 8, 5, 8, 8, 5])
        for (a, b) in zip(whole.steps, parts.steps) {
            #expect(abs(a.loss - b.loss) < 1e-5, "step \(a.step)")
            #expect(abs(a.gradientNorm - b.gradientNorm) < 1e-4 * a.gradientNorm, "step \(a.step)")
            #expect(a.tokens == b.tokens)
        }
    }

    @Test func `evaluations come at their steps and at the end of every epoch`() throws {
        let data = try SmallTask.data(40)
        let configuration = SmallTask.trainingConfiguration(
            epochs: 2,
            batchSize: 8,
            evaluateEvery: 3
        )
        let events = Events()
        var calls = 0
        let result = try trainer(SmallTask.model(), data, configuration) {
            calls += 1
            return DevelopmentScore(metric: "accuracy", value: 0.5, loss: 1)
        }.run { events.record($0) }
        #expect(events.evaluations.map(\.step) == [3, 5, 6, 9, 10])
        #expect(events.evaluations.map(\.epoch) == [0, 0, 1, 1, 1])
        #expect(calls == 5 && result.evaluations.map(\.step) == [3, 5, 6, 9, 10])
        // Equal scores: the first stays the best.
        #expect(events.evaluations.map(\.isBest) == [true, false, false, false, false])
        #expect(result.best?.step == 3)
    }

    @Test(arguments: [true, false])
    func `the model ends with the best weights, or the last where that is asked`(
        _ keepsBest: Bool
    ) throws {
        let data = try SmallTask.data(40)
        let model = SmallTask.model()
        // The second and the fourth have the best value; the smaller loss decides.
        var script = [(0.5, 1.0), (0.8, 0.9), (0.7, 0.1), (0.8, 0.5), (0.6, 0.2)]
        var weights: [[UInt32]] = []
        let result = try trainer(
            model,
            data,
            SmallTask.trainingConfiguration(epochs: 5),
            keepsBest: keepsBest
        ) {
            weights.append(SmallTask.bits(model))
            let (value, loss) = script.removeFirst()
            return DevelopmentScore(metric: "accuracy", value: value, loss: loss)
        }.run { _ in }
        #expect(result.evaluations.map(\.isBest) == [true, true, false, true, false])
        #expect(result.best?.epoch == 3)
        #expect(Set(weights).count == 5)
        #expect(SmallTask.bits(model) == weights[keepsBest ? 3 : 4])
    }

    @Test func `evaluating changes the run by no more than rounding`() throws {
        // A word row that has never had a gradient decays by one factor for all steps since it was
        // last read, and so rounds differently.
        let data = try SmallTask.data(40)
        let (watched, alone) = (SmallTask.model(), SmallTask.model())
        _ = try trainer(
            watched,
            data,
            SmallTask.trainingConfiguration(evaluateEvery: 2),
            keepsBest: false
        ) { DevelopmentScore(metric: "accuracy", value: 0, loss: 0) }.run { _ in }
        _ = try trainer(alone, data, SmallTask.trainingConfiguration()).run { _ in }
        for (name, slot) in alone.layout.entries where !name.hasSuffix("key.bias") {
            expectClose(
                actual: watched.weights.tensor(slot).values,
                expected: alone.weights.tensor(slot).values,
                absolute: 2e-5,
                reason: name
            )
        }
    }

    @Test func `training stops when the patience is exhausted, with the best weights`() throws {
        let data = try SmallTask.data(40)
        let model = SmallTask.model()
        var configuration = SmallTask.trainingConfiguration(epochs: 6)
        configuration.patience = 2
        var script = [0.5, 0.8, 0.7, 0.8, 0.9, 0.9]
        var weights: [[UInt32]] = []
        let result = try trainer(model, data, configuration) {
            weights.append(SmallTask.bits(model))
            return DevelopmentScore(metric: "accuracy", value: script.removeFirst(), loss: 1)
        }.run { _ in }
        #expect(result.stoppedEarly && !result.endsAtBest)
        #expect(result.steps == 4 * 5)
        #expect(result.evaluations.count == 4 && result.epochLosses.count == 4)
        #expect(SmallTask.bits(model) == weights[1])
    }

    @Test(arguments: [[0.5, 0.6], [0.6, 0.5], [0.6]])
    func `a best score at the last of several looks is noticed`(_ script: [Double]) throws {
        var rest = script
        var configuration = SmallTask.trainingConfiguration(epochs: script.count)
        configuration.patience = 1
        let result = try trainer(SmallTask.model(), SmallTask.data(16), configuration) {
            DevelopmentScore(metric: "accuracy", value: rest.removeFirst(), loss: 1)
        }.run { _ in }
        #expect(result.endsAtBest == (script == [0.5, 0.6]))
        // The last step is no early stop.
        #expect(!result.stoppedEarly)
    }

    @Test func `where smaller is better, the smallest is kept`() throws {
        let model = SmallTask.model()
        var script = [0.5, 0.2, 0.3]
        let configuration = SmallTask.trainingConfiguration(epochs: 3)
        let result = try trainer(model, SmallTask.data(16), configuration) {
            DevelopmentScore(
                metric: "kl",
                value: script.removeFirst(),
                loss: 1,
                isLowerBetter: true
            )
        }.run { _ in }
        #expect(result.best?.score.value == 0.2)
    }
}
