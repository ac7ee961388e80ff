/// What a family's `config.json` calls the members that every family has.
struct ConfigurationKeys {
    let hiddenSize: String
    let hiddenLayerCount: String
    let attentionHeadCount: String
    let intermediateSize: String
    let activation: String
    let hiddenDropout: String
    let attentionDropout: String
    let classifierDropout: String

    init(_ family: ModelFamily) {
        if family == .distilbert {
            hiddenSize = "dim"
            hiddenLayerCount = "n_layers"
            attentionHeadCount = "n_heads"
            intermediateSize = "hidden_dim"
            activation = "activation"
            hiddenDropout = "dropout"
            attentionDropout = "attention_dropout"
            classifierDropout = "seq_classif_dropout"
        } else {
            hiddenSize = "hidden_size"
            hiddenLayerCount = "num_hidden_layers"
            attentionHeadCount = "num_attention_heads"
            intermediateSize = "intermediate_size"
            activation = "hidden_act"
            hiddenDropout = "hidden_dropout_prob"
            attentionDropout = "attention_probs_dropout_prob"
            classifierDropout = "classifier_dropout"
        }
    }
}
