import Checkpoints
import Diagnostics

/// Which model a `config.json` describes, and whether it is one that BertKit computes.
extension BertConfigurationFile {
    static func modelType(_ fields: inout Fields) throws(Failure) -> ModelType {
        guard let name = try fields.text("model_type") else {
            throw fields.problem(
                fields.has("registered_name")
                    ? "this is a Keras configuration, not Hugging Face's"
                    : "there is no \"model_type\""
            )
        }
        guard let type = ModelType(rawValue: name) else {
            let known = ModelType.allCases.map(\.rawValue)
            throw fields.problem(
                "\"model_type\" is \"\(printable(name))\"; BertKit knows "
                    + "\(known.dropLast().joined(separator: ", ")) and \(known[known.count - 1])"
            )
        }
        return type
    }

    /// Refuses models that are no encoders of BERT's kind.
    static func checkIsEncoder(_ fields: inout Fields) throws(Failure) {
        let positions = try fields.text("position_embedding_type") ?? "absolute"
        guard positions == "absolute" else {
            throw fields.problem(
                "\"position_embedding_type\" is \"\(printable(positions))\", not \"absolute\""
            )
        }
        for key in ["is_decoder", "add_cross_attention"] where try fields.flag(key) {
            throw fields.problem("\"\(key)\" is true: this is not an encoder")
        }
        // Written by the library about itself, or about how it makes new weights; they change no
        // number here.
        for key in [
            "transformers_version", "dtype", "torch_dtype", "use_cache", "sinusoidal_pos_embds",
        ] { _ = fields.take(key) }
    }

    /// The head of the first class that the file names.
    static func head(
        _ architectures: [String],
        _ type: ModelType,
        _ fields: Fields
    ) throws(Failure) -> Head? {
        guard let name = architectures.first,
            let head = Head(architecture: name, family: type.family)
        else { return nil }
        guard type.family.heads.contains(head) else {
            throw fields.problem(
                "\"architectures\" names \(printable(name)), but no \(type.rawValue) model has a "
                    + head.phrase
            )
        }
        return head
    }

    /// Refuses variants of a head that are computed differently.
    static func checkIsComputed(
        _ head: Head,
        _ family: ModelFamily,
        _ fields: inout Fields
    ) throws(Failure) {
        if case .bool(false)? = fields.take("tie_word_embeddings"), head.predictsPieces {
            throw fields.problem(
                "\"tie_word_embeddings\" is false: a decoder of its own is not read"
            )
        }
        guard family == .electra else { return }
        let summary = [
            ("summary_type", JSONValue.string("first")), ("summary_use_proj", .bool(true)),
            ("summary_activation", .string("gelu")),
        ]
        for (key, computed) in summary {
            guard let value = fields.take(key), value != computed, head == .multipleChoice else {
                continue
            }
            throw fields.problem("\"\(key)\" is \(value.phrase), not \(computed.phrase)")
        }
        _ = fields.take("summary_last_dropout")
    }
}
