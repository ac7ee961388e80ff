import Bert
import Tensors

extension GraphBuilder {
    /// The heads that a graph is made for.
    static let heads: [Head] = [
        .none, .sequenceClassification, .tokenClassification, .questionAnswering,
        .maskedLanguageModel,
    ]

    /// The whole model: inputs, encoder, head and outputs, under the names that the library's own
    /// exporter gives them.
    ///
    /// - Precondition: the head is one of `heads`.
    mutating func model() {
        let ids = input("input_ids")
        let mask = input("attention_mask")
        // DistilBERT has no token types, and RoBERTa one for everything: neither is asked for them.
        let hasTypes = configuration.hasTokenTypes && configuration.family != .roberta
        let types = hasTypes ? input("token_type_ids") : nil
        let hidden = encoder(Inputs(ids: ids, mask: mask, types: types))
        let tokens: [ONNXGraph.Dimension] = [.named("batch_size"), .named("sequence_length")]
        switch configuration.head {
        case .none:
            output(hidden, as: "last_hidden_state", tokens + [.fixed(configuration.hiddenSize)])
        case .sequenceClassification:
            let first = node(
                "Gather",
                [hidden, integers([0], isScalar: true)],
                at: "/pooler",
                [("axis", .int(1))]
            )
            let logits = linear("classifier", pooler(first), at: "/classifier")
            output(logits, as: "logits", [tokens[0], .fixed(configuration.labels.count)])
        case .tokenClassification:
            let logits = linear("classifier", hidden, at: "/classifier")
            output(logits, as: "logits", tokens + [.fixed(configuration.labels.count)])
        case .questionAnswering:
            let logits = linear("qa_outputs", hidden, at: "/qa_outputs")
            for (column, name) in ["start_logits", "end_logits"].enumerated() {
                let values = node(
                    "Gather",
                    [logits, integers([column], isScalar: true)],
                    at: "/qa_outputs",
                    [("axis", .int(2))]
                )
                output(values, as: name, tokens)
            }
        case .maskedLanguageModel:
            output(
                predictions(hidden),
                as: "logits",
                tokens + [.fixed(configuration.vocabularySize)]
            )
        case .preTraining, .nextSentence, .multipleChoice, .replacedTokenDetection:
            preconditionFailure("no graph of a \(configuration.head.phrase)")
        }
    }

    private mutating func pooler(_ first: String) -> String {
        let dense = linear("pooler.dense", first, at: "/pooler/dense")
        return switch configuration.poolerActivation {
        case .tanh: node("Tanh", [dense], at: "/pooler")
        case .relu: node("Relu", [dense], at: "/pooler")
        case .gelu: activation(.gelu, dense, at: "/pooler")
        }
    }

    /// The logits of every piece of the vocabulary; the decoder is the table of word embeddings.
    private mutating func predictions(_ hidden: String) -> String {
        let name = "cls.predictions"
        let path = "/cls/predictions"
        let dense = linear(name + ".transform.dense", hidden, at: path + "/transform/dense")
        let active = activation(
            configuration.predictionActivation,
            dense,
            at: path + "/transform/activation"
        )
        let normal = layerNorm(
            name + ".transform.LayerNorm",
            active,
            at: path + "/transform/LayerNorm",
            epsilon: configuration.predictionEpsilon
        )
        let words = parameter("embeddings.word_embeddings.weight")
        let decoder = node(
            "Transpose",
            [words],
            at: path + "/decoder",
            [("perm", .ints([1, 0]))]
        )
        let product = node("MatMul", [normal, decoder], at: path + "/decoder")
        return node("Add", [product, parameter(name + ".bias")], at: path + "/decoder")
    }
}
