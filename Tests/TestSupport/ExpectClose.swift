public import Testing

/// How two runs of numbers differ where they differ by more than they may.
public struct Mismatch: CustomStringConvertible, Sendable {
    /// Where the difference is the largest multiple of what is allowed there.
    public let worstIndex: Int
    public let actual: Double
    public let expected: Double
    public let allowed: Double
    /// How many elements are further off than allowed, of how many.
    public let countBeyond: Int
    public let count: Int

    public var description: String {
        "\(countBeyond) of \(count) elements are too far off; the worst, at \(worstIndex), is "
            + "\(actual) where \(expected) is expected: off by \(abs(actual - expected)), "
            + "\(allowed) allowed"
    }
}

/// Compares element by element: `|actual - expected| ≤ absolute + relative · |expected|`.
///
/// A NaN, and an infinity that is not expected, is never close.
///
/// - Returns: nil when every element is close enough. A negative control demands that it is not nil.
/// - Precondition: both have the same number of elements, and at least one.
public func mismatch<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
    actual: [Actual],
    expected: [Expected],
    absolute: Double,
    relative: Double = 0
) -> Mismatch? {
    precondition(!expected.isEmpty, "comparing nothing with nothing proves nothing")
    precondition(
        actual.count == expected.count,
        "\(actual.count) elements where \(expected.count) are expected"
    )
    var countBeyond = 0
    var worst = (index: 0, excess: 0.0)
    for index in expected.indices {
        let (found, wanted) = (Double(actual[index]), Double(expected[index]))
        if found == wanted { continue }
        let allowed = absolute + relative * abs(wanted)
        let difference = abs(found - wanted)
        if difference.isFinite && difference <= allowed { continue }
        countBeyond += 1
        let ratio = difference / allowed
        let excess = ratio.isNaN ? .infinity : ratio
        if countBeyond == 1 || excess > worst.excess { worst = (index, excess) }
    }
    guard countBeyond > 0 else { return nil }
    let expectedValue = Double(expected[worst.index])
    return Mismatch(
        worstIndex: worst.index,
        actual: Double(actual[worst.index]),
        expected: expectedValue,
        allowed: absolute + relative * abs(expectedValue),
        countBeyond: countBeyond,
        count: expected.count
    )
}

/// Records an issue when `actual` is not element by element within
/// `absolute + relative · |expected|` of `expected`.
///
/// - Parameter reason: what is compared, and where the tolerance comes from.
public func expectClose<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
    actual: [Actual],
    expected: [Expected],
    absolute: Double,
    relative: Double = 0,
    reason: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count, !expected.isEmpty else {
        Issue.record(
            "\(reason): \(actual.count) elements where \(expected.count) are expected",
            sourceLocation: sourceLocation
        )
        return
    }
    if let mismatch = mismatch(
        actual: actual,
        expected: expected,
        absolute: absolute,
        relative: relative
    ) {
        Issue.record("\(reason): \(mismatch)", sourceLocation: sourceLocation)
    }
}

/// `‖actual - expected‖ / max(‖expected‖, floor)`, in double precision.
///
/// The gradient of a key projection's bias is exactly 0 for every loss on the logits, so both sides
/// hold rounding noise: `floor` keeps a comparison of the two from dividing by it. NaN when an
/// element is, infinite when only `expected` vanishes and there is no floor.
///
/// - Precondition: both have the same number of elements.
public func relativeL2<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
    _ actual: [Actual],
    _ expected: [Expected],
    floor: Double = 0
) -> Double {
    precondition(
        actual.count == expected.count,
        "\(actual.count) elements where \(expected.count) are expected"
    )
    var (difference, norm) = (0.0, 0.0)
    for index in expected.indices {
        let (found, wanted) = (Double(actual[index]), Double(expected[index]))
        difference += (found - wanted) * (found - wanted)
        norm += wanted * wanted
    }
    if difference == 0 { return 0 }
    return difference.squareRoot() / max(norm.squareRoot(), floor)
}
