import Randomness

/// Which examples make up which batch.
///
/// A batch is named by its epoch and its step in it and follows from nothing else, so a run that
/// resumes at a position goes on with the same batches.
public struct BatchSampler: Sendable {
    public enum Order: Sendable, Hashable {
        /// A new order in each epoch, from `Philox(seed:purpose: .shuffling, index: epoch)`.
        case shuffled(seed: UInt64)
        /// Shuffled, then each stretch of 50 batches by length, longest first, and the batches in a new
        /// order: examples of like length meet, as with the transformers library's `group_by_length`.
        case grouped(seed: UInt64)
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
    /// Of each example, where the order needs them.
    private let lengths: [Int]
    private static let groupedBatches = 50

    /// - Parameters:
    ///   - lengths: each example's number of tokens.
    ///   - batchSize: examples in a batch; the last batch of an epoch holds what is left.
    public init(lengths: some Collection<Int>, batchSize: Int, order: Order) {
        precondition(batchSize > 0)
        precondition(lengths.count <= Int(UInt32.max), "more examples than a draw can tell apart")
        self.order = order
        self.batchSize = batchSize
        exampleCount = lengths.count
        let lengths = Array(lengths)
        if case .grouped = order { self.lengths = lengths } else { self.lengths = [] }
        switch order {
        case .shuffled, .grouped, .file: fixedOrder = nil
        case .byLength:
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
        case .grouped(let seed):
            var generator = Philox(seed: seed, purpose: .shuffling, index: UInt32(epoch))
            examples = grouped(generator.permutation(of: exampleCount), &generator)
        }
        return EpochBatches(examples: examples, batchSize: batchSize)
    }

    private func grouped(_ shuffled: [Int], _ generator: inout Philox) -> [Int] {
        let stretch = Self.groupedBatches * batchSize
        let byLength = stride(from: 0, to: shuffled.count, by: stretch).flatMap { start in
            shuffled[start..<min(start + stretch, shuffled.count)].enumerated()
                .sorted { (-lengths[$0.element], $0.offset) < (-lengths[$1.element], $1.offset) }
                .map(\.element)
        }
        // A smaller last batch stays the last.
        let full = EpochBatches(
            examples: Array(byLength.prefix(byLength.count / batchSize * batchSize)),
            batchSize: batchSize
        )
        return generator.permutation(of: full.count).flatMap { full[$0] }
            + byLength[full.examples.count...]
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
