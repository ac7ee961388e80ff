import Bert
import Datasets
import Diagnostics
import Distillation
import Foundation
import Kernels
import Tokenization
import Training

/// A recipe's stages, carried out one after another on one student.
struct StageRunner {
    let recipe: Recipe
    let student: BertModel
    let teacher: BertModel
    let kind: TaskKind
    let train: EncodedDataset
    let dev: EncodedDataset
    let text: TextData?
    let work: TrainingRun
    /// The teacher's answers to the training examples; nil when no stage reads them.
    let teacherLogits: [Float]?

    /// The last stage's result, with all stages' steps and losses.
    func run(log: inout TrainingLog) throws -> TrainingResult {
        let inference = BertInference(teacher, pool: work.pool)
        var result: TrainingResult?
        var projections: AuxiliaryParameters?
        for (index, stage) in recipe.stages.enumerated() {
            let terms = try stage.terms(
                student: student.configuration,
                teacher: teacher.configuration
            )
            projections = projection(for: terms, stage: index, carrying: projections)
            let objective = DistillationObjective(
                teacher: inference,
                terms: terms,
                prediction: prediction(stage),
                auxiliary: projections,
                workerCount: work.pool.workerCount
            )
            let data: any TrainingData
            switch stage.data {
            case .task: data = train
            case .text:
                guard let text else { preconditionFailure("checked when the recipe was resolved") }
                data = text
            }
            let isScored = stage.prediction.map { $0.weight > 0 } ?? false
            let several = recipe.stages.count > 1
            log.stage = several ? stage.name : nil
            let found = try work.train(
                student,
                data: data,
                dev: isScored ? dev : nil,
                objective: objective,
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

    /// Projections with what an earlier stage taught them, where they are the same ones.
    private func projection(
        for terms: [DistillationObjective.Term],
        stage: Int,
        carrying earlier: AuxiliaryParameters?
    ) -> AuxiliaryParameters? {
        let wanted = DistillationObjective.projections(
            for: terms,
            student: student.configuration,
            teacher: teacher.configuration
        )
        guard !wanted.isEmpty else { return nil }
        let fresh = AuxiliaryParameters(
            wanted,
            deviation: student.configuration.initializerRange,
            seed: work.training.seed
        )
        if let earlier { fresh.copyWeights(from: earlier) }
        return fresh
    }

    private func prediction(_ stage: RecipeStage) -> PredictionTerm? {
        guard let prediction = stage.prediction, prediction.weight > 0 else { return nil }
        let hard = prediction.hardLabelWeight ?? 0
        let (kind, targets) = (kind, train.targets)
        if hard == 1 {
            let gold = kind.goldLoss(train)
            return PredictionTerm(weight: prediction.weight, source: .kept([])) { _ in gold }
        }
        let source: PredictionTerm.Source =
            stage.data == .task ? .kept(teacherLogits ?? []) : .computed
        return PredictionTerm(weight: prediction.weight, source: source) { logits in
            SoftTargetLoss(
                teacherLogits: logits,
                classCount: kind.outputCount,
                isRegression: kind.isRegression,
                form: prediction.form ?? .crossEntropy,
                temperature: prediction.temperature ?? 1,
                scalesByTemperatureSquared: prediction.scalesByTemperatureSquared ?? true,
                hardLabelWeight: hard,
                targets: targets
            )
        }
    }
}

extension RecipeStage {
    /// Whether the teacher's answers to the training examples are read.
    var readsTeacherLogits: Bool {
        guard data == .task, let prediction, prediction.weight > 0 else { return false }
        return prediction.hardLabelWeight ?? 0 < 1
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
