public import Bert
public import Datasets
public import Diagnostics
import Evaluation
import Training

/// The objectives of a recipe's stages, one after another for one student.
public struct StageObjectives {
    private let student: BertConfiguration?
    private let teacher: BertInference
    private let general: BertInference?
    private let targets: [Float]
    private let teacherLogits: [Float]
    private let ensemble: TeacherEnsemble?
    private let labelsVariants: Bool
    private let workerCount: Int
    private let seed: UInt64
    /// The last stage's, trained as far as it went.
    private var projections: AuxiliaryParameters?

    /// - Parameters:
    ///   - student: nil for one without a transformer's layers.
    ///   - general: the teacher of stages that predict word pieces; nil for the teacher itself.
    ///   - data: the task's training examples; nil where no stage reads them.
    ///   - teacherLogits: the teacher's answers to them, `[examples, C]`; may be empty when no stage
    ///     reads them (`RecipeStage.readsTeacherLogits`).
    ///   - ensemble: who answers in the teacher's place, if several do.
    ///   - labelsVariants: whether variants have the labels of the examples that they were made of.
    ///   - workerCount: that of the pool that trains.
    ///   - seed: of new projections.
    public init(
        student: BertConfiguration?,
        teacher: BertInference,
        general: BertInference? = nil,
        data: EncodedDataset?,
        teacherLogits: [Float],
        ensemble: TeacherEnsemble? = nil,
        labelsVariants: Bool = false,
        workerCount: Int,
        seed: UInt64
    ) {
        (self.student, self.teacher, self.general) = (student, teacher, general)
        targets = data?.targets ?? []
        (self.ensemble, self.labelsVariants) = (ensemble, labelsVariants)
        (self.teacherLogits, self.workerCount, self.seed) = (teacherLogits, workerCount, seed)
    }

    /// The objective of the next stage. Its projections go on with what an earlier stage taught those of
    /// the same name and shape.
    ///
    /// - Throws: `Failure` of kind `.usage` for layers that these models do not have.
    public mutating func next(_ stage: RecipeStage) throws(Failure) -> DistillationObjective {
        let teacher = stage.predictsPieces ? general ?? self.teacher : self.teacher
        let terms = try stage.terms(student: student, teacher: teacher.model.configuration)
        var fresh: AuxiliaryParameters?
        if let student {
            let wanted = DistillationObjective.projections(
                for: terms,
                student: student,
                teacher: teacher.model.configuration
            )
            if !wanted.isEmpty {
                let parameters = AuxiliaryParameters(
                    wanted,
                    deviation: student.initializerRange,
                    seed: seed
                )
                if let projections { parameters.copyWeights(from: projections) }
                fresh = parameters
            }
        }
        projections = fresh
        return DistillationObjective(
            teacher: teacher,
            terms: terms,
            prediction: prediction(stage),
            pieces: stage.pieceTerm,
            auxiliary: fresh,
            workerCount: workerCount
        )
    }

    private func prediction(_ stage: RecipeStage) -> PredictionTerm? {
        guard let prediction = stage.prediction, prediction.weight > 0 else { return nil }
        let (kind, targets) = (teacher.model.configuration.taskKind, targets)
        let hard = prediction.hardLabelWeight ?? 0
        if hard == 1 {
            var term = PredictionTerm(
                weight: prediction.weight,
                source: .kept([]),
                targets: targets
            ) { _, targets in kind.goldLoss(targets) }
            term.labelsVariants = labelsVariants
            return term
        }
        let source: PredictionTerm.Source =
            stage.data == .task
            ? .kept(teacherLogits) : ensemble.map { .averaged($0) } ?? .computed
        var term = PredictionTerm(
            weight: prediction.weight,
            source: source,
            targets: hard > 0 ? targets : []
        ) { logits, targets in
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
        (term.labelsVariants, term.ensemble) = (labelsVariants, ensemble)
        return term
    }
}

extension RecipeStage {
    /// Whether the teacher's answers to the task's training examples are read.
    public var readsTeacherLogits: Bool {
        guard data == .task, let prediction, prediction.weight > 0 else { return false }
        return prediction.hardLabelWeight ?? 0 < 1
    }
}
