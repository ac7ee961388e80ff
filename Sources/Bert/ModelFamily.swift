/// The architectures that run on BERT's encoder. What differs is where positions start, whether
/// there are token types, and what a head computes: `BertConfiguration` derives it.
///
/// - Source: Devlin et al. 2019; Sanh et al. 2019; Liu et al. 2019; Clark et al. 2020; as the
///   transformers library computes them.
public enum ModelFamily: String, Sendable, Hashable, CaseIterable {
    case bert
    /// No token types, no pooler in the bare encoder, a ReLU before the classifier, and a
    /// layer-norm epsilon that is always 1e-12.
    case distilbert
    /// RoBERTa, XLM-RoBERTa and CamemBERT: positions start behind the padding piece's number.
    case roberta
    /// A GELU before the classifier; the embeddings may be narrower than the encoder.
    case electra

    /// The heads that the library has for this family.
    public var heads: [Head] {
        let all: [Head] = [
            .none, .sequenceClassification, .tokenClassification, .questionAnswering,
            .maskedLanguageModel, .multipleChoice,
        ]
        return switch self {
        case .bert: all + [.preTraining, .nextSentence]
        case .distilbert, .roberta: all
        case .electra: all + [.replacedTokenDetection]
        }
    }
}

/// The value of `model_type` in `config.json`: a family may have several names.
public enum ModelType: String, Sendable, Hashable, CaseIterable {
    case bert
    case distilbert
    case roberta
    case xlmRoberta = "xlm-roberta"
    case camembert
    case electra

    public var family: ModelFamily {
        switch self {
        case .bert: .bert
        case .distilbert: .distilbert
        case .roberta, .xlmRoberta, .camembert: .roberta
        case .electra: .electra
        }
    }

    /// What the library's class names begin with: `XLMRoberta` in `XLMRobertaForMaskedLM`.
    public var classPrefix: String {
        switch self {
        case .bert: "Bert"
        case .distilbert: "DistilBert"
        case .roberta: "Roberta"
        case .xlmRoberta: "XLMRoberta"
        case .camembert: "Camembert"
        case .electra: "Electra"
        }
    }
}
