/// What the weights of an exported graph are stored as, and with them how it computes.
enum ONNXWeights: Equatable {
    case float32
    case float16
    /// Bytes; each product's input is rounded to bytes over its own range while the graph runs.
    case int8Dynamic
    /// Bytes; inputs become bytes and numbers again around plain products, each token over its own range.
    case int8QDQ
}
