internal import CTensors

/// What the values of a tensor have in common; made in pieces.
public struct ValueSummary: Sendable, Hashable {
    public private(set) var nanCount = 0
    public private(set) var infinityCount = 0
    /// The least and the largest finite value; +∞ and −∞ when there is none.
    public private(set) var minimum = Float.infinity
    public private(set) var maximum = -Float.infinity
    /// Equal for equal elements; made to tell accidents, not forgeries.
    public private(set) var digest: UInt64 = 0

    public init() {}

    /// Takes more values in.
    ///
    /// - Parameter bytes: the stored elements, for the digest. Every piece but the last is a
    ///   multiple of 64 KiB.
    public mutating func add(
        _ values: UnsafeBufferPointer<Float>,
        bytes: UnsafeRawBufferPointer
    ) {
        digest = Self.digest(digest, bytes)
        guard let base = values.baseAddress, !values.isEmpty else { return }
        let piece = ct_summarize(base, values.count)
        nanCount += piece.nan_count
        infinityCount += piece.infinity_count
        minimum = min(minimum, piece.minimum)
        maximum = max(maximum, piece.maximum)
    }

    /// The digest of a stretch that continues one of digest `state`, 0 to begin.
    public static func digest(_ state: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return state }
        return ct_digest(state, base, bytes.count)
    }

    public var isFinite: Bool { nanCount == 0 && infinityCount == 0 }
    /// Whether all values are equal (−0 and 0 are).
    public var isConstant: Bool { isFinite && minimum == maximum }
}
