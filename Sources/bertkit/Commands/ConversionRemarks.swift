import Conversion
import Diagnostics
import Tensors

/// What a conversion has to say about the values and tensors it met.
enum ConversionRemarks {
    /// What is not written: one line for each rule.
    static func notWritten(_ ignored: [(name: String, rule: String)]) -> [String] {
        byRule(ignored).map { rule, names in
            names.count == 1
                ? "not written: \(printable(names[0])) (\(rule))"
                : "not written: \(Numbers.count(names.count)) tensors (\(rule)), such as "
                    + printable(names[0])
        }
    }

    /// The names of each rule, the rules in the order in which they first occur.
    private static func byRule(
        _ ignored: [(name: String, rule: String)]
    ) -> [(rule: String, names: [String])] {
        var rules: [(rule: String, names: [String])] = []
        for (name, rule) in ignored {
            if let place = rules.firstIndex(where: { $0.rule == rule }) {
                rules[place].names.append(name)
            } else {
                rules.append((rule, [name]))
            }
        }
        return rules
    }

    /// Values that are not finite, or are so no longer.
    static func warnings(_ report: Conversion.Report) -> [String] {
        report.nonFinite.map { name, count in
            "\(printable(name)): \(values(count)) not finite, and written as \(count == 1 ? "it is" : "they are")"
        }
            + report.narrowing.filter { $0.1.overflowCount > 0 }.map { name, narrowing in
                let count = narrowing.overflowCount
                return
                    "\(printable(name)): \(values(count)) too large for the type, and written as "
                    + "infinity"
            }
    }

    /// What became subnormal or 0; `nil` when nothing did.
    static func underflow(_ report: Conversion.Report) -> String? {
        let tensors = report.narrowing.filter { $0.1.underflowCount > 0 }
        guard let worst = tensors.max(by: { $0.1.underflowCount < $1.1.underflowCount }) else {
            return nil
        }
        let total = tensors.reduce(0) { $0 + $1.1.underflowCount }
        let most =
            tensors.count > 1
            ? ", \(Numbers.count(worst.1.underflowCount)) of them in \(printable(worst.name))"
            : " in \(printable(worst.name))"
        return "\(Numbers.count(total)) values became subnormal or 0\(most)"
    }

    private static func values(_ count: Int) -> String {
        count == 1 ? "1 value is" : "\(Numbers.count(count)) values are"
    }
}
