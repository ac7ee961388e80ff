/// The other direction: the key that Hugging Face's class of a family and head has for a parameter.
extension PyTorchNaming {
    /// The key of a canonical name.
    ///
    /// - Parameter bare: whether the encoder's keys have no model prefix, as in a file of the
    ///   encoder alone.
    public static func key(
        of canonical: String,
        _ configuration: BertConfiguration,
        bare: Bool
    ) -> String {
        let parts = canonical.split(separator: ".")
        let variable = parts.last ?? ""
        let module = parts.dropLast().joined(separator: ".")
        let prefix = bare ? "" : configuration.family.prefix + "."
        if module.hasPrefix("embeddings") { return prefix + canonical }
        if module.hasPrefix("encoder.") {
            guard configuration.family == .distilbert else { return prefix + canonical }
            let inner = parts[3..<parts.count - 1].joined(separator: ".")
            let name = distilBertNames[inner] ?? inner
            return "\(prefix)transformer.layer.\(parts[2]).\(name).\(variable)"
        }
        let name = headName(module, configuration) ?? prefix + module
        return "\(name).\(variable)"
    }

    private static let distilBertNames = Dictionary(
        uniqueKeysWithValues: distilBertModules.map { ($1, $0) }
    )

    /// What a module beside the encoder is called; `nil` for the pooler that is the encoder's own.
    private static func headName(
        _ module: String,
        _ configuration: BertConfiguration
    ) -> String? {
        let (family, head) = (configuration.family, configuration.head)
        switch module {
        case "pooler.dense":
            switch (family, head) {
            case (.distilbert, _): return "pre_classifier"
            case (.roberta, .sequenceClassification), (.electra, .sequenceClassification):
                return "classifier.dense"
            case (.electra, .multipleChoice): return "sequence_summary.summary"
            default: return nil
            }
        case "classifier":
            let isDeep = family == .roberta || family == .electra
            return isDeep && head == .sequenceClassification ? "classifier.out_proj" : module
        case "cls.predictions":
            switch family {
            case .bert: return module
            case .distilbert: return "vocab_projector"
            case .roberta: return "lm_head"
            case .electra: return "generator_lm_head"
            }
        case "cls.predictions.transform.dense":
            switch family {
            case .bert: return module
            case .distilbert: return "vocab_transform"
            case .roberta: return "lm_head.dense"
            case .electra: return "generator_predictions.dense"
            }
        case "cls.predictions.transform.LayerNorm":
            switch family {
            case .bert: return module
            case .distilbert: return "vocab_layer_norm"
            case .roberta: return "lm_head.layer_norm"
            case .electra: return "generator_predictions.LayerNorm"
            }
        default: return module
        }
    }
}

extension ModelFamily {
    /// The prefix that the encoder's keys have in a model with a head.
    var prefix: String { rawValue }
}
