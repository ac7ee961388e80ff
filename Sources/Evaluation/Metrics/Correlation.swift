/// Measures of how well predicted numbers follow true ones; all over [examples].
///
/// `nil` is "undefined": no examples, or for correlations fewer than two, a side that does not
/// vary, or a value that is not a number.
public enum Regression {
    /// The mean of (prediction − target)².
    public static func meanSquaredError(_ predictions: [Double], _ targets: [Double]) -> Double? {
        precondition(predictions.count == targets.count)
        guard !predictions.isEmpty else { return nil }
        let sum = zip(predictions, targets).reduce(0) { sum, pair in
            sum + (pair.0 - pair.1) * (pair.0 - pair.1)
        }
        return sum / Double(predictions.count)
    }

    /// Pearson's correlation, −1...1.
    public static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
        precondition(x.count == y.count)
        guard varies(x), varies(y) else { return nil }
        let meanX = x.reduce(0, +) / Double(x.count)
        let meanY = y.reduce(0, +) / Double(y.count)
        var product = 0.0
        var squaresX = 0.0
        var squaresY = 0.0
        for (a, b) in zip(x, y) {
            product += (a - meanX) * (b - meanY)
            squaresX += (a - meanX) * (a - meanX)
            squaresY += (b - meanY) * (b - meanY)
        }
        let norm = squaresX.squareRoot() * squaresY.squareRoot()
        guard norm > 0, norm.isFinite else { return nil }
        return max(-1, min(1, product / norm))
    }

    /// Spearman's rank correlation, −1...1: Pearson's of the ranks, ties at their average rank.
    public static func spearman(_ x: [Double], _ y: [Double]) -> Double? {
        precondition(x.count == y.count)
        guard varies(x), varies(y) else { return nil }
        return pearson(averageRanks(x), averageRanks(y))
    }

    /// The rank of each value from 1; equal values share the mean of their ranks.
    static func averageRanks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            // Ranks start + 1 ... end.
            for position in start..<end { ranks[order[position]] = Double(start + 1 + end) / 2 }
            start = end
        }
        return ranks
    }

    /// Whether all values are finite and not all the same; comparing values, since a rounded mean
    /// can make the variance of a constant a little more than zero.
    private static func varies(_ values: [Double]) -> Bool {
        guard let first = values.first, values.allSatisfy({ $0.isFinite }) else { return false }
        return values.contains { $0 != first }
    }
}
