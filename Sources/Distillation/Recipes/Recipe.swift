public import Augmentation
public import Kernels
public import Training

/// A distillation as data: stages one after another, each with what is matched and how it is trained.
public struct Recipe: Sendable, Hashable {
    public var name: String
    public var stages: [RecipeStage]

    public init(name: String, stages: [RecipeStage]) {
        (self.name, self.stages) = (name, stages)
    }
}

/// One stage of a recipe: objectives with their weights, the data, and the optimisation.
public struct RecipeStage: Sendable, Hashable {
    /// What is read.
    public enum Data: String, Sendable, Hashable, CaseIterable {
        /// The task's training file.
        case task
        /// Plain text.
        case text
    }

    public var name: String
    public var data: Data = .task
    public var epochs: Int = 3
    public var batchSize: Int = 32
    public var learningRate: Double = 5e-5
    public var warmup: Double = 0.1
    public var schedule: LearningRateSchedule.Shape = .linear
    public var weightDecay: Double = 0.01
    /// 0 leaves gradients as they are.
    public var clipNorm: Double = 1
    public var beta2: Double = 0.999
    public var epsilon: Double = 1e-8
    /// The share of the words' pieces that are hidden, where pieces are predicted.
    public var maskedShare: Double = 0.15
    /// The exponent by which frequent pieces are hidden less; 0 for all alike.
    public var maskSmoothing: Double = 0
    /// Which sequences of plain text are read.
    public var texts = TextSelection()
    /// How variants of the task's texts are made, which are read beside them; empty for none.
    public var augment: VariantMethods = []
    /// Variants of each text in an epoch, others in each.
    public var variants: Int = 1
    public var objectives: [RecipeObjective]

    public init(name: String, objectives: [RecipeObjective]) {
        (self.name, self.objectives) = (name, objectives)
    }

    /// The objective that compares answers, if the stage has one.
    public var prediction: RecipeObjective? { objectives.first { $0.kind == .prediction } }

    /// Whether texts' variants are read.
    public var readsVariants: Bool { data == .task && !augment.isEmpty }

    /// Whether the stage trains a masked language model.
    public var predictsPieces: Bool {
        objectives.contains { $0.kind.predictsPieces && $0.weight > 0 }
    }

    /// How the stage trains.
    public func training(
        gradientAccumulation: Int,
        precision: Precision,
        seed: UInt64,
        evaluateEvery: Int?,
        patience: Int? = nil
    ) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs,
            batchSize: batchSize,
            gradientAccumulation: gradientAccumulation,
            learningRate: learningRate,
            warmupProportion: warmup,
            schedule: schedule,
            optimizer: AdamW.Constants(
                beta2: beta2,
                epsilon: epsilon,
                weightDecay: weightDecay,
                clipNorm: clipNorm > 0 ? clipNorm : nil
            ),
            precision: precision,
            seed: seed,
            evaluateEvery: evaluateEvery,
            patience: patience
        )
    }
}

/// One objective of a stage and its weight. What a kind does not read is nil.
public struct RecipeObjective: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case prediction
        case embeddings
        case hiddenStates = "hidden-states"
        case cosine
        case patience
        case attentionScores = "attention-scores"
        case attentionDistributions = "attention-distributions"
        case queryRelations = "query-relations"
        case keyRelations = "key-relations"
        case valueRelations = "value-relations"
        /// The masked language model's own loss: the pieces that were hidden.
        case maskedPieces = "masked-pieces"
        /// The teacher's distributions over the vocabulary.
        case pieceDistributions = "piece-distributions"

        /// Whether the student's masked-language-model head is read.
        var predictsPieces: Bool { self == .maskedPieces || self == .pieceDistributions }
    }

    public let kind: Kind
    public var weight: Double = 1
    public var form: SoftTargetLoss.Form?
    public var temperature: Double?
    public var scalesByTemperatureSquared: Bool?
    public var hardLabelWeight: Double?
    public var map: LayerMap?
    public var projection: HiddenStateLoss.Projection?
    public var heads: AttentionScoreLoss.Heads?
    public var normalizes: Bool?
    /// 0 stands for the most, up to 48, that divide both widths.
    public var relationHeads: Int?
    /// From 1; 0 stands for the last.
    public var teacherLayer: Int?
    public var reduction: Reduction?
    /// Of which tokens pieces are compared.
    public var tokens: PieceTerm.Tokens?

    /// An objective with its kind's defaults.
    public init(_ kind: Kind, weight: Double = 1) {
        self.kind = kind
        self.weight = weight
        switch kind {
        case .prediction:
            form = .crossEntropy
            temperature = 1
            scalesByTemperatureSquared = true
            hardLabelWeight = 0
        case .embeddings: (projection, reduction) = (.perPair, .tokenMean)
        case .hiddenStates: (map, projection, reduction) = (.uniform, .perPair, .tokenMean)
        case .cosine: (teacherLayer, reduction) = (0, .tokenMean)
        case .patience: (map, normalizes) = (.uniform, true)
        case .attentionScores: (map, heads, reduction) = (.uniform, .equal, .tokenMean)
        case .attentionDistributions: (map, reduction) = (.last, .tokenMean)
        case .queryRelations, .keyRelations, .valueRelations:
            (relationHeads, teacherLayer, reduction) = (0, 0, .tokenMean)
        case .maskedPieces: break
        case .pieceDistributions:
            (form, temperature, scalesByTemperatureSquared) = (.divergence, 1, true)
            tokens = .masked
        }
    }

    /// The same with changes.
    func with(_ change: (inout RecipeObjective) -> Void) -> RecipeObjective {
        var result = self
        change(&result)
        return result
    }
}
