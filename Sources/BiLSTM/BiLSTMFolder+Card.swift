extension BiLSTMFolder {
    /// How a written model is used, as lines of Markdown.
    public static func use(
        of configuration: BiLSTMConfiguration,
        _ naming: BiLSTMNaming = .keras
    ) -> [String] {
        switch naming {
        case .keras: kerasUse(configuration)
        case .pyTorch:
            [
                "`bertkit predict --model .` runs it without any Python. `model.safetensors` has the names",
                "of a PyTorch module with `embedding`, `lstm` (bidirectional), `hidden`, ReLU and `output`;",
                "a text's pieces are read without `[CLS]` and with the `[SEP]` behind it.",
            ]
        }
    }

    private static func kerasUse(_ configuration: BiLSTMConfiguration) -> [String] {
        let encoder = [
            "embedding = layers.Embedding(\(configuration.vocabularySize), "
                + "\(configuration.embeddingSize))",
            "lstm = layers.Bidirectional(layers.LSTM(\(configuration.units)))",
        ]
        let features =
            configuration.readsPairs
            ? [
                "first = keras.Input((None,), dtype=\"int32\")",
                "second = keras.Input((None,), dtype=\"int32\")",
                "a, b = lstm(embedding(first)), lstm(embedding(second))",
                "features = layers.Concatenate()([a, b, a * b, keras.ops.abs(a - b)])",
            ]
            : [
                "first = keras.Input((None,), dtype=\"int32\")",
                "features = lstm(embedding(first))",
            ]
        return [
            "`bertkit predict --model .` runs it without any Python. `model.weights.h5` loads into this",
            "Keras 3 model, which reads a text's pieces without `[CLS]` and with the `[SEP]` behind it:",
            "", "```python",
        ] + encoder + features + [
            "hidden = layers.Dense(\(configuration.hiddenSize), activation=\"relu\")(features)",
            "logits = layers.Dense(\(configuration.labels.count))(hidden)",
            "model = keras.Model(\(configuration.readsPairs ? "[first, second]" : "first"), logits)",
            "model.load_weights(\"model.weights.h5\")", "```",
        ]
    }
}
