/// What the time of a pass or a training step goes to.
///
/// Linear layers have three: forward, the gradient of their input (`…Input`, dX), and that of their
/// weight (`…Weight`, dW).
public enum ProfiledOperation: Int, CaseIterable, Sendable {
    case embeddingSum, embeddingProjection, layerNorm, queryKeyValue, attention, attentionOutput
    case intermediate, activation, output, pooler, classifier, otherHeads, dropout
    case loss

    case classifierInput, decoderInput, poolerInput, outputInput, activationBackward,
        intermediateInput
    case attentionOutputInput, attentionBackward, queryKeyValueInput, embeddingProjectionInput
    case layerNormBackward, dropoutBackward, biasSums
    case classifierWeight, decoderWeight, poolerWeight, outputWeight, intermediateWeight
    case attentionOutputWeight, queryKeyValueWeight
    case embeddingProjectionWeight, embeddingGradients, gradientReduction

    case weightRounding, gradientNorm, adamW, adamWWords, adamWMissedSteps

    /// Copying rows, cutting the batch, listing tasks, and whatever else is no operation of its own.
    case planning
    /// A worker without a task.
    case waiting

    /// What limits an operation.
    public enum Limit: Sendable {
        /// How fast the processor multiplies and adds.
        case arithmetic
        /// How fast memory is read and written.
        case memory
    }

    /// Nil for what is no work on data, or too small a part to say.
    public var limit: Limit? {
        switch self {
        case .queryKeyValue, .attention, .attentionOutput, .intermediate, .output, .pooler,
            .classifier, .otherHeads, .classifierInput, .decoderInput, .poolerInput, .outputInput,
            .intermediateInput, .attentionOutputInput, .attentionBackward, .queryKeyValueInput,
            .classifierWeight, .decoderWeight, .poolerWeight, .outputWeight, .intermediateWeight,
            .attentionOutputWeight, .queryKeyValueWeight, .embeddingProjection,
            .embeddingProjectionInput, .embeddingProjectionWeight:
            .arithmetic
        case .loss, .planning, .waiting: nil
        default: .memory
        }
    }

    /// In a few words, for people.
    public var title: String {
        switch self {
        case .embeddingSum: "embedding sum"
        case .embeddingProjection: "embedding projection"
        case .layerNorm: "layer norm, residual, dropout"
        case .queryKeyValue: "query, key, value"
        case .attention: "attention: scores, softmax, context"
        case .attentionOutput: "attention output"
        case .intermediate: "intermediate"
        case .activation: "activation"
        case .output: "output"
        case .pooler: "pooler"
        case .classifier: "classifier"
        case .otherHeads: "other heads"
        case .dropout: "dropout before the classifier"
        case .loss: "loss"
        case .classifierInput: "dX classifier"
        case .decoderInput: "dX masked-language-model head"
        case .poolerInput: "dX pooler"
        case .outputInput: "dX output"
        case .activationBackward: "activation, backward"
        case .intermediateInput: "dX intermediate"
        case .attentionOutputInput: "dX attention output"
        case .attentionBackward: "attention, backward"
        case .queryKeyValueInput: "dX query, key, value"
        case .layerNormBackward: "layer norm, backward"
        case .dropoutBackward: "dropout, backward"
        case .biasSums: "bias gradients"
        case .classifierWeight: "dW classifier"
        case .decoderWeight: "dW masked-language-model head"
        case .poolerWeight: "dW pooler"
        case .outputWeight: "dW output"
        case .intermediateWeight: "dW intermediate"
        case .attentionOutputWeight: "dW attention output"
        case .queryKeyValueWeight: "dW query, key, value"
        case .embeddingProjectionInput: "dX embedding projection"
        case .embeddingProjectionWeight: "dW embedding projection"
        case .embeddingGradients: "embedding gradients"
        case .gradientReduction: "sums over shards"
        case .weightRounding: "weights rounded to bf16"
        case .gradientNorm: "norm of the gradients"
        case .adamW: "AdamW, dense (clips)"
        case .adamWWords: "AdamW, word rows"
        case .adamWMissedSteps: "AdamW, missed steps of rows"
        case .planning: "planning, copies"
        case .waiting: "waiting"
        }
    }
}
