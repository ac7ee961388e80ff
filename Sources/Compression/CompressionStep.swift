/// A row of the report: the model after one step, the original first.
public struct CompressionStep: Sendable {
    /// `original`, `layers 0, 2, 5`, `int8`, ….
    public let name: String
    public let parameterCount: Int
    /// Of all tensors as they are stored, before any gzip.
    public let byteCount: Int
    /// `accuracy`, or `Pearson correlation` of scores.
    public let qualityName: String
    /// Against the data's labels; `nil` without any.
    public let quality: Double?
    /// `KL, nats`, or `squared difference` of scores.
    public let divergenceName: String
    /// The mean KL(original‖this) in nats, or the mean squared difference of scores; `nil` without data.
    public let divergence: Double?
}
