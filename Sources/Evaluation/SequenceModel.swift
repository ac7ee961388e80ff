public import Bert
public import BiLSTM
public import Datasets
public import Diagnostics
public import Kernels
public import Tokenization

/// A model that answers sequences with classes or a score, of whatever kind.
public protocol SequenceModel: AnyObject, Sendable {
    /// What the outputs mean, as the data's labels are read.
    var taskKind: TaskKind { get }
    /// What it answers: texts, or their words.
    var head: Head { get }
    /// What it reads.
    var reader: any TextReader { get }
    /// The number of weights, with and without the embedding tables.
    var parameterCount: (total: Int, withoutEmbeddings: Int) { get }

    /// Bytes of the weights as they are held to answer with products in a precision.
    func weightByteCount(in precision: Precision) -> Int

    /// Floating-point operations per token of a forward pass, as `EncoderCost` counts them.
    func operationsPerToken(meanLength: Double) -> Double

    /// The model prepared for answering.
    ///
    /// - Parameters:
    ///   - precision: of the products, where it is available; `checkRuns` says whether it is at all.
    func inference(pool: WorkerPool, precision: Precision) -> any SequenceInference

    /// Refuses a precision that this kind of model is not computed in.
    ///
    /// - Throws: `Failure` of kind `.usage`.
    func checkRuns(in precision: Precision) throws(Failure)
}

public protocol SequenceInference: AnyObject {
    /// The logits of every sequence, `[B, C]` row-major.
    func logits(_ batch: PackedBatch) -> [Float]
}

extension BertInference: SequenceInference {}
extension BiLSTMInference: SequenceInference {}

extension BertModel: SequenceModel {
    public var taskKind: TaskKind { configuration.taskKind }
    public var head: Head { configuration.head }
    public var reader: any TextReader { configuration }

    /// Only the layers' matrices are held in the products' numbers.
    public func weightByteCount(in precision: Precision) -> Int {
        let width =
            switch precision {
            case .f32: 4
            case .bf16: precision.isAvailable ? 2 : 4
            case .int8: 1
            }
        return 4 * (parameterCount.total - layerMatrixCount) + width * layerMatrixCount
    }

    public func operationsPerToken(meanLength: Double) -> Double {
        EncoderCost.operationsPerToken(configuration, meanLength: meanLength)
    }

    public func inference(pool: WorkerPool, precision: Precision) -> any SequenceInference {
        BertInference(self, pool: pool, precision: precision)
    }

    public func checkRuns(in precision: Precision) throws(Failure) {}
}

extension BiLSTMModel: SequenceModel {
    public var taskKind: TaskKind { configuration.taskKind }
    public var head: Head { .sequenceClassification }
    public var reader: any TextReader { configuration }

    public func weightByteCount(in precision: Precision) -> Int { 4 * parameterCount.total }

    public func operationsPerToken(meanLength: Double) -> Double {
        configuration.operationsPerToken
    }

    public func inference(pool: WorkerPool, precision: Precision) -> any SequenceInference {
        BiLSTMInference(self, pool: pool)
    }

    public func checkRuns(in precision: Precision) throws(Failure) {
        try configuration.checkRuns(in: precision)
    }
}

extension BiLSTMConfiguration {
    /// Refuses what is not single precision.
    ///
    /// - Throws: `Failure` of kind `.usage`.
    public func checkRuns(in precision: Precision) throws(Failure) {
        guard precision != .f32 else { return }
        throw Failure(
            .usage,
            "--precision",
            "a BiLSTM is computed in f32, not in \(precision.rawValue)",
            remedy: "Leave it out"
        )
    }

    /// What the outputs mean, as the data's labels are read.
    public var taskKind: TaskKind {
        switch problemType {
        case .classification: .classification(labels: labels)
        case .regression: .regression
        }
    }
}
