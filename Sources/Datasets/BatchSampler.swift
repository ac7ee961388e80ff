import Randomness

/// Which examples make up which batch.
///
/// A batch is named by its epoch and its step in it and follows from nothing else, so a run that
/// resumes at a position goes on with the same batches.
public struct BatchSampler: Sendable {
    public enum Order: Sendable, Hashable {
        /// A new order in each epoch, from `Philox(seed:purpose: .shuffling, index: epoch)`.
        case shuffled(seed: UInt64)
        case file
        /// Longest first, so that the largest batch comes first and neighbours are of like length;
        /// equal lengths in file order.
        case byLength
    }

    public let order: Order
    public let batchSize: Int
    /// The number of examples.
    public let exampleCount: Int
    private let fixedOrder: [Int]?

    /// - Parameters:
    ///   - lengths: each example's number of tokens.
    ///   - batchSize: examples in a batch; the last batch of an epoch holds what is left.
    public init(lengths: some Collection<Int>, batchSize: Int, order: Order) {
        precondition(batchSize > 0)
        precondition(lengths.count <= Int(UInt32.max), "more examples than a draw can tell apart")
        self.order = order
        self.batchSize = batchSize
        exampleCount = lengths.count
        switch order {
        case .shuffled, .file: fixedOrder = nil
        case .byLength:
            let lengths = Array(lengths)
            fixedOrder = lengths.indices.sorted {
                (-lengths[$0], $0) < (-lengths[$1], $1)
            }
        }
    }

    public init(_ dataset: EncodedDataset, batchSize: Int, order: Order) {
        let lengths = (0..<dataset.count).map { dataset.length(of: $0) }
        self.init(lengths: lengths, batchSize: batchSize, order: order)
    }

    public var batchesPerEpoch: Int { (exampleCount + batchSize - 1) / batchSize }

    /// Where the batch number `step` of the whole run is, for runs that count on across epochs.
    public func position(ofStep step: Int) -> (epoch: Int, step: Int) {
        precondition(step >= 0 && exampleCount > 0)
        return (step / batchesPerEpoch, step % batchesPerEpoch)
    }

    /// The batches of one epoch, which is counted from 0.
    public func epoch(_ epoch: Int) -> EpochBatches {
        precondition(epoch >= 0 && epoch <= Int(UInt32.max))
        let examples: [Int]
        switch order {
        case .file: examples = Array(0..<exampleCount)
        case .byLength: examples = fixedOrder ?? []
        case .shuffled(let seed):
            var generator = Philox(seed: seed, purpose: .shuffling, index: UInt32(epoch))
            examples = generator.permutation(of: exampleCount)
        }
        return EpochBatches(examples: examples, batchSize: batchSize)
    }
}

/// The batches of one epoch by their step; a batch is the indexes of its examples.
public struct EpochBatches: RandomAccessCollection, Sendable {
    /// Every example once, in the epoch's order.
    public let examples: [Int]
    let batchSize: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { (examples.count + batchSize - 1) / batchSize }

    public subscript(step: Int) -> ArraySlice<Int> {
        precondition(indices.contains(step), "no such batch in the epoch")
        return examples[step * batchSize..<Swift.min((step + 1) * batchSize, examples.count)]
    }
}
