public import Datasets
public import Diagnostics
public import Tokenization

/// Sequences to train on, and which examples of the data they are.
public struct TrainingBatch: Sendable {
    /// As the model is shown them.
    public let sequences: PackedBatch
    public let examples: ArraySlice<Int>
    /// Which answers of the data the rows of logits are: the examples, or their words.
    public let answers: ArraySlice<Int>
    /// How many sequences at the end are variants that were made for this batch; their examples, and
    /// answers, are those that they were made of, to which nobody's kept answers are theirs.
    public let variantCount: Int
    /// The pieces that a masked language model is to find.
    public let masked: MaskedPieces?

    public init(
        sequences: PackedBatch,
        examples: ArraySlice<Int>,
        answers: ArraySlice<Int>? = nil,
        variantCount: Int = 0,
        masked: MaskedPieces? = nil
    ) {
        (self.sequences, self.examples, self.masked) = (sequences, examples, masked)
        self.variantCount = variantCount
        self.answers = answers ?? examples
    }
}

/// Tokens that were selected to be predicted, and the pieces they were before.
public struct MaskedPieces: Sendable, Hashable {
    /// As rows of the batch, ascending.
    public let rows: [Int]
    /// The id of each.
    public let pieces: [Int32]

    public init(rows: [Int], pieces: [Int32]) {
        precondition(rows.count == pieces.count)
        (self.rows, self.pieces) = (rows, pieces)
    }
}

/// What is trained on, epoch by epoch in another seeded order.
public protocol TrainingData: Sendable {
    /// Examples in one epoch.
    var count: Int { get }

    /// The batches of one epoch; the last has what is left.
    func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream
}

/// The batches of one epoch, one after another.
public protocol BatchStream {
    /// The next batch, nil behind the last.
    ///
    /// - Throws: `Failure` where the data cannot be read.
    mutating func next() throws(Failure) -> TrainingBatch?
}

extension EncodedDataset: TrainingData {
    public func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream {
        let sampler = BatchSampler(self, batchSize: batchSize, order: .shuffled(seed: seed))
        return EncodedBatches(data: self, batches: sampler.epoch(epoch))
    }
}

private struct EncodedBatches: BatchStream {
    let data: EncodedDataset
    let batches: EpochBatches
    var position = 0

    mutating func next() -> TrainingBatch? {
        guard position < batches.count else { return nil }
        defer { position += 1 }
        let examples = batches[position]
        return TrainingBatch(
            sequences: data.batch(examples),
            examples: examples,
            answers: data.answers(examples)
        )
    }
}
