import Bert
import Datasets
import Distillation
import Training

extension Distill {
    /// Carries out a recipe's stages one after another on one student: the last one's result, with all
    /// stages' steps and losses.
    ///
    /// - Parameter text: what stages on plain text read; such a recipe was refused without it.
    func train(
        _ student: BertModel,
        by recipe: Recipe,
        _ objectives: StageObjectives,
        data: EncodedDataset,
        dev: EncodedDataset,
        text: TextData?,
        work: TrainingRun,
        log: inout TrainingLog
    ) throws -> TrainingResult {
        var objectives = objectives
        var result: TrainingResult?
        for (index, stage) in recipe.stages.enumerated() {
            let isScored = stage.prediction.map { $0.weight > 0 } ?? false
            let several = recipe.stages.count > 1
            log.stage = several ? stage.name : nil
            let input: (any TrainingData)? = stage.data == .task ? data : text
            guard let input else { preconditionFailure("a stage on plain text without any") }
            let found = try work.train(
                student,
                data: input,
                dev: isScored ? dev : nil,
                objective: try objectives.next(stage),
                configuration: stage.training(
                    gradientAccumulation: work.training.gradientAccumulation,
                    precision: work.training.precision,
                    seed: work.training.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15,
                    evaluateEvery: isScored ? work.training.evaluateEvery : nil
                ),
                label: several ? "distilling, \(stage.name)" : "distilling",
                log: &log
            )
            result = found.following(result)
        }
        guard let result else { preconditionFailure("a recipe without stages") }
        return result
    }
}

extension TrainingResult {
    /// This stage's result behind those of earlier stages.
    fileprivate func following(_ earlier: TrainingResult?) -> TrainingResult {
        guard let earlier else { return self }
        return TrainingResult(
            steps: steps,
            best: best,
            evaluations: earlier.evaluations + evaluations,
            epochLosses: earlier.epochLosses + epochLosses
        )
    }
}
