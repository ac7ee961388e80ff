import Bert
public import Diagnostics
public import Kernels
import Tokenization

/// Trains a model in place towards an objective, keeping the weights that did best on development
/// data.
public struct Trainer {
    public let model: any TrainableModel
    public let data: any TrainingData
    public let objective: any TrainingObjective
    public let configuration: TrainingConfiguration
    private let pool: WorkerPool
    private let score: (() -> DevelopmentScore)?
    private let keepsBest: Bool

    /// - Parameter score: evaluates the model as it stands; nil without development data, and then
    ///   the last weights are kept.
    /// - Parameter keepsBest: whether the model ends with the weights that scored best, or the last.
    public init(
        _ model: any TrainableModel,
        data: any TrainingData,
        objective: any TrainingObjective,
        configuration: TrainingConfiguration,
        pool: WorkerPool,
        score: (() -> DevelopmentScore)?,
        keepsBest: Bool = true
    ) {
        self.model = model
        self.data = data
        self.objective = objective
        self.configuration = configuration
        self.pool = pool
        self.score = score
        self.keepsBest = keepsBest
    }

    /// Trains towards an objective that reads logits alone.
    public init(
        _ model: any TrainableModel,
        data: any TrainingData,
        objective: any Objective,
        configuration: TrainingConfiguration,
        pool: WorkerPool,
        score: (() -> DevelopmentScore)?,
        keepsBest: Bool = true
    ) {
        self.init(
            model,
            data: data,
            objective: LogitObjective(objective),
            configuration: configuration,
            pool: pool,
            score: score,
            keepsBest: keepsBest
        )
    }

    /// Optimizer steps in one epoch.
    public var stepsPerEpoch: Int {
        let batches = (data.count + configuration.batchSize - 1) / configuration.batchSize
        let group = configuration.gradientAccumulation
        return (batches + group - 1) / group
    }

    /// Runs all epochs, or until the patience is exhausted; the model then holds the best weights.
    ///
    /// - Throws: `Failure` of kind `.diverged` before the step whose loss or gradient is not finite;
    ///   the model then holds the weights of the step before. `Failure` of kind `.usage` for a model
    ///   that is not trained (`checkTrains`), and of others where the data cannot be read.
    public func run(
        _ report: (TrainingEvent) throws(Failure) -> Void
    ) throws(Failure) -> TrainingResult {
        try model.checkTrains(in: configuration.precision)
        return try run(model, report)
    }

    private func run(
        _ model: some TrainableModel,
        _ report: (TrainingEvent) throws(Failure) -> Void
    ) throws(Failure) -> TrainingResult {
        let totalSteps = stepsPerEpoch * configuration.epochs
        let schedule = LearningRateSchedule(
            peak: configuration.learningRate,
            warmupProportion: configuration.warmupProportion,
            totalSteps: totalSteps,
            shape: configuration.schedule
        )
        let optimizer = AdamW(
            model,
            auxiliary: objective.auxiliary,
            constants: configuration.optimizer,
            pool: pool
        )
        let pass = model.pass(pool: pool, precision: configuration.precision)
        let gradients = pass.gradients()
        let kept = score != nil && keepsBest ? FloatBuffer(count: model.arena.count) : nil
        var best: TrainingEvent.EvaluationReport?
        var evaluations: [TrainingEvent.EvaluationReport] = []
        var epochLosses: [Double] = []
        var step = 0
        var microStep: UInt32 = 0
        var looksSinceBest = 0
        var stoppedEarly = false

        training: for epoch in 0..<configuration.epochs {
            var batches = data.epoch(
                epoch,
                batchSize: configuration.batchSize,
                seed: configuration.seed
            )
            var lossSum = 0.0
            var following = try batches.next()
            while following != nil {
                var group: [TrainingBatch] = []
                while let batch = following, group.count < configuration.gradientAccumulation {
                    group.append(batch)
                    following = try batches.next()
                }
                let examples = group.reduce(0) { $0 + $1.examples.count }
                let answers = group.reduce(0) { $0 + $1.answers.count }
                var value = LossValue(loss: 0, terms: [])
                var tokens = 0
                for (index, part) in group.enumerated() {
                    let batch = part.sequences
                    tokens += batch.tokenCount
                    optimizer.prepare(batch.ids)
                    _ = pass.forward(
                        batch,
                        outputs: objective.outputs,
                        dropoutSeed: configuration.seed,
                        step: microStep
                    )
                    microStep &+= 1
                    let share = Double(part.answers.count) / Double(max(1, answers))
                    let found = objective.evaluate(
                        pass,
                        part,
                        into: gradients,
                        share: share,
                        accumulate: index > 0
                    )
                    guard found.loss.isFinite else {
                        optimizer.synchronize()
                        let what = found.loss.isNaN ? "not a number" : "infinite"
                        throw diverged(step, totalSteps, "the loss is \(what)")
                    }
                    value.add(found, share: share)
                    pass.backward(into: gradients, accumulate: index > 0)
                }
                let norm = optimizer.gradientNorm(gradients)
                guard norm.isFinite else {
                    optimizer.synchronize()
                    let tensor = optimizer.nonFiniteGradient(gradients) ?? "a parameter"
                    throw diverged(step, totalSteps, "the gradient of \(tensor) is not finite")
                }
                let rate = schedule(step)
                optimizer.step(gradients, norm: norm, learningRate: rate)
                step += 1
                lossSum += value.loss
                try report(
                    .step(
                        TrainingEvent.StepReport(
                            step: step,
                            totalSteps: totalSteps,
                            epoch: epoch,
                            loss: value.loss,
                            terms: value.terms,
                            learningRate: rate,
                            gradientNorm: norm,
                            examples: examples,
                            tokens: tokens
                        )
                    )
                )
                let isEpochEnd = following == nil
                let isDue = configuration.evaluateEvery.map { step % $0 == 0 } ?? false
                if let score, isEpochEnd || isDue {
                    optimizer.synchronize()
                    let value = score()
                    let isBest = best.map { value.isBetter(than: $0.score) } ?? true
                    let evaluation = TrainingEvent.EvaluationReport(
                        step: step,
                        epoch: epoch,
                        score: value,
                        isBest: isBest
                    )
                    if isBest {
                        if let kept { model.copyWeights(to: kept) }
                        best = evaluation
                    }
                    evaluations.append(evaluation)
                    try report(.evaluated(evaluation))
                    looksSinceBest = isBest ? 0 : looksSinceBest + 1
                    if looksSinceBest == configuration.patience, step < totalSteps {
                        stoppedEarly = true
                        epochLosses.append(lossSum / Double(step - epoch * stepsPerEpoch))
                        break training
                    }
                }
            }
            epochLosses.append(lossSum / Double(max(1, stepsPerEpoch)))
        }
        optimizer.synchronize()
        if let kept, best != nil { model.copyWeights(from: kept) }
        return TrainingResult(
            steps: step,
            best: best,
            evaluations: evaluations,
            epochLosses: epochLosses,
            stoppedEarly: stoppedEarly
        )
    }

    private func diverged(_ step: Int, _ totalSteps: Int, _ what: String) -> Failure {
        Failure(
            .diverged,
            "training",
            "stopped before step \(step + 1) of \(totalSteps) because \(what)",
            remedy: "A lower learning rate or a longer warm-up usually helps"
        )
    }
}
