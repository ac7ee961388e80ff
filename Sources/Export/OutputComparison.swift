/// How an output of what was written compares with the model's own, on the same texts.
public struct OutputComparison: Sendable, Hashable {
    public let name: String
    /// The extents over all texts; tokens are as many as the longest text has.
    public let dimensions: [Int]
    /// The largest |a − b| of a value; NaN where one is not finite.
    public internal(set) var largestDifference: Float = 0
    /// The largest magnitude of the model's own values.
    public internal(set) var largestMagnitude: Float = 0
    /// How many answers there are: rows of classes, or for spans sequences. 0 where values are no scores.
    public internal(set) var answerCount = 0
    /// How many of them have their largest score at the same place.
    public internal(set) var agreementCount = 0

    init(name: String, dimensions: [Int]) {
        (self.name, self.dimensions) = (name, dimensions)
    }

    /// The share of answers that are the same; nil where values are no scores of classes.
    public var agreement: Double? {
        answerCount > 0 ? Double(agreementCount) / Double(answerCount) : nil
    }

    /// What is exact may differ by 1e-4, or by so much of the largest value; of what is rounded 99 % of the
    /// answers are the same.
    public func isGood(isExact: Bool) -> Bool {
        guard largestDifference.isFinite else { return false }
        guard !isExact else { return largestDifference <= 1e-4 * max(1, largestMagnitude) }
        return agreement.map { $0 >= 0.99 } ?? true
    }

    /// Adds values of both.
    ///
    /// - Parameters:
    ///   - found: rows end to end, as many values as `expected`.
    ///   - answers: the ranges of values whose largest one is an answer; empty for none.
    mutating func add(_ found: [Float], _ expected: [Float], answers: [Range<Int>]) {
        precondition(found.count == expected.count, "\(found.count) of \(expected.count) values")
        for (one, other) in zip(found, expected) {
            let difference = (one - other).magnitude
            if difference.isNaN || largestDifference.isNaN {
                largestDifference = .nan
            } else {
                largestDifference = max(largestDifference, difference)
            }
            largestMagnitude = max(largestMagnitude, other.magnitude)
        }
        func place(_ values: [Float], _ range: Range<Int>) -> Int? {
            range.max { values[$0] < values[$1] }
        }
        for range in answers {
            answerCount += 1
            if place(found, range) == place(expected, range) { agreementCount += 1 }
        }
    }
}
