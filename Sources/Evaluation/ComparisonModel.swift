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

        // Against the teacher; `nil` for itself.
        /// The mean of KL(teacher‖model) at the report's temperature, in nats.
        public var klFromTeacher: Double?
        /// The share of examples with the teacher's answer.
        public var agreement: Double?
        /// The mean squared difference of the scores, for regression.
        public var squaredErrorFromTeacher: Double?
        /// The accuracy, the F1 of entities, or Pearson's correlation, in per cent of the teacher's.
        public var qualityKept: Double?

        // Cost.
        public var parameterCount: Int
        public var parameterCountWithoutEmbeddings: Int
        /// The teacher's parameters ÷ this model's.
        public var parameterCompression: Double?
        public var bytesOnDisk: Int
        /// The teacher's bytes on disk ÷ this model's.
        public var sizeCompression: Double?
        public var flopsPerToken: Double

        // Speed.
        public var seconds: Double
        public var examplesPerSecond: Double?
        public var tokensPerSecond: Double?
        /// Examples per second ÷ the teacher's.
        public var speedUp: Double?
    }
}

// MARK: - Encoding

/// Written by hand because the synthesised encoding leaves `nil` out.
extension ComparisonReport.Model {
    private enum CodingKeys: String, CodingKey {
        case name
        case accuracy, f1Binary, f1Macro, matthews, crossEntropy
        case entityPrecision, entityRecall, entityF1
        case pearson, spearman, meanSquaredError
        case klFromTeacher, agreement, squaredErrorFromTeacher, qualityKept
        case parameterCount, parameterCountWithoutEmbeddings, parameterCompression
        case bytesOnDisk, sizeCompression, flopsPerToken
        case seconds, examplesPerSecond, tokensPerSecond, speedUp
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
    }

    private var measures: [(CodingKeys, Double?)] {
        [
            (.accuracy, accuracy), (.f1Binary, f1Binary), (.f1Macro, f1Macro),
            (.matthews, matthews), (.crossEntropy, crossEntropy),
            (.entityPrecision, entityPrecision), (.entityRecall, entityRecall),
            (.entityF1, entityF1), (.pearson, pearson),
            (.spearman, spearman), (.meanSquaredError, meanSquaredError),
            (.klFromTeacher, klFromTeacher), (.agreement, agreement),
            (.squaredErrorFromTeacher, squaredErrorFromTeacher), (.qualityKept, qualityKept),
            (.parameterCompression, parameterCompression), (.sizeCompression, sizeCompression),
            (.flopsPerToken, flopsPerToken), (.seconds, seconds),
            (.examplesPerSecond, examplesPerSecond), (.tokensPerSecond, tokensPerSecond),
            (.speedUp, speedUp),
        ]
    }
}
