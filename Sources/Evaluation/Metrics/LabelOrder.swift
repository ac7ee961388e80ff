import Diagnostics

/// Looks whether a classifier's classes stand in another order than its labels say.
public enum LabelOrder {
    /// The naming of the outputs under which the answers are right most often: output `i` means class
    /// `result[i]`; the counts are of answers, rows the true class.
    ///
    /// An assignment problem, solved by augmenting paths.
    ///
    /// - Source: Kuhn 1955, in Jonker and Volgenant's form with potentials.
    public static func best(_ matrix: ConfusionMatrix) -> [Int] {
        let n = matrix.classCount
        // One-based, costs to be least: rows are outputs, columns the classes they might mean.
        func cost(_ output: Int, _ label: Int) -> Int {
            -matrix.counts[(label - 1) * n + output - 1]
        }
        var (rowPotential, columnPotential) = (
            [Int](repeating: 0, count: n + 1), [Int](repeating: 0, count: n + 1)
        )
        var rowOfColumn = [Int](repeating: 0, count: n + 1)
        for row in 1...n {
            rowOfColumn[0] = row
            var column = 0
            var slack = [Int](repeating: .max, count: n + 1)
            var previous = [Int](repeating: 0, count: n + 1)
            var isUsed = [Bool](repeating: false, count: n + 1)
            repeat {
                isUsed[column] = true
                let current = rowOfColumn[column]
                var (delta, next) = (Int.max, 0)
                for other in 1...n where !isUsed[other] {
                    let reduced =
                        cost(current, other) - rowPotential[current] - columnPotential[other]
                    if reduced < slack[other] {
                        (slack[other], previous[other]) = (reduced, column)
                    }
                    if slack[other] < delta { (delta, next) = (slack[other], other) }
                }
                for other in 0...n {
                    if isUsed[other] {
                        rowPotential[rowOfColumn[other]] += delta
                        columnPotential[other] -= delta
                    } else if slack[other] != .max {
                        slack[other] -= delta
                    }
                }
                column = next
            } while rowOfColumn[column] != 0
            while column != 0 {
                rowOfColumn[column] = rowOfColumn[previous[column]]
                column = previous[column]
            }
        }
        var result = [Int](repeating: 0, count: n)
        for column in 1...n { result[rowOfColumn[column] - 1] = column - 1 }
        return result
    }

    /// The better naming, if it would be right for over 20 points more of the examples, and for so many
    /// more that chance does not explain it (p < 0.01, ``McNemar``).
    public static func betterOrder(
        _ predictions: [Int],
        _ targets: [Int],
        classCount: Int
    ) -> (order: [Int], accuracy: Double)? {
        guard classCount > 1, !targets.isEmpty else { return nil }
        let matrix = ConfusionMatrix(
            predictions: predictions,
            targets: targets,
            classCount: classCount
        )
        let order = best(matrix)
        var (gained, lost) = (0, 0)
        for (prediction, target) in zip(predictions, targets) {
            let (before, after) = (prediction == target, order[prediction] == target)
            if after, !before { gained += 1 }
            if before, !after { lost += 1 }
        }
        let points = Double(gained - lost) / Double(targets.count)
        guard points > 0.2, McNemar(onlyFirstRight: lost, onlySecondRight: gained).pValue < 0.01
        else { return nil }
        return (order, Double(matrix.correct + gained - lost) / Double(targets.count))
    }

    /// What is wrong with a model whose answers fit its data under another order of its labels, as a phrase;
    /// nil if nothing is.
    ///
    /// - Parameter logits: [answers, C] row-major; C is the number of labels.
    public static func problem(
        _ logits: [Float],
        targets: [Float],
        labels: [String]
    ) -> String? {
        let predictions = LogitMetrics.topClasses(logits, classCount: labels.count)
        let classes = targets.map { Int($0) }
        guard let better = betterOrder(predictions, classes, classCount: labels.count) else {
            return nil
        }
        let order = better.order.enumerated().filter { $0.offset != $0.element }
            .map { "\(printable(labels[$0.offset])) as \(printable(labels[$0.element]))" }
            .joined(separator: ", ")
        let accuracy = Double(zip(predictions, classes).count(where: ==)) / Double(classes.count)
        return
            "reading its answers \(order) would score \(fixed(better.accuracy * 100, 1)) % instead of "
            + "\(fixed(accuracy * 100, 1)) %"
    }
}
