/// What a compressed model must reach to be written.
public struct QualityGate: Sendable {
    /// The least accuracy, or Pearson correlation of scores.
    public var minimumQuality: Double?
    /// The most by which it may be lower than the original's.
    public var maximumDrop: Double?
    /// The largest mean KL(original‖compressed), in nats.
    public var maximumDivergence: Double?

    public init(
        minimumQuality: Double? = nil,
        maximumDrop: Double? = nil,
        maximumDivergence: Double? = nil
    ) {
        self.minimumQuality = minimumQuality
        self.maximumDrop = maximumDrop
        self.maximumDivergence = maximumDivergence
    }

    public var isEmpty: Bool {
        minimumQuality == nil && maximumDrop == nil && maximumDivergence == nil
    }

    /// Whether labels are needed to decide.
    var readsLabels: Bool { minimumQuality != nil || maximumDrop != nil }

    /// What is not reached, as phrases; a measure that is undefined reaches nothing.
    func misses(_ original: CompressionStep, _ last: CompressionStep) -> [String] {
        var misses: [String] = []
        let quality = last.quality ?? -.infinity
        if let minimumQuality, !(quality >= minimumQuality) {
            misses.append(
                "\(last.qualityName) \(Self.text(last.quality)) is below \(minimumQuality)"
            )
        }
        if let maximumDrop, !((original.quality ?? .infinity) - quality <= maximumDrop) {
            misses.append(
                "\(last.qualityName) drops from \(Self.text(original.quality)) to "
                    + "\(Self.text(last.quality)), more than \(maximumDrop)"
            )
        }
        if let maximumDivergence, !((last.divergence ?? .infinity) <= maximumDivergence) {
            misses.append("KL \(Self.text(last.divergence)) is above \(maximumDivergence)")
        }
        return misses
    }

    /// With as many digits as decide.
    private static func text(_ value: Double?) -> String {
        value.map { "\(($0 * 1e6).rounded() / 1e6)" } ?? "undefined"
    }
}
