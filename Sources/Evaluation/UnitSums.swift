import Datasets

/// What a measure has to know of each unit that is drawn (an example, or a sentence of words): numbers that
/// are added over the drawn ones, and the measure of the sums.
struct UnitSums {
    /// [units, width] row-major
    let values: [Double]
    let width: Int
    let measure: @Sendable (ArraySlice<Double>) -> Double?

    var count: Int { values.count / width }

    func measure(of units: [Int]) -> Double? {
        var sums = [Double](repeating: 0, count: width)
        for unit in units {
            for column in 0..<width { sums[column] += values[unit * width + column] }
        }
        return measure(sums[...])
    }

    /// The mean over answers of what each has.
    ///
    /// - Parameter units: where each unit's answers begin, and the end.
    static func mean(_ values: [Double], _ units: [Int]) -> UnitSums {
        let sums = zip(units, units.dropFirst()).flatMap { start, end in
            [values[start..<end].reduce(0, +), Double(end - start)]
        }
        return UnitSums(values: sums, width: 2) { sums in
            let (sum, count) = (sums[sums.startIndex], sums[sums.startIndex + 1])
            return count > 0 ? sum / count : nil
        }
    }

    /// F1 of entities.
    static func entities(
        _ predictions: [Int],
        _ targets: [Int],
        _ units: [Int],
        _ labels: [String]
    ) -> UnitSums {
        let sums = zip(units, units.dropFirst()).flatMap { start, end in
            let scores = EntityScores(
                predictions: Array(predictions[start..<end]),
                targets: Array(targets[start..<end]),
                sentences: [0, end - start],
                labels: labels
            )
            return [Double(scores.correct), Double(scores.actual + scores.answered)]
        }
        return UnitSums(values: sums, width: 2) { sums in
            let (correct, all) = (sums[sums.startIndex], sums[sums.startIndex + 1])
            return all > 0 ? 2 * correct / all : nil
        }
    }

    /// Pearson's correlation, of values whose means are near zero.
    static func correlation(_ x: [Double], _ y: [Double]) -> UnitSums {
        let (meanX, meanY) = (
            x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count)
        )
        let sums = zip(x, y).flatMap { x, y in
            let (a, b) = (x - meanX, y - meanY)
            return [1, a, b, a * a, b * b, a * b]
        }
        return UnitSums(values: sums, width: 6) { sums in
            let s = Array(sums)
            let (varianceX, varianceY) = (s[0] * s[3] - s[1] * s[1], s[0] * s[4] - s[2] * s[2])
            // What rounding leaves of a side that does not vary is no variance.
            guard varianceX > 1e-12 * s[0] * s[3], varianceY > 1e-12 * s[0] * s[4] else {
                return nil
            }
            return (s[0] * s[5] - s[1] * s[2]) / (varianceX.squareRoot() * varianceY.squareRoot())
        }
    }
}
