/// How far computed values are from expected ones, quantity by quantity.
struct Verdict: CustomStringConvertible {
    struct Finding {
        let quantity: String
        let error: Double
        let allowed: Double
        /// False also for an error that is not a number.
        var isWithin: Bool { error <= allowed }
    }

    private(set) var findings: [Finding] = []

    var passes: Bool { !findings.isEmpty && findings.allSatisfy(\.isWithin) }
    /// The largest error in units of what is allowed.
    var worst: Finding? { findings.max { $0.error / $0.allowed < $1.error / $1.allowed } }

    var description: String {
        let failing = findings.filter { !$0.isWithin }
        return failing.isEmpty
            ? "all \(findings.count) within; worst \(worst.map { "\($0)" } ?? "none")"
            : failing.map { "\($0.quantity): \($0.error) > \($0.allowed)" }.joined(separator: "\n")
    }

    mutating func add(_ quantity: String, error: Double, allowed: Double) {
        findings.append(Finding(quantity: quantity, error: error, allowed: allowed))
    }

    /// The largest absolute difference.
    mutating func compare(
        _ quantity: String,
        _ computed: [Float],
        _ expected: [Double],
        within allowed: Double
    ) {
        guard computed.count == expected.count else {
            findings.append(Finding(quantity: quantity, error: .infinity, allowed: allowed))
            return
        }
        var error = 0.0
        for (a, b) in zip(computed, expected) {
            let difference = abs(Double(a) - b)
            error = max(error, difference.isNaN ? .infinity : difference)
        }
        findings.append(Finding(quantity: quantity, error: error, allowed: allowed))
    }

    /// The Euclidean norm of the difference against `relative` of the expected norm plus `floor`.
    mutating func compareNorm(
        _ quantity: String,
        _ computed: [Float],
        _ expected: [Double],
        relative: Double,
        floor: Double
    ) {
        guard computed.count == expected.count else {
            findings.append(Finding(quantity: quantity, error: .infinity, allowed: 0))
            return
        }
        let error = zip(computed, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
        let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
        findings.append(
            Finding(quantity: quantity, error: error.squareRoot(), allowed: relative * norm + floor)
        )
    }
}
