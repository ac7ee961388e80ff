import Diagnostics
import Evaluation
import Foundation

/// What became of one run of a sweep.
struct SweepRecord: Codable {
    /// The run's folder in the sweep's.
    var name: String
    var settings: [SweepGrid.Setting]
    /// Of the resolved run and all files that it names.
    var digest: String
    /// nil where the run failed.
    var student: ComparisonReport.Model?
    var problem: String?
    /// Whether no other student is as good in quality, parameters and arithmetic and better in one.
    var isOnFront = false

    /// Accuracy, or Pearson's correlation.
    var quality: Double? { student.flatMap { $0.accuracy ?? $0.pearson } }
    /// In nats, or in squared scores.
    var divergence: Double? { student.flatMap { $0.klFromTeacher ?? $0.squaredErrorFromTeacher } }
}

/// The runs of a sweep side by side.
///
/// The front is by quality, parameters and arithmetic per token, which are the same on every machine; the
/// speed that is shown is measured, and would mark another front each time.
struct SweepReport: Codable {
    var runs: [SweepRecord]

    init(_ records: [SweepRecord]) {
        runs = records
        for index in runs.indices {
            runs[index].isOnFront = Self.isOnFront(runs[index], among: runs)
        }
    }

    private static func isOnFront(_ record: SweepRecord, among all: [SweepRecord]) -> Bool {
        guard let own = record.student, let quality = record.quality else { return false }
        return !all.contains { other in
            guard let student = other.student, let better = other.quality else { return false }
            let isNoWorse =
                better >= quality && student.parameterCount <= own.parameterCount
                && student.flopsPerToken <= own.flopsPerToken
            let isBetter =
                better > quality || student.parameterCount < own.parameterCount
                || student.flopsPerToken < own.flopsPerToken
            return isNoWorse && isBetter
        }
    }

    /// The axes, each once, in their order.
    private var axes: [String] {
        runs.flatMap(\.settings).map(\.name).reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
    }

    private var hasScores: Bool { runs.contains { $0.student?.pearson != nil } }

    var table: TextTable {
        let columns = [
            hasScores ? "pearson" : "accuracy", "kept", hasScores ? "MSE to teacher" : "KL",
            "parameters", "MFLOP/token", "examples/s", "speed-up",
        ]
        var table = TextTable(
            [.init("")] + axes.map { .init($0) } + columns.map { .init($0, .right) } + [
                .init("run")
            ]
        )
        for run in runs {
            func number(_ value: Double?, _ digits: Int, _ unit: String = "") -> String {
                value.map { Numbers.fixed($0, digits) + unit } ?? "–"
            }
            let student = run.student
            table.append(
                [run.isOnFront ? "*" : ""] + settings(of: run)
                    + [
                        number(run.quality, 4), number(student?.qualityKept, 2, " %"),
                        number(run.divergence, 5),
                        student.map { Numbers.count($0.parameterCount) } ?? "–",
                        number(student.map { $0.flopsPerToken / 1e6 }, 3),
                        number(student?.examplesPerSecond, 0), number(student?.speedUp, 1, " ×"),
                        run.problem.map { "failed: \($0)" } ?? run.name,
                    ]
            )
        }
        return table
    }

    private func settings(of run: SweepRecord) -> [String] {
        axes.map { name in run.settings.first { $0.name == name }?.value ?? "" }
    }

    /// A header and a line for each run; what is undefined is empty.
    var tabSeparated: String {
        let columns = [
            "run", "front", "quality", "quality_kept", "divergence", "agreement", "parameters",
            "bytes", "flops_per_token", "examples_per_second", "speed_up", "problem",
        ]
        var lines = [axes + columns]
        for run in runs {
            func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
            let student = run.student
            let cells = [
                run.name, "\(run.isOnFront)", text(run.quality), text(student?.qualityKept),
                text(run.divergence), text(student?.agreement),
                student.map { "\($0.parameterCount)" } ?? "",
                student.map { "\($0.bytesOnDisk)" } ?? "", text(student?.flopsPerToken),
                text(student?.examplesPerSecond), text(student?.speedUp), run.problem ?? "",
            ]
            lines.append(settings(of: run) + cells)
        }
        return lines.map { line in
            line.map { printable($0) }.joined(separator: "\t") + "\n"
        }.joined()
    }

    func json() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Every number is finite: a report of a model refuses others.
        guard let data = try? encoder.encode(self) else {
            preconditionFailure("a number is not one")
        }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
