public import Datasets
public import Diagnostics
public import Tokenization

/// Sequences to train on, and which examples of the data they are.
public struct TrainingBatch: Sendable {
    public let sequences: PackedBatch
    public let examples: ArraySlice<Int>

    public init(sequences: PackedBatch, examples: ArraySlice<Int>) {
        (self.sequences, self.examples) = (sequences, examples)
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
        return TrainingBatch(sequences: data.batch(examples), examples: examples)
    }
}
