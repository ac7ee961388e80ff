import Bert
import Datasets
import Distillation
import Training

extension Distill {
    /// Carries out a recipe's stages one after another on one student: the last one's result, with all
    /// stages' steps and losses. Where the last stage never came up to an earlier one's best score, the
    /// student ends with that one's weights.
    ///
    /// - Parameter text: what stages on plain text read; such a recipe was refused without it.
    func train(
        _ student: BertModel,
        by recipe: Recipe,
        _ objectives: StageObjectives,
        data: EncodedDataset,
        dev: DevelopmentJudge,
        text: TextData?,
        work: TrainingRun,
        log: inout TrainingLog
    ) throws -> TrainingResult {
        var objectives = objectives
        var result: TrainingResult?
        var best: (weights: BertModel, result: TrainingResult)?
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
                    evaluateEvery: isScored ? work.training.evaluateEvery : nil,
                    patience: work.training.earlyStopping
                ),
                label: several ? "distilling, \(stage.name)" : "distilling",
                log: &log
            )
            if let earlier = best, let score = earlier.result.best?.score, let own = found.best,
                index == recipe.stages.count - 1, !own.score.isBetter(than: score)
            {
                student.weights.copy(from: earlier.weights.weights)
                work.remarks.say(
                    "distilling: an earlier stage had the better \(own.score.metric); its weights are "
                        + "kept"
                )
                return earlier.result.following(result, with: found)
            }
            result = found.following(result)
            if several, index < recipe.stages.count - 1, work.training.keep == .best,
                let own = found.best?.score,
                best?.result.best.map({ own.isBetter(than: $0.score) }) ?? true
            {
                best = (BertModel(copying: student), found)
            }
        }
        guard let result else { preconditionFailure("a recipe without stages") }
        return result
    }
}

extension TrainingResult {
    /// This stage's result behind those of earlier stages.
    ///
    /// - Parameter last: the stage that came last, if that is another.
    fileprivate func following(
        _ earlier: TrainingResult?,
        with last: TrainingResult? = nil
    ) -> TrainingResult {
        let last = last ?? self
        return TrainingResult(
            steps: steps,
            best: best,
            evaluations: (earlier?.evaluations ?? []) + last.evaluations,
            epochLosses: (earlier?.epochLosses ?? []) + last.epochLosses,
            stoppedEarly: last.stoppedEarly
        )
    }
}
