/// What a model has on top of its encoder.
///
/// Dimension letters: `docs/numerics.md`.
public enum Head: String, Sendable, Hashable, CaseIterable {
    /// A bare encoder: hidden states, and in BERT and RoBERTa a pooler.
    case none
    /// One set of logits per sequence, `[B, C]`, from the pooled first token.
    case sequenceClassification
    /// One set of logits per token, `[T, C]`.
    case tokenClassification
    /// The logits of an answer's first and of its last token, `[T]` each.
    case questionAnswering
    /// The logits of every word piece, `[T, V]`, by a decoder that is tied to the word embeddings.
    case maskedLanguageModel
    /// BERT's two objectives: the masked language model and the next sentence.
    case preTraining
    /// Whether the second segment follows the first, `[B, 2]`: 0 is that it does.
    case nextSentence
    /// One score per sequence, taken in groups of choices, `[B / choices, choices]`.
    case multipleChoice
    /// ELECTRA's discriminator: one logit per token, `[T]`, above 0 for a replaced one.
    case replacedTokenDetection

    /// Whether the head reads every token of the last layer, not only each sequence's first.
    public var readsEveryToken: Bool {
        switch self {
        case .sequenceClassification, .nextSentence, .multipleChoice: false
        case .none, .tokenClassification, .questionAnswering, .maskedLanguageModel, .preTraining,
            .replacedTokenDetection:
            true
        }
    }

    /// Whether the head predicts word pieces, with the word embeddings as its decoder.
    public var predictsPieces: Bool { self == .maskedLanguageModel || self == .preTraining }

    /// Whether the head's outputs are the configuration's labels.
    public var hasLabels: Bool { self == .sequenceClassification || self == .tokenClassification }

    /// The head as a message names it: `masked-language-model head`.
    public var phrase: String {
        switch self {
        case .none: "no head"
        case .sequenceClassification: "sequence-classification head"
        case .tokenClassification: "token-classification head"
        case .questionAnswering: "question-answering head"
        case .maskedLanguageModel: "masked-language-model head"
        case .preTraining: "pre-training head"
        case .nextSentence: "next-sentence head"
        case .multipleChoice: "multiple-choice head"
        case .replacedTokenDetection: "replaced-token-detection head"
        }
    }
}

extension Head {
    /// The head of a class of the library, whatever it begins with (`Bert`, `TFBert`,
    /// `TinyBert`); nil for a class that is none of the library's usual ones.
    init?(architecture: String, family: ModelFamily) {
        let endings: [(String, Head)] = [
            ("ForSequenceClassification", .sequenceClassification),
            ("ForTokenClassification", .tokenClassification),
            ("ForQuestionAnswering", .questionAnswering),
            ("ForMaskedLM", .maskedLanguageModel),
            ("ForPreTraining", family == .electra ? .replacedTokenDetection : .preTraining),
            ("ForNextSentencePrediction", .nextSentence),
            ("ForMultipleChoice", .multipleChoice),
        ]
        if let (_, head) = endings.first(where: { architecture.hasSuffix($0.0) }) {
            self = head
        } else if architecture.hasSuffix("Model"), !architecture.hasSuffix("LMHeadModel") {
            self = .none
        } else {
            return nil
        }
    }

    /// The library's class of this head.
    func architecture(of type: ModelType) -> String {
        let ending =
            switch self {
            case .none: "Model"
            case .sequenceClassification: "ForSequenceClassification"
            case .tokenClassification: "ForTokenClassification"
            case .questionAnswering: "ForQuestionAnswering"
            case .maskedLanguageModel: "ForMaskedLM"
            case .preTraining, .replacedTokenDetection: "ForPreTraining"
            case .nextSentence: "ForNextSentencePrediction"
            case .multipleChoice: "ForMultipleChoice"
            }
        return type.classPrefix + ending
    }
}
