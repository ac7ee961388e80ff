public import Diagnostics
import Foundation

/// The record of a run: losses now and then, and every measurement on development data.
///
/// The same run gives the same bytes in `metrics.jsonl` and `metrics.csv`; only the event file has the
/// clock's times. Steps and epochs are counted over all stages of a recipe.
public struct RunLog: Sendable {
    /// What a line reports.
    public enum Report: Sendable, Codable {
        /// A step: its loss in all and by terms, which add up to it.
        case training(
            loss: Double,
            terms: [Term],
            learningRate: Double,
            gradientNorm: Double
        )
        /// A measurement on the development data, and whether it is the stage's best so far.
        case evaluation(score: DevelopmentScore, isBest: Bool)
    }

    /// A part of a loss, as it entered it.
    public struct Term: Sendable, Hashable, Codable {
        public var name: String
        public var value: Double
    }

    /// One line of the record.
    public struct Entry: Sendable, Codable {
        /// The recipe's stage that is trained, where it has several.
        public var stage: String?
        /// Both counted from 1, over all stages.
        public var step: Int
        public var epoch: Int
        public var report: Report
        /// Seconds since 1970.
        public var wallTime: Double
        /// Training's speed since the entry before, measurements left out; nil at the first.
        public var examplesPerSecond: Double?
    }

    public private(set) var entries: [Entry] = []
    /// The stage that is trained next, where there are several.
    public var stage: String?
    /// What all steps had in common, for the summary of a run.
    public private(set) var totals = Totals()

    /// Sums over all steps.
    public struct Totals: Sendable, Codable {
        public var steps = 0
        public var examples = 0
        public var epochs = 0
        /// The sum of the steps' losses.
        public var loss = 0.0
        /// What training took, measurements on development data included.
        public var seconds = 0.0
        /// The most memory that training was expected to take.
        public var expectedBytes: Int?
    }

    private let follower: LiveLog?
    /// Of the stages that are done.
    private var earlier = Earlier()

    private struct Earlier: Codable {
        var steps = 0
        var epochs = 0
    }

    /// Since the last entry about a step.
    private var pace: (start: ContinuousClock.Instant, examples: Int)?

    /// - Parameter follower: gets every entry at once.
    public init(follower: LiveLog? = nil) { self.follower = follower }

    /// Begins a stage, whose steps the trainer counts from 1 again.
    public mutating func begin(stage: String?) {
        self.stage = stage
        earlier = Earlier(steps: totals.steps, epochs: totals.epochs)
        pace = nil
    }

    /// Notes the most memory that a stage will take, in bytes.
    public mutating func expect(memory byteCount: Int) {
        totals.expectedBytes = max(totals.expectedBytes ?? 0, byteCount)
    }

    /// Adds what a stage took.
    public mutating func end(seconds: Double) { totals.seconds += seconds }

    /// Records an event: every measurement, and every tenth step with the first and the last.
    public mutating func append(_ event: TrainingEvent) throws(Failure) {
        switch event {
        case .step(let step):
            totals.steps = earlier.steps + step.step
            totals.epochs = earlier.epochs + step.epoch + 1
            totals.examples += step.examples
            totals.loss += step.loss
            pace?.examples += step.examples
            guard step.step % 10 == 0 || step.step == 1 || step.step == step.totalSteps else {
                return
            }
            let now = ContinuousClock.now
            let speed = pace.map {
                Double($0.examples) / max(1e-9, ($0.start.duration(to: now)) / .seconds(1))
            }
            pace = (now, 0)
            try append(
                .training(
                    loss: step.loss,
                    terms: step.terms.map { Term(name: $0.name, value: $0.value) },
                    learningRate: step.learningRate,
                    gradientNorm: step.gradientNorm
                ),
                step.step,
                step.epoch,
                speed
            )
        case .evaluated(let evaluation):
            try append(
                .evaluation(score: evaluation.score, isBest: evaluation.isBest),
                evaluation.step,
                evaluation.epoch,
                nil
            )
            // A measurement's time is none of training's.
            pace = nil
        }
    }

    private mutating func append(
        _ report: Report,
        _ step: Int,
        _ epoch: Int,
        _ examplesPerSecond: Double?
    ) throws(Failure) {
        let entry = Entry(
            stage: stage,
            step: earlier.steps + step,
            epoch: earlier.epochs + epoch + 1,
            report: report,
            wallTime: Date().timeIntervalSince1970,
            examplesPerSecond: examplesPerSecond
        )
        entries.append(entry)
        try follower?.append(entry)
    }

    // MARK: Interrupted runs

    private struct Saved: Codable {
        var entries: [Entry]
        var stage: String?
        var totals: Totals
        var earlier: Earlier
    }

    /// The record so far, for `init(saved:of:follower:)`.
    public var saved: [UInt8] {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        let saved = Saved(entries: entries, stage: stage, totals: totals, earlier: earlier)
        guard let data = try? encoder.encode(saved) else {
            preconditionFailure("a record that JSON cannot spell")
        }
        return Array(data)
    }

    /// Goes on with a record.
    ///
    /// - Parameters:
    ///   - path: the file that it was kept in, for messages.
    ///   - follower: gets what there is at once, and every entry that comes.
    /// - Throws: `Failure` of kind `.badData` for anything but a record.
    public init(saved: [UInt8], of path: String, follower: LiveLog? = nil) throws(Failure) {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        guard let found = try? decoder.decode(Saved.self, from: Data(saved)) else {
            throw Failure(.badData, path, "its record of the run is not what this program writes")
        }
        (entries, stage, totals, earlier) =
            (found.entries, found.stage, found.totals, found.earlier)
        self.follower = follower
        for entry in entries { try follower?.append(entry) }
    }

    /// The files that belong beside the model: name and bytes.
    public var files: [(name: String, bytes: [UInt8])] {
        var files = [
            (name: "metrics.jsonl", bytes: Array(jsonLines.utf8)),
            (name: "metrics.csv", bytes: Array(csv.utf8)),
        ]
        if let first = entries.first {
            files.append((EventFile.name(start: first.wallTime), EventFile.bytes(of: entries)))
        }
        return files
    }
}

// MARK: - Text

extension RunLog.Entry {
    /// The entry as a JSON object, on a line of its own.
    public var json: String {
        var fields = stage.map { ["\"stage\": \"\($0)\""] } ?? []
        fields += ["\"step\": \(step)", "\"epoch\": \(epoch)"]
        switch report {
        case .training(let loss, let terms, let learningRate, let gradientNorm):
            let terms = terms.map { "\"\($0.name)\": \(number($0.value))" }.joined(separator: ", ")
            fields += [
                "\"loss\": \(number(loss))", "\"terms\": {\(terms)}",
                "\"learning_rate\": \(number(learningRate))",
                "\"gradient_norm\": \(number(gradientNorm))",
            ]
        case .evaluation(let score, let isBest):
            fields += [
                "\"dev_\(score.metric)\": \(number(score.value))",
                "\"dev_loss\": \(number(score.loss))",
                "\"best\": \(isBest)",
            ]
        }
        return "{\(fields.joined(separator: ", "))}\n"
    }

    /// JSON has no word for what is not finite, as a correlation may be.
    private func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

    /// The entry's values by their columns in `metrics.csv`.
    fileprivate var columns: [(name: String, value: String)] {
        var columns = stage.map { [("stage", $0)] } ?? []
        columns += [("step", "\(step)"), ("epoch", "\(epoch)")]
        switch report {
        case .training(let loss, let terms, let learningRate, let gradientNorm):
            columns.append(("loss", "\(loss)"))
            if terms.count > 1 { columns += terms.map { ("loss_\($0.name)", "\($0.value)") } }
            columns += [
                ("learning_rate", "\(learningRate)"), ("gradient_norm", "\(gradientNorm)"),
            ]
        case .evaluation(let score, let isBest):
            columns += [
                ("dev_\(score.metric)", "\(score.value)"), ("dev_loss", "\(score.loss)"),
                ("best", isBest ? "1" : "0"),
            ]
        }
        return columns
    }
}

extension RunLog {
    /// One object for each entry. Numbers are the shortest decimals that read back the same.
    public var jsonLines: String { entries.map(\.json).joined() }

    /// A row for each entry under one heading; a column that an entry has no value for is empty.
    public var csv: String {
        let rows = entries.map(\.columns)
        // What a stage alone has stands behind what all have.
        var names: [String] = []
        for name in ["stage", "step", "epoch", "loss"]
        where rows.contains(where: { $0.contains { $0.name == name } }) { names.append(name) }
        for row in rows {
            for column in row where !names.contains(column.name) { names.append(column.name) }
        }
        var text = names.joined(separator: ",") + "\n"
        for row in rows {
            let values = Dictionary(row.map { ($0.name, $0.value) }) { first, _ in first }
            text += names.map { values[$0] ?? "" }.joined(separator: ",") + "\n"
        }
        return text
    }
}
