public import Datasets
public import Diagnostics
public import Evaluation
public import Kernels
public import Training

/// What decides which weights are kept.
public enum SelectionMetric: String, Sendable, Hashable, CaseIterable {
    case accuracy
    /// Of entities where the labels of words mark them; else of class 1 where there are two classes, else
    /// the mean over classes.
    case f1
    case macroF1 = "f1-macro"
    case matthews
    case crossEntropy = "cross-entropy"
    case pearson
    case spearman
    case meanSquaredError = "mse"
    /// KL(teacher‖student) at T = 1.
    case divergence = "kl"
    /// The share of the teacher's answers.
    case agreement

    /// What a task is commonly measured by: accuracy, or Pearson's correlation.
    public static func standard(for kind: TaskKind) -> SelectionMetric {
        kind.isRegression ? .pearson : .accuracy
    }

    public var isLowerBetter: Bool {
        switch self {
        case .crossEntropy, .meanSquaredError, .divergence: true
        default: false
        }
    }

    private var readsTeacher: Bool { self == .divergence || self == .agreement }

    private var isOfRegression: Bool {
        switch self {
        case .pearson, .spearman, .meanSquaredError: true
        default: false
        }
    }

    /// Refuses a measure of another kind of task, or one against a teacher where there is none.
    ///
    /// - Throws: `Failure` of kind `.usage`.
    public func check(_ kind: TaskKind, hasTeacher: Bool) throws(Failure) {
        let possible = Self.allCases.filter {
            $0.isOfRegression == kind.isRegression && (hasTeacher || !$0.readsTeacher)
        }
        guard !possible.contains(self) else { return }
        let names = possible.map(\.rawValue).joined(separator: ", ")
        throw Failure(
            .usage,
            "--metric",
            isOfRegression != kind.isRegression
                ? "\(rawValue) does not measure \(kind.isRegression ? "scores" : "classes")"
                : "\(rawValue) compares with a teacher, and there is none",
            remedy: "Choose one of \(names)"
        )
    }
}

/// Labelled data, and what a model is scored on it by.
public struct DevelopmentJudge: Sendable {
    public let data: EncodedDataset
    public let metric: SelectionMetric
    private let teacherLogits: [Float]

    /// - Parameter teacherLogits: the teacher's answers to the data, `[examples, C]`; may be empty for
    ///   measures against gold labels.
    /// - Precondition: the data is labelled, and the measure is one of its kind of task.
    public init(data: EncodedDataset, metric: SelectionMetric, teacherLogits: [Float]) {
        (self.data, self.metric, self.teacherLogits) = (data, metric, teacherLogits)
    }

    /// - Throws: `Failure` of kind `.interrupted` after a signal.
    public func score(
        of model: any SequenceModel,
        pool: WorkerPool
    ) throws(Failure) -> DevelopmentScore {
        DevelopmentScore(
            metric,
            logits: try ModelRunner.logits(model, on: data, pool: pool),
            targets: data.targets,
            kind: model.taskKind,
            sentences: data.words?.offsets,
            teacherLogits: teacherLogits
        )
    }
}

extension DevelopmentScore {
    /// The cross entropy, or the mean squared error, is the loss that decides between equals. A
    /// measure that is undefined counts as the worst.
    ///
    /// - Parameters:
    ///   - logits: `[answers, C]` row-major.
    ///   - sentences: of words, where each sentence begins among the answers, and the end.
    ///   - teacherLogits: likewise, where the measure reads them.
    public init(
        _ metric: SelectionMetric,
        logits: [Float],
        targets: [Float],
        kind: TaskKind,
        sentences: [Int]? = nil,
        teacherLogits: [Float] = []
    ) {
        let value: Double?
        let loss: Double?
        switch kind {
        case .classification(let labels):
            let (classes, count) = (targets.map { Int($0) }, labels.count)
            let answers = LogitMetrics.topClasses(logits, classCount: count)
            var entities: EntityScores?
            if let sentences, EntityScores.areMarked(by: labels) {
                entities = EntityScores(
                    predictions: answers,
                    targets: classes,
                    sentences: sentences,
                    labels: labels
                )
            }
            let matrix = ConfusionMatrix(
                predictions: answers,
                targets: classes,
                classCount: count
            )
            loss = LogitMetrics.crossEntropy(logits, targets: classes, classCount: count)
            value =
                switch metric {
                case .accuracy: matrix.accuracy
                case .f1:
                    entities.map(\.f1) ?? (count == 2 ? matrix.f1(of: 1) : matrix.macroF1)
                case .macroF1: matrix.macroF1
                case .matthews: matrix.matthews
                case .crossEntropy: loss
                case .divergence:
                    LogitMetrics.meanKL(
                        teacher: teacherLogits,
                        student: logits,
                        classCount: count,
                        temperature: 1
                    )
                case .agreement:
                    LogitMetrics.agreement(teacherLogits, logits, classCount: count)
                case .pearson, .spearman, .meanSquaredError:
                    preconditionFailure("a measure of scores for classes")
                }
        case .regression:
            let (scores, gold) = (logits.map(Double.init), targets.map(Double.init))
            loss = Regression.meanSquaredError(scores, gold)
            value =
                switch metric {
                case .pearson: Regression.pearson(scores, gold)
                case .spearman: Regression.spearman(scores, gold)
                case .meanSquaredError: loss
                default: preconditionFailure("a measure of classes for scores")
                }
        }
        self.init(
            metric: metric.rawValue,
            value: value ?? (metric.isLowerBetter ? .infinity : 0),
            loss: loss ?? 0,
            isLowerBetter: metric.isLowerBetter
        )
    }
}
