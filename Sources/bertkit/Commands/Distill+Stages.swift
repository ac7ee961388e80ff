import Bert
import Datasets
import Diagnostics
import Distillation
import Kernels
import Training

extension Distill {
    /// Carries out a recipe's stages one after another on one student: the last one's result, with all
    /// stages' steps and losses. Where the last stage never came up to an earlier one's best score, the
    /// student ends with that one's weights.
    ///
    /// A stage that predicts word pieces trains a masked language model: the student itself where it is
    /// one, else another on its encoder, which then has what that learnt.
    ///
    /// - Parameters:
    ///   - variants: who makes variants of the data, where stages read such.
    ///   - text: what stages on plain text read; such a recipe was refused without it.
    ///   - pieces: how such stages hide pieces, and where their head comes from.
    func train(
        _ student: any StudentModel,
        by recipe: Recipe,
        _ objectives: StageObjectives,
        data: EncodedDataset?,
        file: LabelledFile? = nil,
        variants: VariantSource? = nil,
        dev: DevelopmentJudge?,
        text: TextData?,
        pieces: PieceSource?,
        work: TrainingRun,
        log: inout RunLog
    ) throws -> TrainingResult {
        if let result = try work.keeper.saved?.trained(student) { return result }
        var objectives = objectives
        var place = try work.keeper.place(of: student, among: recipe.stages.count)
        let several = recipe.stages.count > 1
        // All before the first step: nothing that takes long is left between stages.
        let inputs = try recipe.stages.enumerated().map { index, stage in
            index < place.index
                ? nil : try input(stage, data: data, variants, text: text, pieces, work)
        }
        for (index, stage) in recipe.stages.enumerated() {
            let objective = try objectives.next(stage)
            // Done before the run was interrupted.
            guard index >= place.index, let input = inputs[index] else { continue }
            // A stage that goes on has begun in the log.
            if work.keeper.training(of: index) == nil {
                log.begin(stage: several ? stage.name : nil)
            }
            place.index = index
            var model: any StudentModel = student
            var encoder: BertModel?
            var score: (() throws(Failure) -> DevelopmentScore)?
            if stage.predictsPieces {
                guard let pieces, let bert = student as? BertModel else {
                    preconditionFailure("pieces without text, or of a student without their head")
                }
                let predictor = pieces.model(on: bert)
                (model, encoder) = (predictor, predictor)
                if let held = input.held {
                    score = { () throws(Failure) in
                        try held.measure(predictor, pool: work.pool).score
                    }
                }
            } else if stage.prediction.map({ $0.weight > 0 }) ?? false, let dev {
                score = { () throws(Failure) in try dev.score(of: student, pool: work.pool) }
            }
            place.student = model === student ? nil : student
            let found = try work.train(
                model,
                data: input.data,
                score: score,
                objective: objective,
                configuration: stage.training(
                    gradientAccumulation: work.training.gradientAccumulation,
                    precision: work.training.precision,
                    seed: work.training.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15,
                    evaluateEvery: score == nil ? nil : work.training.evaluateEvery,
                    patience: work.training.earlyStopping
                ),
                label: several ? "distilling, \(stage.name)" : "distilling",
                place: place,
                places: { examples in
                    places(examples, of: stage.data == .task ? file : nil)
                },
                log: &log
            )
            if let encoder, let bert = student as? BertModel, encoder !== bert {
                bert.copyShared(from: encoder)
            }
            if let earlier = place.best, let score = earlier.result.best?.score,
                let own = found.best, index == recipe.stages.count - 1,
                !own.score.isBetter(than: score)
            {
                student.copyWeights(from: earlier.weights)
                work.remarks.say(
                    "distilling: an earlier stage had the better \(own.score.metric); its weights are "
                        + "kept"
                )
                return earlier.result.following(place.result, with: found)
            }
            place.result = found.following(place.result)
            // Perplexity is no measure of a classifier.
            if several, index < recipe.stages.count - 1, work.training.keep == .best,
                !stage.predictsPieces,
                let own = found.best?.score,
                place.best?.result.best.map({ own.isBetter(than: $0.score) }) ?? true
            {
                place.best = (student.weightCopy(), found)
            }
        }
        guard let result = place.result else { preconditionFailure("a recipe without stages") }
        return result
    }

    /// What a message calls some examples: of a file, or an epoch's sequences of a text.
    private func places(_ examples: [Int], of file: LabelledFile?) -> String {
        file?.places(examples)
            ?? "the epoch's sequences \(listing(examples.map { String($0 + 1) }))"
    }

    /// What a stage reads, and what its perplexity is measured on.
    private func input(
        _ stage: RecipeStage,
        data: EncodedDataset?,
        _ variants: VariantSource?,
        text: TextData?,
        _ pieces: PieceSource?,
        _ work: TrainingRun
    ) throws -> (data: any TrainingData, held: MaskedEvaluation?) {
        let text = try selected(text, stage, work)
        if stage.predictsPieces {
            guard let pieces, let text else { preconditionFailure("pieces without text") }
            return (
                try pieces.masked(text, stage),
                try pieces.evaluation(seed: work.training.seed, stage)
            )
        }
        if stage.readsVariants, let data, let variants {
            return (try variants.data(stage, data), nil)
        }
        guard let input: any TrainingData = stage.data == .task ? data : text else {
            preconditionFailure("a stage without its data")
        }
        return (input, nil)
    }
}

extension Distill {
    /// The sequences of the text that a stage reads; nil for a stage on the task's examples.
    private func selected(
        _ text: TextData?,
        _ stage: RecipeStage,
        _ work: TrainingRun
    ) throws(Failure) -> TextData? {
        guard stage.data == .text, let text = try text?.selecting(stage.texts) else { return nil }
        work.say(text.census, of: text.text.path)
        return text
    }
}

extension TrainingRun {
    /// Says which sequences of a text are left.
    func say(_ census: TextData.Census?, of path: String) {
        guard let census else { return }
        remarks.say(
            "\(printable(path)): \(Numbers.count(census.kept)) sequences kept; left out are "
                + "\(Numbers.count(census.tooShort)) that are too short and "
                + "\(Numbers.count(census.tooUnknown)) with too many unknown pieces; "
                + "\(Numbers.count(census.split)) long lines were cut in pieces"
        )
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
