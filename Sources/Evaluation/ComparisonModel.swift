extension ComparisonReport {
    /// The measures of one model. Rates are in 0...1.
    public struct Model: Sendable, Hashable, Codable {
        public var name: String

        // Against the gold targets.
        public var accuracy: Double?
        /// F1 of class 1, for two classes.
        public var f1Binary: Double?
        /// The unweighted mean of the classes' F1.
        public var f1Macro: Double?
        public var f1Micro: Double?
        public var matthews: Double?
        /// In nats.
        public var crossEntropy: Double?
        public var pearson: Double?
        public var spearman: Double?
        /// Of named entities, where the labels of words mark them.
        public var entityPrecision: Double?
        public var entityRecall: Double?
        public var entityF1: Double?
        public var meanSquaredError: Double?
        /// Of each class, in the order of the labels.
        public var classes: [ClassMeasures]?
        /// Counts, a row for each true class, a column for each answered one.
        public var confusion: [[Int]]?
        public var calibration: Calibration?

        // Against the teacher; `nil` for itself.
        /// The mean of KL(teacher‖model) at the report's temperature, in nats.
        public var klFromTeacher: Double?
        /// The mean of KL(model‖teacher), in nats.
        public var klToTeacher: Double?
        /// In nats.
        public var jensenShannon: Double?
        public var totalVariation: Double?
        /// The share of examples with the teacher's answer.
        public var agreement: Double?
        /// Of those that the teacher has right, and of those that it has wrong.
        public var agreementWhereTeacherRight: Double?
        public var agreementWhereTeacherWrong: Double?
        /// The mean squared difference of the scores, for regression.
        public var squaredErrorFromTeacher: Double?
        /// The accuracy, the F1 of entities, or Pearson's correlation, in per cent of the teacher's.
        public var qualityKept: Double?
        /// How much worse than the teacher, and how sure that is.
        public var loss: QualityLoss?
        /// How its layers compare with the teacher's.
        public var layers: LayerSimilarity?
        /// The examples on which it is furthest from the teacher, the furthest first.
        public var disagreements: [Disagreement]?

        // Of 95 %, by drawing examples again.
        public var qualityInterval: Interval?
        public var klInterval: Interval?
        public var agreementInterval: Interval?

        // Cost.
        public var parameterCount: Int
        public var parameterCountWithoutEmbeddings: Int
        /// The teacher's parameters ÷ this model's.
        public var parameterCompression: Double?
        public var bytesOnDisk: Int
        /// The teacher's bytes on disk ÷ this model's.
        public var sizeCompression: Double?
        public var flopsPerToken: Double
        /// Of the weights as the engine holds them.
        public var bytesInMemory: Int?

        // Speed.
        public var seconds: Double
        public var examplesPerSecond: Double?
        public var tokensPerSecond: Double?
        /// Examples per second ÷ the teacher's.
        public var speedUp: Double?
        /// Of texts one at a time.
        public var latency: Latency?
        /// Processor hours for a million examples, of all workers together: what they cost wherever
        /// processors are paid by the hour.
        public var processorHoursPerMillion: Double?
    }

    /// How one class is answered.
    public struct ClassMeasures: Sendable, Hashable, Codable {
        public var label: String
        public var precision: Double?
        public var recall: Double?
        public var f1: Double?
        /// Examples of the class.
        public var support: Int
    }

    /// Percentiles of the time that a text takes alone, in milliseconds.
    public struct Latency: Sendable, Hashable, Codable {
        public var p50: Double
        public var p95: Double
        public var p99: Double
        public var count: Int

        /// - Parameter seconds: of each text, one at least.
        init(seconds: [Double]) {
            let sorted = seconds.map { $0 * 1000 }.sorted()
            p50 = Bootstrap.percentile(sorted, 0.5)
            p95 = Bootstrap.percentile(sorted, 0.95)
            p99 = Bootstrap.percentile(sorted, 0.99)
            count = seconds.count
        }
    }

    /// The teacher's quality minus a student's.
    public struct QualityLoss: Sendable, Hashable, Codable {
        public var value: Double
        /// Of 95 %.
        public var interval: Interval?
        /// Of right and wrong answers; nil for scores.
        public var mcNemar: McNemar?
    }

    /// An example, or word, on which a student answers another way than its teacher.
    public struct Disagreement: Sendable, Hashable, Codable {
        /// From 0.
        public var index: Int
        public var text: String
        /// The true class or score, where it is known.
        public var gold: String?
        /// Probabilities by class, or the score alone.
        public var teacher: [Double]
        public var student: [Double]
        /// KL(teacher‖student), or the scores' squared difference.
        public var distance: Double
    }

    /// Parts of the examples by one property.
    public struct SliceGroup: Sendable, Hashable, Codable {
        public var name: String
        public var slices: [Slice]
    }

    public struct Slice: Sendable, Hashable, Codable {
        public var name: String
        public var count: Int
        /// By model, the teacher first.
        public var models: [Measures]

        public struct Measures: Sendable, Hashable, Codable {
            /// The accuracy, or for scores the mean squared error; nil without targets.
            public var quality: Double?
            /// KL(teacher‖model) and agreement; for scores the squared error to the teacher and nil.
            public var distance: Double?
            public var agreement: Double?
        }
    }
}

/// How a student's layers compare with its teacher's, over the tokens of some examples.
public struct LayerSimilarity: Sendable, Hashable, Codable {
    /// Linear centred kernel alignment, a row for each of the teacher's states (embeddings first), a
    /// column for each of the student's; nil where a side does not vary.
    public var alignment: [[Double?]]
    /// The pairs that are compared: the embeddings with the embeddings, and each of the student's layers
    /// with one of the teacher's.
    public var pairs: [Pair]
    public var tokenCount: Int

    public struct Pair: Sendable, Hashable, Codable {
        /// From 1; 0 is the embeddings.
        public var teacher: Int
        public var student: Int
        /// The mean cosine of hidden states; nil where the widths differ.
        public var cosine: Double?
        /// KL(teacher‖student) of the attention's mean over heads, in nats; nil for embeddings.
        public var attentionKL: Double?
    }
}

// MARK: - Encoding

/// Written by hand because the synthesised encoding leaves `nil` out.
extension ComparisonReport.Model {
    private enum CodingKeys: String, CodingKey {
        case name
        case accuracy, f1Binary, f1Macro, f1Micro, matthews, crossEntropy
        case classes, confusion, calibration
        case entityPrecision, entityRecall, entityF1
        case pearson, spearman, meanSquaredError
        case klFromTeacher, klToTeacher, jensenShannon, totalVariation
        case agreement, agreementWhereTeacherRight, agreementWhereTeacherWrong
        case squaredErrorFromTeacher, qualityKept, loss, layers, disagreements
        case qualityInterval, klInterval, agreementInterval
        case parameterCount, parameterCountWithoutEmbeddings, parameterCompression
        case bytesOnDisk, sizeCompression, flopsPerToken, bytesInMemory
        case seconds, examplesPerSecond, tokensPerSecond, speedUp, latency, processorHoursPerMillion
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        for (key, value) in measures { try container.encode(value, forKey: key) }
        try container.encode(parameterCount, forKey: .parameterCount)
        try container.encode(
            parameterCountWithoutEmbeddings,
            forKey: .parameterCountWithoutEmbeddings
        )
        try container.encode(bytesOnDisk, forKey: .bytesOnDisk)
        try container.encode(bytesInMemory, forKey: .bytesInMemory)
        try container.encode(classes, forKey: .classes)
        try container.encode(confusion, forKey: .confusion)
        try container.encode(calibration, forKey: .calibration)
        try container.encode(loss, forKey: .loss)
        try container.encode(layers, forKey: .layers)
        try container.encode(disagreements, forKey: .disagreements)
        try container.encode(qualityInterval, forKey: .qualityInterval)
        try container.encode(klInterval, forKey: .klInterval)
        try container.encode(agreementInterval, forKey: .agreementInterval)
        try container.encode(latency, forKey: .latency)
    }

    /// Every measure that is a number and defined, by its key in JSON.
    ///
    /// - Parameter quality: the measure that ``qualityInterval`` is of.
    func numbers(_ quality: String) -> [(name: String, value: Double, interval: Interval?)] {
        let more: [(String, Double?)] = [
            ("expectedCalibrationError", calibration?.expectedError), ("brier", calibration?.brier),
            ("calibratingTemperature", calibration?.temperature),
            ("qualityLoss", loss?.value), ("mcNemarP", loss?.mcNemar?.pValue),
            ("parameterCount", Double(parameterCount)),
            ("parameterCountWithoutEmbeddings", Double(parameterCountWithoutEmbeddings)),
            ("bytesOnDisk", Double(bytesOnDisk)), ("bytesInMemory", bytesInMemory.map(Double.init)),
            ("latencyP50", latency?.p50), ("latencyP95", latency?.p95),
            ("latencyP99", latency?.p99),
        ]
        let intervals = [
            quality: qualityInterval, "klFromTeacher": klInterval,
            "squaredErrorFromTeacher": klInterval, "agreement": agreementInterval,
            "qualityLoss": loss?.interval,
        ]
        return (measures.map { ($0.0.stringValue, $0.1) } + more).compactMap { name, value in
            value.map { (name, $0, intervals[name] ?? nil) }
        }
    }

    private var measures: [(CodingKeys, Double?)] {
        [
            (.accuracy, accuracy), (.f1Binary, f1Binary), (.f1Macro, f1Macro),
            (.f1Micro, f1Micro), (.matthews, matthews), (.crossEntropy, crossEntropy),
            (.entityPrecision, entityPrecision), (.entityRecall, entityRecall),
            (.entityF1, entityF1), (.pearson, pearson),
            (.spearman, spearman), (.meanSquaredError, meanSquaredError),
            (.klFromTeacher, klFromTeacher), (.klToTeacher, klToTeacher),
            (.jensenShannon, jensenShannon), (.totalVariation, totalVariation),
            (.agreement, agreement),
            (.agreementWhereTeacherRight, agreementWhereTeacherRight),
            (.agreementWhereTeacherWrong, agreementWhereTeacherWrong),
            (.squaredErrorFromTeacher, squaredErrorFromTeacher), (.qualityKept, qualityKept),
            (.parameterCompression, parameterCompression), (.sizeCompression, sizeCompression),
            (.flopsPerToken, flopsPerToken), (.seconds, seconds),
            (.examplesPerSecond, examplesPerSecond), (.tokensPerSecond, tokensPerSecond),
            (.speedUp, speedUp), (.processorHoursPerMillion, processorHoursPerMillion),
        ]
    }
}
