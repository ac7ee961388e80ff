public import Diagnostics

/// What follows from a configuration's family, head and sizes.
extension BertConfiguration {
    /// The function behind `pooler.dense`.
    public enum PoolerActivation: Sendable, Hashable {
        case tanh
        case relu
        /// The exact GELU, whatever `activation` is.
        case gelu
    }

    public var family: ModelFamily { modelType.family }

    /// D, the width of one attention head, pruned or not.
    public var headSize: Int { hiddenSize / attentionHeadCount }

    /// The function behind `pooler.dense`, where there is one: `pre_classifier` in DistilBERT,
    /// `classifier.dense` or `sequence_summary.summary` in ELECTRA.
    public var poolerActivation: PoolerActivation {
        switch family {
        case .bert, .roberta: .tanh
        case .distilbert: .relu
        case .electra: .gelu
        }
    }

    /// The function behind `cls.predictions.transform.dense`: `activation`, except that RoBERTa's
    /// and ELECTRA's classes always take the exact GELU.
    public var predictionActivation: Activation {
        if let predictionConstants { return predictionConstants.activation }
        return switch family {
        case .bert, .distilbert: activation
        case .roberta, .electra: .gelu
        }
    }

    /// Added to the variance in the masked-language-model head's layer normalisation.
    public var predictionEpsilon: Double {
        predictionConstants?.layerNormEpsilon ?? layerNormEpsilon
    }

    /// The row of the position embeddings that a sequence's first token takes.
    public var firstPosition: Int { family == .roberta ? padTokenID + 1 : 0 }

    /// The tokens that a sequence may have: rows of the position embeddings from `firstPosition` on.
    public var longestSequence: Int { maximumPositionCount - firstPosition }

    public var hasTokenTypes: Bool { tokenTypeCount > 0 }

    /// Whether the model can tell two texts apart: by token types, or, in the families without
    /// them, by the separator alone.
    public var readsPairs: Bool {
        tokenTypeCount > 1 || family == .distilbert || family == .roberta
    }

    /// Whether the family's class for this head has `pooler.dense`.
    public var hasPooler: Bool {
        switch head {
        case .sequenceClassification, .multipleChoice, .preTraining, .nextSentence: true
        case .none: family == .bert || family == .roberta
        case .tokenClassification, .questionAnswering, .maskedLanguageModel,
            .replacedTokenDetection:
            false
        }
    }

    /// The outputs of `classifier`: one per label, or the one score of a choice.
    var classifierSize: Int? {
        switch head {
        case .sequenceClassification, .tokenClassification: labels.count
        case .multipleChoice: 1
        default: nil
        }
    }

    /// Whether the training pass computes the head; `checkCanTrain` says why not.
    var canTrain: Bool { head.hasLabels || head == .maskedLanguageModel }

    /// Refuses a model that the training pass does not compute.
    ///
    /// - Parameter subject: the model as the user spelled it.
    /// - Throws: `Failure` of kind `.usage` for another head than sequence or token classification or a
    ///   masked language model's.
    public func checkCanTrain(_ subject: String) throws(Failure) {
        guard canTrain else {
            throw Failure(
                .usage,
                subject,
                "this is a \(modelType.rawValue) model with \(head == .none ? "" : "a ")"
                    + "\(head.phrase), and only sequence classifiers, token classifiers and masked "
                    + "language models are trained"
            )
        }
    }
}
