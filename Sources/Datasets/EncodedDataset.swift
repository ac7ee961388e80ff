public import Diagnostics
import Dispatch
public import Tokenization

/// A task file as token ids: every example laid end to end, with no padding.
///
/// Example i is rows `offsets[i]..<offsets[i + 1]` of `ids` and `tokenTypes`.
public struct EncodedDataset: Sendable {
    /// Vocabulary indexes, [tokens].
    public let ids: [Int32]
    /// 0 for the first text and its marks, 1 for the second, [tokens].
    public let tokenTypes: [Int32]
    /// [examples + 1]
    public let offsets: [Int]
    /// The class index or the score of each example, [examples]; empty when unlabelled.
    public let targets: [Float]
    /// How class labels were found; `nil` for scores and unlabelled data.
    public let labelMatching: LabelMatching?
    /// Examples that were longer than the maximum length and were cut.
    public let truncatedExamples: Int

    /// The number of examples.
    public var count: Int { offsets.count - 1 }
    public var tokenCount: Int { ids.count }
    public var isLabelled: Bool { !targets.isEmpty }

    /// The number of tokens of an example.
    public func length(of example: Int) -> Int { offsets[example + 1] - offsets[example] }

    /// The examples, in the order given, as one packed batch.
    public func batch(_ examples: some Collection<Int>) -> PackedBatch {
        var batchOffsets = [0]
        batchOffsets.reserveCapacity(examples.count + 1)
        var total = 0
        for example in examples {
            total += length(of: example)
            batchOffsets.append(total)
        }
        var batchIDs: [Int32] = []
        var batchTypes: [Int32] = []
        batchIDs.reserveCapacity(total)
        batchTypes.reserveCapacity(total)
        for example in examples {
            let rows = offsets[example]..<offsets[example + 1]
            batchIDs.append(contentsOf: ids[rows])
            batchTypes.append(contentsOf: tokenTypes[rows])
        }
        return PackedBatch(ids: batchIDs, tokenTypes: batchTypes, offsets: batchOffsets)
    }

    /// The targets of the examples, in the order given, [examples].
    public func targets(_ examples: some Collection<Int>) -> [Float] {
        precondition(isLabelled, "the data has no labels")
        return examples.map { targets[$0] }
    }
}

extension EncodedDataset {
    /// Encodes a task file on `workers` threads; the result does not depend on their number.
    ///
    /// - Parameters:
    ///   - kind: what the labels mean; `nil` leaves the data unlabelled.
    ///   - maximumLength: the most tokens of an example, special ones included.
    /// - Throws: `Failure` for the first label that does not fit `kind`.
    public init(
        _ file: TaskFile,
        kind: TaskKind?,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int,
        workers: Int
    ) throws(Failure) {
        try self.init(file, kind: kind, workers: workers) { text, pair in
            tokenizer.encode(text, pair: pair, maximumLength: maximumLength)
        }
    }

    /// How one example's UTF-8 becomes token ids.
    package typealias ExampleEncoder =
        @Sendable (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>?) -> Encoding

    /// The same with any encoder.
    package init(
        _ file: TaskFile,
        kind: TaskKind?,
        workers: Int,
        encoder: @escaping ExampleEncoder
    ) throws(Failure) {
        precondition(workers > 0)
        if let kind {
            (targets, labelMatching) = try file.targets(for: kind)
        } else {
            (targets, labelMatching) = ([], nil)
        }
        let portions = file.portions(min(workers, file.count))
        var encoded = [EncodedPortion](repeating: EncodedPortion(), count: portions.count)
        encoded.withUnsafeMutableBufferPointer { buffer in
            // Each iteration writes its own element only.
            nonisolated(unsafe) let results = buffer
            DispatchQueue.concurrentPerform(iterations: portions.count) { portion in
                results[portion] = EncodedPortion(file, portions[portion], encoder)
            }
        }
        let total = encoded.reduce(0) { $0 + $1.ids.count }
        var ids: [Int32] = []
        var tokenTypes: [Int32] = []
        var offsets: [Int] = []
        ids.reserveCapacity(total)
        tokenTypes.reserveCapacity(total)
        offsets.reserveCapacity(file.count + 1)
        for portion in encoded {
            let start = ids.count
            for offset in portion.starts { offsets.append(start + offset) }
            ids += portion.ids
            tokenTypes += portion.tokenTypes
        }
        offsets.append(total)
        self.ids = ids
        self.tokenTypes = tokenTypes
        self.offsets = offsets
        truncatedExamples = encoded.reduce(0) { $0 + $1.truncated }
    }
}

/// The examples of one worker.
private struct EncodedPortion: Sendable {
    var ids: [Int32] = []
    var tokenTypes: [Int32] = []
    var starts: [Int] = []
    var truncated = 0

    init() {}

    init(_ file: TaskFile, _ rows: Range<Int>, _ encoder: EncodedDataset.ExampleEncoder) {
        starts.reserveCapacity(rows.count)
        for row in rows {
            starts.append(ids.count)
            let encoding = file.withTexts(row, encoder)
            ids += encoding.ids
            tokenTypes += encoding.tokenTypes
            if encoding.truncated > 0 { truncated += 1 }
        }
    }
}

extension TaskFile {
    /// Consecutive runs of rows with about equally much text.
    fileprivate func portions(_ parts: Int) -> [Range<Int>] {
        var sizes: [Int] = []
        sizes.reserveCapacity(count)
        for row in 0..<count {
            // A row costs something even without text.
            sizes.append(rows.texts[row].count + (hasPairs ? rows.pairs[row].count : 0) + 16)
        }
        let total = sizes.reduce(0, +)
        var portions: [Range<Int>] = []
        var start = 0
        var sum = 0
        for row in 0..<count {
            sum += sizes[row]
            if sum * parts >= total * (portions.count + 1) {
                portions.append(start..<row + 1)
                start = row + 1
            }
        }
        return portions
    }
}
