/// What the weights of an exported graph are stored as, and with them how it computes.
enum ONNXWeights: Equatable {
    case float32
    case float16
    /// Bytes; each product's input is rounded to bytes over its own range while the graph runs.
    case int8Dynamic
    /// Bytes; inputs are rounded over ranges that were measured before, by the layer's canonical name.
    case int8Static([String: ByteRange])
}

/// How values of a range become bytes: q = round(x / scale) + zeroPoint.
struct ByteRange: Equatable {
    let scale: Float
    let zeroPoint: UInt8

    /// The bytes for values between two, 0 among them: it has to be exact.
    init(_ minimum: Float, _ maximum: Float) {
        let (low, high) = (min(minimum, 0), max(maximum, 0))
        let width = high - low
        scale = width > 0 ? width / 255 : 1
        zeroPoint = UInt8(max(0, min(255, (-low / scale).rounded(.toNearestOrEven))))
    }
}
