import Checkpoints

/// The configuration of KerasHub's `BertBackbone`, wherever in a Keras configuration it is.
struct KerasConfiguration {
    let vocabularySize: Int
    let layerCount: Int
    let headCount: Int
    let hiddenSize: Int
    let intermediateSize: Int
    let dropout: Double
    let positionCount: Int
    let segmentCount: Int

    /// `nil` when there is none, or when it lacks a size.
    init?(_ value: JSONValue) {
        let found = Self.search(value) { members in
            guard case .string("BertBackbone")? = members["class_name"],
                case .object(let config)? = members["config"]
            else { return nil }
            return config
        }
        guard let config = found else { return nil }
        func size(_ key: String) -> Int? {
            if case .integer(let number)? = config[key] { number } else { nil }
        }
        guard let vocabulary = size("vocabulary_size"), let layers = size("num_layers"),
            let heads = size("num_heads"), let hidden = size("hidden_dim"),
            let intermediate = size("intermediate_dim"),
            let positions = size("max_sequence_length"), let segments = size("num_segments")
        else { return nil }
        vocabularySize = vocabulary
        layerCount = layers
        headCount = heads
        hiddenSize = hidden
        intermediateSize = intermediate
        positionCount = positions
        segmentCount = segments
        dropout =
            switch config["dropout"] {
            case .number(let number): number
            case .integer(let number): Double(number)
            default: 0.1
            }
    }

    /// Hugging Face's configuration inside a whole Keras model of its TensorFlow classes.
    static func huggingFace(in value: JSONValue) -> [String: JSONValue]? {
        search(value) { members in
            members["hidden_size"] != nil && members["num_attention_heads"] != nil
                && members["model_type"] != nil ? members : nil
        }
    }

    /// The first object, outermost first, for which `match` has an answer.
    static func search(
        _ value: JSONValue,
        _ match: ([String: JSONValue]) -> [String: JSONValue]?
    ) -> [String: JSONValue]? {
        var level = [value]
        while !level.isEmpty {
            var next: [JSONValue] = []
            for value in level {
                switch value {
                case .object(let members):
                    if let found = match(members) { return found }
                    next += members.sorted { $0.key < $1.key }.map(\.value)
                case .array(let elements): next += elements
                default: continue
                }
            }
            level = next
        }
        return nil
    }
}
