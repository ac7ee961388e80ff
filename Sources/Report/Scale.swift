import Foundation

/// Where values lie on an axis of a chart.
struct Scale {
    let domain: ClosedRange<Double>
    /// Pixels; from the second bound to the first where it points up.
    let start: Double
    let end: Double
    let isLogarithmic: Bool

    init(
        _ domain: ClosedRange<Double>,
        from start: Double,
        to end: Double,
        isLogarithmic: Bool = false
    ) {
        (self.domain, self.start, self.end) = (domain, start, end)
        self.isLogarithmic = isLogarithmic
    }

    func callAsFunction(_ value: Double) -> Double {
        func place(_ value: Double) -> Double { isLogarithmic ? log(value) : value }
        let (low, high) = (place(domain.lowerBound), place(domain.upperBound))
        guard high > low else { return (start + end) / 2 }
        return start + (place(value) - low) / (high - low) * (end - start)
    }

    /// Round values inside the domain: steps of 1, 2 or 5 times a power of ten, or 1, 2 and 5 of each decade.
    var ticks: [Double] {
        if isLogarithmic {
            let first = Int(log10(domain.lowerBound).rounded(.down))
            let last = Int(log10(domain.upperBound).rounded(.up))
            return (first...last).flatMap { power in
                [1.0, 2, 5].map { $0 * pow(10, Double(power)) }
            }
            .filter { domain.contains($0) }
        }
        let span = domain.upperBound - domain.lowerBound
        guard span > 0 else { return [domain.lowerBound] }
        let rough = span / 4
        let magnitude = pow(10, log10(rough).rounded(.down))
        let step = [1, 2, 5, 10].map { $0 * magnitude }.first { $0 >= rough } ?? magnitude
        let first = (domain.lowerBound / step).rounded(.up)
        let last = (domain.upperBound / step).rounded(.down)
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    /// A domain that holds the values with some room at both ends.
    static func domain(_ values: [Double], room: Double = 0.08) -> ClosedRange<Double> {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        let margin = high > low ? (high - low) * room : max(abs(high) * room, 1e-3)
        return low - margin...high + margin
    }

    /// The same for a logarithmic axis.
    static func logDomain(_ values: [Double]) -> ClosedRange<Double> {
        let (low, high) = (values.min() ?? 1, values.max() ?? 10)
        return low / 1.5...max(high * 1.8, low * 3)
    }
}

/// Numbers as charts write them.
enum ChartNumber {
    /// At most so many digits behind the point, none that are zeros at the end.
    static func short(_ value: Double, _ digits: Int = 3) -> String {
        var text = fixed(value, digits)
        while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// A coordinate.
    static func pixel(_ value: Double) -> String { short(value, 1) }

    /// `17.5 MB`, in powers of a thousand.
    static func bytes(_ value: Double) -> String { scaled(value, ["B", "kB", "MB", "GB", "TB"]) }

    /// `2.4 k`.
    static func count(_ value: Double) -> String { scaled(value, ["", "k", "M", "G"]) }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        var (value, unit) = (value, 0)
        while abs(value) >= 999.5, unit + 1 < units.count {
            (value, unit) = (value / 1000, unit + 1)
        }
        let digits = unit == 0 || abs(value) >= 99.95 ? 0 : 1
        return "\(short(value, digits)) \(units[unit])".trimmingCharacters(in: .whitespaces)
    }
}
