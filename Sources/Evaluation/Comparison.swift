public import Datasets
public import Diagnostics
import Foundation

/// What running one model over a data set gave, and what the model costs.
public struct ModelMeasurement: Sendable {
    public var name: String
    /// [answers, outputs] row-major: C logits, or one score, of each example or word.
    public var logits: [Float]
    public var parameterCount: Int
    /// Without the word, position and token-type tables.
    public var parameterCountWithoutEmbeddings: Int
    /// The size of the file of weights.
    public var bytesOnDisk: Int
    /// Of the encoder, see ``EncoderCost/operationsPerToken(_:meanLength:)``.
    public var flopsPerToken: Double
    /// Wall time of the forward passes over all examples.
    public var seconds: Double
    /// Real tokens run through the model.
    public var tokenCount: Int
    public var exampleCount: Int
    /// Processor time of the forward passes, of all workers together.
    public var processorSeconds: Double?
    /// Of weights as the engine holds them to answer.
    public var bytesInMemory: Int?
    /// Seconds that texts took one at a time; empty where that was not measured.
    public var latencies: [Double] = []
    /// How its layers compare with the teacher's.
    public var layers: LayerSimilarity?

    public init(
        name: String,
        logits: [Float],
        parameterCount: Int,
        parameterCountWithoutEmbeddings: Int,
        bytesOnDisk: Int,
        flopsPerToken: Double,
        seconds: Double,
        tokenCount: Int,
        exampleCount: Int
    ) {
        self.name = name
        self.logits = logits
        self.parameterCount = parameterCount
        self.parameterCountWithoutEmbeddings = parameterCountWithoutEmbeddings
        self.bytesOnDisk = bytesOnDisk
        self.flopsPerToken = flopsPerToken
        self.seconds = seconds
        self.tokenCount = tokenCount
        self.exampleCount = exampleCount
    }
}

/// Models side by side on the same examples: how right they are, how close the students are to
/// the teacher, what each costs and how fast each is.
///
/// In JSON a measure that does not apply or is undefined is `null`.
public struct ComparisonReport: Sendable, Hashable, Codable {
    public var task: Task
    /// The names of the classes; empty for regression.
    public var labels: [String]
    /// Examples, or words where these are labelled one by one.
    public var exampleCount: Int
    /// Of labelled words, their sentences.
    public var sentenceCount: Int?
    /// Whether there were gold targets to compare with.
    public var hasTargets: Bool
    /// The temperature of ``Model/klFromTeacher`` and of the other divergences.
    public var temperature: Double
    /// What was compared on: a file, as the user spelled it.
    public var data: String?
    /// How often examples were drawn again for the intervals, and the draws' seed; nil without intervals.
    public var resamples: Int?
    public var seed: UInt64?
    public var teacher: Model?
    public var students: [Model]
    /// The same measures on parts of the examples.
    public var slices: [SliceGroup]?

    public enum Task: String, Sendable, Hashable, Codable {
        case classification
        case tokenClassification = "token-classification"
        case regression
    }

    /// Compares models on the same examples.
    ///
    /// - Parameters:
    ///   - targets: [answers] class indexes or scores; empty when there are none.
    ///   - sentences: where each sentence's words begin among the answers, and the end; nil where
    ///     examples are answered whole.
    ///   - temperature: both sides' in the divergences.
    ///   - bootstrap: how the intervals are drawn; nil leaves them out.
    ///   - facts: what is known of the examples beside their answers, for slices and for lists of them.
    /// - Throws: `Failure` if the models have different numbers of answers, or one that is not
    ///   finite.
    public init(
        kind: TaskKind,
        targets: [Float],
        sentences: [Int]? = nil,
        teacher: ModelMeasurement?,
        students: [ModelMeasurement],
        temperature: Double,
        bootstrap: Bootstrap? = Bootstrap(),
        facts: ExampleFacts? = nil
    ) throws(Failure) {
        precondition(temperature > 0 && temperature.isFinite)
        guard let first = teacher ?? students.first else {
            preconditionFailure("a comparison needs a model")
        }
        let count = first.logits.count / kind.outputCount
        precondition(targets.isEmpty || targets.count == count, "a target for each example")
        for model in [teacher].compactMap({ $0 }) + students {
            precondition(model.flopsPerToken.isFinite && model.seconds.isFinite)
            try model.validate(outputCount: kind.outputCount, exampleCount: count)
        }
        switch kind {
        case .classification(let labels):
            (task, self.labels) = (
                sentences == nil ? .classification : .tokenClassification, labels
            )
        case .regression: (task, self.labels) = (.regression, [])
        }
        exampleCount = count
        sentenceCount = sentences.map { $0.count - 1 }
        hasTargets = !targets.isEmpty
        self.temperature = temperature
        let judge = Judge(
            kind: kind,
            targets: targets,
            sentences: sentences,
            teacher: teacher,
            temperature: temperature
        )
        self.teacher = teacher.map { judge.measures(of: $0, isTeacher: true) }
        self.students = students.map { judge.measures(of: $0, isTeacher: false) }
        data = facts?.data
        let details = AnswerDetails(
            kind: kind,
            targets: targets,
            sentences: sentences,
            teacher: teacher,
            students: students,
            temperature: temperature
        )
        if let bootstrap {
            (resamples, seed) = (bootstrap.resamples, bootstrap.seed)
            details.addIntervals(bootstrap, to: &self)
        }
        if let facts { details.addExamples(facts, to: &self) }
    }

    /// The teacher, if any, and the students.
    public var models: [Model] { [teacher].compactMap { $0 } + students }
}

extension ModelMeasurement {
    func validate(outputCount: Int, exampleCount: Int) throws(Failure) {
        guard logits.count == exampleCount * outputCount else {
            throw Failure(
                .badData,
                name,
                "expected \(exampleCount) × \(outputCount) logits, found \(logits.count)"
            )
        }
        if let position = logits.firstIndex(where: { !$0.isFinite }) {
            throw Failure(
                .badData,
                name,
                "the model's answer to example \(position / outputCount) (counted from 0) is "
                    + "\(logits[position]), not a finite number"
            )
        }
    }
}

// MARK: - JSON

extension ComparisonReport {
    /// The report as JSON: keys sorted, every measure there, `null` for what does not apply or is
    /// undefined; ends with a newline.
    public func json() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            // Only numbers that are not finite fail, and no measure is allowed to be one.
            preconditionFailure("the report cannot be written: \(error)")
        }
    }
}

/// Written by hand because the synthesised encoding leaves `nil` out.
extension ComparisonReport {
    private enum CodingKeys: String, CodingKey {
        case task, labels, exampleCount, sentenceCount, hasTargets, temperature, teacher, students
        case data, resamples, seed, slices
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(task, forKey: .task)
        try container.encode(labels, forKey: .labels)
        try container.encode(exampleCount, forKey: .exampleCount)
        try container.encode(sentenceCount, forKey: .sentenceCount)
        try container.encode(hasTargets, forKey: .hasTargets)
        try container.encode(temperature, forKey: .temperature)
        try container.encode(teacher, forKey: .teacher)
        try container.encode(students, forKey: .students)
        try container.encode(data, forKey: .data)
        try container.encode(resamples, forKey: .resamples)
        try container.encode(seed, forKey: .seed)
        try container.encode(slices, forKey: .slices)
    }
}
