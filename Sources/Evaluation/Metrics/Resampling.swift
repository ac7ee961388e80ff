import Foundation
import Randomness

/// A range that holds the true value in so many of a hundred repetitions of the experiment.
public struct Interval: Sendable, Hashable, Codable {
    public var low: Double
    public var high: Double

    public init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }
}

/// Draws examples with replacement, the same ones for all that is measured, so that differences are of
/// pairs.
///
/// - Source: Efron and Tibshirani 1993, "An introduction to the bootstrap" (percentile intervals).
public struct Bootstrap: Sendable {
    public let resamples: Int
    public let seed: UInt64

    public init(resamples: Int = 1000, seed: UInt64 = 42) {
        precondition(resamples > 0)
        self.resamples = resamples
        self.seed = seed
    }

    /// The resamples one after the other: `count` positions below `count` each.
    public func forEachResample(of count: Int, _ body: ([Int]) -> Void) {
        precondition(count > 0)
        var generator = Philox(seed: seed, purpose: .bootstrap)
        var drawn = [Int](repeating: 0, count: count)
        for _ in 0..<resamples {
            for index in 0..<count {
                // The high half of a product: no division, and a bias below count ÷ 2³².
                drawn[index] = Int((UInt64(generator.nextWord()) &* UInt64(count)) >> 32)
            }
            body(drawn)
        }
    }

    /// The middle `level` of some values, ends interpolated between neighbours as numpy's `percentile` does.
    /// Nil if any value is missing: a resample on which the measure is undefined says that there are too few
    /// examples.
    public static func interval(_ values: [Double?], level: Double = 0.95) -> Interval? {
        let sorted = values.compactMap(\.self).sorted()
        guard !sorted.isEmpty, sorted.count == values.count else { return nil }
        return Interval(
            low: percentile(sorted, (1 - level) / 2),
            high: percentile(sorted, (1 + level) / 2)
        )
    }

    /// - Parameter share: 0...1 of the way from the least of `sorted` to the largest.
    public static func percentile(_ sorted: [Double], _ share: Double) -> Double {
        precondition(!sorted.isEmpty && (0...1).contains(share))
        let place = share * Double(sorted.count - 1)
        let (below, above) = (Int(place.rounded(.down)), Int(place.rounded(.up)))
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}

/// Whether two classifiers differ by more than chance, judged by the examples that only one of them has
/// right.
public struct McNemar: Sendable, Hashable, Codable {
    public var onlyFirstRight: Int
    public var onlySecondRight: Int
    /// The probability of a split as uneven as this or more if both were equally good: two-sided and
    /// exact, of the binomial distribution with ½.
    ///
    /// - Source: McNemar 1947; Edwards 1948 for the exact form.
    public var pValue: Double

    public init(onlyFirstRight: Int, onlySecondRight: Int) {
        (self.onlyFirstRight, self.onlySecondRight) = (onlyFirstRight, onlySecondRight)
        pValue = Self.twoSided(
            min(onlyFirstRight, onlySecondRight),
            onlyFirstRight + onlySecondRight
        )
    }

    /// 2 · P(X ≤ least) for X of n fair coins, at most 1.
    private static func twoSided(_ least: Int, _ n: Int) -> Double {
        guard 2 * least < n else { return 1 }
        // From the largest term down, each by its ratio to the one before, in units of the largest.
        var (term, sum) = (1.0, 1.0)
        for k in stride(from: least, to: 0, by: -1) where term > 1e-18 * sum {
            term *= Double(k) / Double(n - k + 1)
            sum += term
        }
        let logarithm =
            logGamma(Double(n + 1)) - logGamma(Double(least + 1)) - logGamma(Double(n - least + 1))
            - Double(n) * M_LN2
        return min(1, 2 * exp(logarithm) * sum)
    }

    private static func logGamma(_ x: Double) -> Double {
        var sign: Int32 = 0
        return lgamma_r(x, &sign)
    }
}
