public import Kernels

/// How a run trains; every value appears in the printed, resolved run.
public struct TrainingConfiguration: Sendable, Hashable {
    public var epochs: Int
    /// Examples in one pass forward and backward.
    public var batchSize: Int
    /// Batches whose gradients make one step.
    public var gradientAccumulation: Int
    /// The highest learning rate, reached after the warm-up.
    public var learningRate: Double
    /// The share of all steps over which the rate rises from zero.
    public var warmupProportion: Double
    /// What the rate does after the warm-up.
    public var schedule: LearningRateSchedule.Shape
    public var optimizer: AdamW.Constants
    /// Of the encoder layers' products, where it is available.
    public var precision: Precision
    /// Names the order of examples and the dropout masks.
    public var seed: UInt64
    /// Steps between evaluations; nil evaluates at epoch ends only.
    public var evaluateEvery: Int?
    /// Evaluations without a better score after which training stops; nil goes on to the end.
    public var patience: Int?

    public init(
        epochs: Int,
        batchSize: Int,
        gradientAccumulation: Int,
        learningRate: Double,
        warmupProportion: Double,
        schedule: LearningRateSchedule.Shape = .linear,
        optimizer: AdamW.Constants,
        precision: Precision = .f32,
        seed: UInt64,
        evaluateEvery: Int?,
        patience: Int? = nil
    ) {
        precondition(epochs > 0 && batchSize > 0 && gradientAccumulation > 0)
        self.epochs = epochs
        self.batchSize = batchSize
        self.gradientAccumulation = gradientAccumulation
        self.learningRate = learningRate
        self.warmupProportion = warmupProportion
        self.schedule = schedule
        self.optimizer = optimizer
        self.precision = precision
        self.seed = seed
        self.evaluateEvery = evaluateEvery
        self.patience = patience
    }
}

/// How good a model is on the development data at some step.
public struct DevelopmentScore: Sendable, Hashable, Codable {
    /// What `value` measures: `accuracy`, `pearson`, `perplexity`.
    public var metric: String
    public var value: Double
    /// The mean loss, which decides between equal values.
    public var loss: Double
    /// Whether a smaller value is the better one, as of a divergence.
    public var isLowerBetter: Bool

    public init(metric: String, value: Double, loss: Double, isLowerBetter: Bool = false) {
        (self.metric, self.value, self.loss) = (metric, value, loss)
        self.isLowerBetter = isLowerBetter
    }

    public func isBetter(than other: DevelopmentScore) -> Bool {
        if value == other.value { return loss < other.loss }
        return isLowerBetter ? value < other.value : value > other.value
    }
}

/// What a run reports while it goes on.
public enum TrainingEvent: Sendable {
    /// After every step.
    case step(StepReport)
    /// After every evaluation; `isBest` when it is the best so far and its weights are kept.
    case evaluated(EvaluationReport)

    public struct StepReport: Sendable {
        /// Counted from 1.
        public let step: Int
        public let totalSteps: Int
        public let epoch: Int
        public let loss: Double
        public let terms: [(name: String, value: Double)]
        public let learningRate: Double
        public let gradientNorm: Double
        /// Examples and real tokens of this step.
        public let examples: Int
        public let tokens: Int
    }

    public struct EvaluationReport: Sendable, Hashable, Codable {
        public let step: Int
        public let epoch: Int
        public let score: DevelopmentScore
        public let isBest: Bool
    }
}

/// What a finished run leaves besides the weights.
public struct TrainingResult: Sendable, Hashable, Codable {
    public let steps: Int
    /// The evaluation whose weights the model now holds; nil without development data.
    public let best: TrainingEvent.EvaluationReport?
    public let evaluations: [TrainingEvent.EvaluationReport]
    /// The mean loss over the steps of each epoch.
    public let epochLosses: [Double]
    /// Whether the patience was exhausted before the last step.
    public let stoppedEarly: Bool

    public init(
        steps: Int,
        best: TrainingEvent.EvaluationReport?,
        evaluations: [TrainingEvent.EvaluationReport],
        epochLosses: [Double],
        stoppedEarly: Bool = false
    ) {
        self.stoppedEarly = stoppedEarly
        (self.steps, self.best) = (steps, best)
        (self.evaluations, self.epochLosses) = (evaluations, epochLosses)
    }

    /// Whether the last of several evaluations was the best: training may have ended too soon.
    public var endsAtBest: Bool {
        guard let best, let last = evaluations.last, evaluations.count > 1 else { return false }
        return !stoppedEarly && best.step == last.step
    }
}
