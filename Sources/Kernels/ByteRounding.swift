import CKernels

/// Rounding of weights to signed bytes, as products in `Precision.int8` round them.
public enum ByteRounding {
    /// Magnitudes that are smaller throughout become zeros: their scale would have no inverse.
    private static let leastMagnitude: Float = 1e-30

    /// Rounds a row symmetrically: its largest magnitude becomes ±127, the others go to nearest, ties
    /// to even.
    ///
    /// Rounding what scale · byte gives once more gives the same bytes and the same scale.
    ///
    /// - Parameters:
    ///   - row: finite weights.
    ///   - bytes: receives as many bytes.
    /// - Returns: the scale: weight ≈ scale · byte.
    public static func round(
        _ row: UnsafeBufferPointer<Float>,
        into bytes: UnsafeMutableBufferPointer<Int8>
    ) -> Float {
        precondition(row.count == bytes.count, "the counts disagree")
        guard let source = row.baseAddress, let target = bytes.baseAddress,
            row.contains(where: { abs($0) >= leastMagnitude })
        else {
            bytes.update(repeating: 0)
            return 0
        }
        var sum: Int32 = 0
        return bk_round_to_bytes(source, target, row.count, &sum)
    }
}
