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
    private let score: (() throws(Failure) -> DevelopmentScore)?
    private let keepsBest: Bool
    /// How a person finds some examples of the data, which are ascending.
    private let places: ([Int]) -> String

    /// - Parameter score: evaluates the model as it stands; nil without development data, and then
    ///   the last weights are kept.
    /// - Parameter keepsBest: whether the model ends with the weights that scored best, or the last.
    /// - Parameter places: what a message calls some examples of the data, ascending.
    public init(
        _ model: any TrainableModel,
        data: any TrainingData,
        objective: any TrainingObjective,
        configuration: TrainingConfiguration,
        pool: WorkerPool,
        score: (() throws(Failure) -> DevelopmentScore)?,
        keepsBest: Bool = true,
        places: @escaping (_ examples: [Int]) -> String = {
            "examples \(listing($0.map(String.init)))"
        }
    ) {
        self.places = places
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
        score: (() throws(Failure) -> DevelopmentScore)?,
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

    /// Batches in one epoch.
    var batchesPerEpoch: Int {
        (data.count + configuration.batchSize - 1) / configuration.batchSize
    }

    /// Optimizer steps in one epoch.
    public var stepsPerEpoch: Int {
        let group = configuration.gradientAccumulation
        return (batchesPerEpoch + group - 1) / group
    }

    /// Runs all epochs, or until the patience is exhausted; the model then holds the best weights.
    ///
    /// - Parameters:
    ///   - saved: where to go on; nil begins with the model as it is.
    ///   - plan: is told what training will take of memory before it takes it; what it throws ends the
    ///     run.
    ///   - keep: is handed every moment that a run can go on from, to save it if it likes; what it throws
    ///     ends the run there. At least one comes with every batch.
    /// - Throws: `Failure` of kind `.diverged` before the step whose loss or gradient is not finite;
    ///   the model then holds the weights of the step before. `Failure` of kind `.usage` for a model
    ///   that is not trained (`checkTrains`), of kind `.badData` for a saved moment of another run, and of
    ///   others where the data cannot be read.
    public func run(
        from saved: SavedTraining? = nil,
        plan: (MemoryPlan) throws(Failure) -> Void = { _ in },
        keep: (TrainingMoment) throws(Failure) -> Void = { _ in },
        _ report: (TrainingEvent) throws(Failure) -> Void
    ) throws(Failure) -> TrainingResult {
        try model.checkTrains(in: configuration.precision)
        return try run(model, from: saved, plan: plan, keep: keep, report)
    }

    private func run(
        _ model: some TrainableModel,
        from saved: SavedTraining?,
        plan announce: (MemoryPlan) throws(Failure) -> Void,
        keep: (TrainingMoment) throws(Failure) -> Void,
        _ report: (TrainingEvent) throws(Failure) -> Void
    ) throws(Failure) -> TrainingResult {
        let totalSteps = stepsPerEpoch * configuration.epochs
        let schedule = LearningRateSchedule(
            peak: configuration.learningRate,
            warmupProportion: configuration.warmupProportion,
            totalSteps: totalSteps,
            shape: configuration.schedule
        )
        var plan = MemoryPlan()
        let optimizer = plan.room("moments") {
            AdamW(
                model,
                auxiliary: objective.auxiliary,
                constants: configuration.optimizer,
                pool: pool
            )
        }
        let kept = plan.room("best weights") {
            score != nil && keepsBest ? FloatBuffer(count: model.arena.count) : nil
        }
        let pass = model.pass(pool: pool, precision: configuration.precision)
        let gradients = plan.room("gradients") { pass.gradients() }
        if score != nil { plan.add("evaluation", model.packedByteCount) }
        let longest = try data.longestBatch(
            batchSize: configuration.batchSize,
            seed: configuration.seed
        )
        if let longest {
            let tokens = longest.sequences.tokenCount
            let besides = plan.room("a batch of \(tokens) tokens") {
                objective.reserve(pass, for: longest)
                return pass.reserve(for: longest.sequences, outputs: objective.outputs)
            }
            plan.add("sums of gradients", besides)
        }
        try announce(plan)
        var progress = TrainingProgress()
        if let saved {
            progress = saved.progress
            try progress.check(self, of: saved.file.path)
            try optimizer.restore(from: saved.file, steps: progress.step) { schedule($0) }
            if let kept, progress.best != nil {
                try saved.file.read("best weights", into: kept.bytes)
            }
        }

        func moment() -> TrainingMoment {
            var parts = optimizer.parts
            if let kept, progress.best != nil {
                let bytes = UnsafeRawBufferPointer(kept.bytes)
                parts.append(StatePart(name: "best weights", bytes: bytes))
            }
            return TrainingMoment(progress: progress, parts: parts)
        }

        /// Measures the model; whether the patience is exhausted.
        func evaluate(_ score: () throws(Failure) -> DevelopmentScore) throws(Failure) -> Bool {
            progress.awaitsEvaluation = true
            try keep(moment())
            optimizer.synchronize()
            let value: DevelopmentScore
            do throws(Failure) {
                value = try score()
            } catch {
                if case .interrupted = error.kind { try keep(moment()) }
                throw error
            }
            progress.awaitsEvaluation = false
            let isBest = progress.best.map { value.isBetter(than: $0.score) } ?? true
            let evaluation = TrainingEvent.EvaluationReport(
                step: progress.step,
                epoch: progress.epoch,
                score: value,
                isBest: isBest
            )
            if isBest {
                if let kept { model.copyWeights(to: kept) }
                progress.best = evaluation
            }
            progress.evaluations.append(evaluation)
            try report(.evaluated(evaluation))
            progress.looksSinceBest = isBest ? 0 : progress.looksSinceBest + 1
            return progress.looksSinceBest == configuration.patience && progress.step < totalSteps
        }

        /// Takes one step along the gradient of some batches.
        func step(_ group: [TrainingBatch]) throws(Failure) {
            let answers = group.reduce(0) { $0 + $1.answers.count }
            var value = LossValue(loss: 0, terms: [])
            var microStep = progress.microStep
            for (index, part) in group.enumerated() {
                // Until the step is taken, what the batches before have computed changes nothing.
                try keep(moment())
                let batch = part.sequences
                optimizer.prepare(batch.ids)
                let share = Double(part.answers.count) / Double(max(1, answers))
                let found = pool.abandoning(when: Interruption.isRequested) {
                    _ = pass.forward(
                        batch,
                        outputs: objective.outputs,
                        dropoutSeed: configuration.seed,
                        step: microStep
                    )
                    let found = objective.evaluate(
                        pass,
                        part,
                        into: gradients,
                        share: share,
                        accumulate: index > 0
                    )
                    if found.loss.isFinite {
                        pass.backward(into: gradients, accumulate: index > 0)
                    }
                    return found
                }
                if Interruption.isRequested() {
                    try keep(moment())
                    try Interruption.check()
                }
                microStep &+= 1
                guard found.loss.isFinite else {
                    optimizer.synchronize()
                    let what = found.loss.isNaN ? "not a number" : "infinite"
                    throw diverged(progress.step, totalSteps, "the loss is \(what)", [part])
                }
                value.add(found, share: share)
            }
            let norm = optimizer.gradientNorm(gradients)
            guard norm.isFinite else {
                optimizer.synchronize()
                let tensor = optimizer.nonFiniteGradient(gradients) ?? "a parameter"
                throw diverged(
                    progress.step,
                    totalSteps,
                    "the gradient of \(tensor) is not finite",
                    group
                )
            }
            let rate = schedule(progress.step)
            optimizer.step(gradients, norm: norm, learningRate: rate)
            progress.step += 1
            progress.batches += group.count
            progress.microStep = microStep
            progress.lossSum += value.loss
            try report(
                .step(
                    TrainingEvent.StepReport(
                        step: progress.step,
                        totalSteps: totalSteps,
                        epoch: progress.epoch,
                        loss: value.loss,
                        terms: value.terms,
                        learningRate: rate,
                        gradientNorm: norm,
                        examples: group.reduce(0) { $0 + $1.examples.count },
                        tokens: group.reduce(0) { $0 + $1.sequences.tokenCount }
                    )
                )
            )
        }

        var stoppedEarly = false
        while progress.epoch < configuration.epochs, !stoppedEarly {
            var batches = data.epoch(
                progress.epoch,
                batchSize: configuration.batchSize,
                seed: configuration.seed
            )
            for _ in 0..<progress.batches {
                try Interruption.check()
                guard try batches.next() != nil else {
                    throw Failure(.badData, "training", "the data ends before the saved place")
                }
            }
            var following = try batches.next()
            if let score, progress.awaitsEvaluation { stoppedEarly = try evaluate(score) }
            while following != nil, !stoppedEarly {
                var group: [TrainingBatch] = []
                while let batch = following, group.count < configuration.gradientAccumulation {
                    group.append(batch)
                    following = try batches.next()
                }
                try step(group)
                let isDue =
                    configuration.evaluateEvery.map { progress.step % $0 == 0 } ?? false
                if let score, following == nil || isDue { stoppedEarly = try evaluate(score) }
            }
            let steps = progress.step - progress.epoch * stepsPerEpoch
            progress.epochLosses.append(progress.lossSum / Double(max(1, steps)))
            progress.epoch += 1
            (progress.batches, progress.lossSum) = (0, 0)
        }
        optimizer.synchronize()
        if let kept, progress.best != nil { model.copyWeights(from: kept) }
        return TrainingResult(
            steps: progress.step,
            best: progress.best,
            evaluations: progress.evaluations,
            epochLosses: progress.epochLosses,
            stoppedEarly: stoppedEarly
        )
    }

    private func diverged(
        _ step: Int,
        _ totalSteps: Int,
        _ what: String,
        _ batches: [TrainingBatch]
    ) -> Failure {
        // An example and its variants are one.
        let examples = Set(batches.flatMap(\.examples)).sorted()
        return Failure(
            .diverged,
            "training",
            "stopped before step \(step + 1) of \(totalSteps) because \(what), in a batch of "
                + places(examples),
            remedy: "A lower learning rate or a longer warm-up usually helps"
        )
    }
}
