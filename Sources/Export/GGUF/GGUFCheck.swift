import Bert
import Conversion
import Diagnostics
import Foundation

/// What llama.cpp's runtime, as it is, computes right of a model, and what it does not.
enum GGUFCheck {
    /// Refuses what the runtime would answer wrongly.
    static func refuse(
        _ configuration: BertConfiguration,
        _ plan: ConversionPlan
    ) throws(Failure) {
        func refused(_ reason: String, _ remedy: String? = nil) -> Failure {
            Failure(.usage, plan.source.url.relativePath, reason, remedy: remedy)
        }
        let onnx = "Export it with --to onnx"
        let encoder = "Leave the head out with --head none, or export it with --to onnx"
        switch configuration.family {
        case .bert: break
        case .distilbert where configuration.head == .none: break
        case .distilbert:
            throw refused(
                "GGUF's runtime puts a tanh before a classifier, and DistilBERT has a ReLU there",
                encoder
            )
        case .roberta, .electra:
            throw refused(
                "a model of type \(configuration.modelType.rawValue) is not written as GGUF",
                onnx
            )
        }
        guard [.none, .sequenceClassification].contains(configuration.head) else {
            throw refused(
                "GGUF's architecture bert has no \(configuration.head.phrase)",
                encoder
            )
        }
        guard configuration.prunedHeads.isEmpty else {
            throw refused(
                "GGUF's architecture bert has heads that fill the hidden width, and this model has pruned "
                    + "heads",
                onnx
            )
        }
        guard configuration.activation != .relu else {
            throw refused("GGUF's runtime computes GELU, and this model ReLU", onnx)
        }
        if configuration.head == .sequenceClassification,
            let label = configuration.labels.first(where: isOfPairs)
        {
            throw refused(
                "the label \"\(printable(label))\" is one of pairs of texts, and GGUF's runtime gives the "
                    + "second text the token type of the first",
                onnx
            )
        }
        guard plan.vocabulary != nil else {
            throw refused(
                "there is no WordPiece vocabulary, which a GGUF file holds",
                "Give one with --vocabulary"
            )
        }
    }

    /// Whether a label says how two texts are related.
    private static func isOfPairs(_ label: String) -> Bool {
        let name = label.lowercased().replacing("-", with: "_").replacing(" ", with: "_")
        return [
            "entailment", "not_entailment", "contradiction", "duplicate", "not_duplicate",
            "equivalent", "not_equivalent", "paraphrase", "not_paraphrase",
        ].contains(name)
    }

    /// What a user of the file should know.
    static func notes(_ configuration: BertConfiguration) -> [String] {
        var notes: [String] = []
        if configuration.tokenTypeCount > 1, configuration.head != .none {
            notes.append(
                "GGUF's runtime gives every piece the token type 0: the file is for single texts, not for "
                    + "pairs"
            )
        }
        if configuration.activation == .gelu {
            notes.append(
                "GGUF's runtime computes the tanh form of GELU, and this model the exact one: up to 5e-4 "
                    + "for a value"
            )
        }
        return notes
    }
}
