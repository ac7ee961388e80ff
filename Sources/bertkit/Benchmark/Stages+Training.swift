import Bert
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Kernels
import Tokenization
import Training

/// Training steps: forward, backward and AdamW, on a copy of the weights.
extension StageMaker {
    private static let trainingSteps = 20
    private static let seed: UInt64 = 42

    /// Steps towards the labels.
    func training() -> Stage {
        let steps = shuffledBatches()
        let gold = configuration.taskKind.goldLoss(workload.targets)
        return stage(
            .training,
            steps,
            WorkAmount(steps.map(\.sequences), of: configuration, passes: 3),
            LogitObjective(gold)
        )
    }

    /// Steps of a recipe's stage, the teacher's intermediate outputs being computed in each. Its logits
    /// for the task's examples are computed before, as distilling does.
    func distillation(
        _ recipeStage: RecipeStage,
        _ data: EncodedDataset,
        teacher: BertModel
    ) throws(Failure) -> Stage {
        let steps = shuffledBatches()
        let inference = BertInference(teacher, pool: pool, precision: precision)
        var logits: [Float] = []
        if recipeStage.readsTeacherLogits {
            let width = teacher.configuration.taskKind.outputCount
            logits = [Float](repeating: 0, count: data.count * width)
            for batch in steps {
                let answers = inference.logits(batch.sequences)
                for (row, example) in batch.examples.enumerated() {
                    let answer = answers[row * width..<(row + 1) * width]
                    logits.replaceSubrange(example * width..<(example + 1) * width, with: answer)
                }
            }
        }
        var objectives = StageObjectives(
            student: configuration,
            teacher: inference,
            data: data,
            teacherLogits: logits,
            workerCount: pool.workerCount,
            seed: Self.seed
        )
        let objective = try objectives.next(recipeStage)
        var work = WorkAmount(steps.map(\.sequences), of: configuration, passes: 3)
        if !objective.terms.isEmpty {
            work.operations +=
                WorkAmount(steps.map(\.sequences), of: teacher.configuration).operations
        }
        return stage(.distillation, steps, work, objective)
    }

    private func shuffledBatches() -> [TrainingBatch] {
        let sampler = BatchSampler(
            lengths: workload.lengths,
            batchSize: min(batchSize, workload.count),
            order: trainingOrder == .grouped
                ? .grouped(seed: Self.seed) : .shuffled(seed: Self.seed)
        )
        // The last batch of an epoch may be a smaller one.
        return sampler.epoch(0).lazy.filter { $0.count == sampler.batchSize }
            .prefix(Self.trainingSteps)
            .map { TrainingBatch(sequences: workload.batch($0), examples: $0) }
    }

    private func stage(
        _ name: Stage.Name,
        _ steps: [TrainingBatch],
        _ work: WorkAmount,
        _ objective: any TrainingObjective
    ) -> Stage {
        let model = BertModel(copying: classifier.model)
        let optimizer = AdamW(
            model,
            auxiliary: objective.auxiliary,
            constants: AdamW.Constants(weightDecay: 0.01, clipNorm: 1),
            pool: pool
        )
        let pass = TrainingPass(model, pool: pool, precision: precision)
        let gradients = Gradients(model.layout)
        return Stage(name: name, work: work) { () throws(Failure) in
            let start = now()
            for batch in steps {
                optimizer.prepare(batch.sequences.ids)
                _ = pass.forward(
                    batch.sequences,
                    outputs: objective.outputs,
                    dropoutSeed: Self.seed,
                    step: UInt32(optimizer.stepCount)
                )
                pool.recorder(0)?.lap(.planning)
                let value = objective.evaluate(
                    pass,
                    batch,
                    into: gradients,
                    share: 1,
                    accumulate: false
                )
                pool.recorder(0)?.lap(.loss)
                pass.backward(into: gradients, accumulate: false)
                let norm = optimizer.gradientNorm(gradients)
                guard value.loss.isFinite, norm.isFinite else {
                    throw Failure(
                        .diverged,
                        path,
                        "a training step's loss or gradient is not finite",
                        remedy: "Measure without it: --no-training-step"
                    )
                }
                optimizer.step(gradients, norm: norm, learningRate: 1e-6)
            }
            return [now() - start]
        }
    }
}
