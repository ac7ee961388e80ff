import ArgumentParser
import Diagnostics
import Foundation

/// Limits of option values; a value beyond them is a usage error that says them.
enum Limits {
    static func check(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError(
            "'\(name)' must be from \(range.lowerBound) to \(range.upperBound), not \(value)"
        )
    }

    /// - Parameters:
    ///   - above: Whether the range's lower end itself is too little.
    ///   - below: Whether the range's upper end itself is too much.
    static func check(
        _ name: String,
        _ value: Double?,
        _ range: ClosedRange<Double>,
        above: Bool = false,
        below: Bool = false
    ) throws {
        guard let value else { return }
        let isInside =
            range.contains(value) && !(above && value == range.lowerBound)
            && !(below && value == range.upperBound)
        guard !isInside else { return }
        let lower = above ? "above \(range.lowerBound)" : "from \(range.lowerBound)"
        let upper = below ? "below \(range.upperBound)" : "up to \(range.upperBound)"
        throw ValidationError("'\(name)' must be \(lower) and \(upper), not \(value)")
    }
}

/// A comma-separated list of names.
struct NameList: ExpressibleByArgument {
    var names: [String]

    init?(argument: String) {
        names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty }) else { return nil }
    }

    var defaultValueDescription: String { names.joined(separator: ",") }
}

/// A comma-separated list of lengths in pieces.
struct LengthList: ExpressibleByArgument {
    var lengths: [Int]

    init?(argument: String) {
        lengths = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let length = Int(part), (2...65_536).contains(length) else { return nil }
            lengths.append(length)
        }
    }

    var defaultValueDescription: String { lengths.map(String.init).joined(separator: ",") }
}

/// Refuses an output that is the source or holds it, before it is refused because it exists and a
/// person reaches for '--force'.
func checkApart(output: String, source: String) throws(Failure) {
    func path(_ text: String) -> [String] {
        URL(filePath: text).standardizedFileURL.resolvingSymlinksInPath().pathComponents
    }
    let (inner, outer) = (path(source), path(output))
    guard inner.starts(with: outer) else { return }
    throw Failure(
        .usage,
        output,
        inner == outer ? "this is the source itself" : "the source lies in this folder",
        remedy: "Choose another destination"
    )
}

enum ReportFormat: String, CaseIterable, ExpressibleByArgument { case text, json }
