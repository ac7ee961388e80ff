import Bert
public import Checkpoints
public import Diagnostics

extension BiLSTMConfiguration {
    /// Whether a configuration is one of these.
    public static func isOne(_ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return false }
        return members["model_type"] == .string(modelType)
    }

    /// Reads a `config.json`, strictly: a key that is absent, of another type or out of range is a
    /// `Failure` that names it.
    ///
    /// - Parameter source: the file, for messages.
    public init(_ value: JSONValue, source: String) throws(Failure) {
        guard case .object(let members) = value else {
            throw Failure(.badData, source, "the configuration is not a JSON object")
        }
        var fields = Fields(members, source: source)
        let (labels, problem) = try BertConfigurationFile.labels(&fields, .sequenceClassification)
        self.init(
            vocabularySize: try fields.size("vocab_size", 1...10_000_000),
            embeddingSize: try fields.size("embedding_size", 1...65_536),
            units: try fields.size("lstm_units", 1...65_536),
            hiddenSize: try fields.size("hidden_size", 1...1_000_000),
            readsPairs: try fields.flag("sentence_pairs"),
            dropout: try fields.dropout("dropout", default: 0.1),
            labels: labels,
            problemType: problem
        )
    }

    /// The configuration as `config.json`.
    public var json: JSONValue {
        var identifiers: [String: JSONValue] = [:]
        var names: [String: JSONValue] = [:]
        for (index, label) in labels.enumerated() {
            identifiers[label] = .integer(index)
            names[String(index)] = .string(label)
        }
        return .object([
            "dropout": .number(dropout),
            "embedding_size": .integer(embeddingSize),
            "hidden_act": .string("relu"),
            "hidden_size": .integer(hiddenSize),
            "id2label": .object(names),
            "label2id": .object(identifiers),
            "lstm_units": .integer(units),
            "model_type": .string(Self.modelType),
            "problem_type": .string(
                problemType == .regression ? "regression" : "single_label_classification"
            ),
            "sentence_pairs": .bool(readsPairs),
            "vocab_size": .integer(vocabularySize),
        ])
    }
}
