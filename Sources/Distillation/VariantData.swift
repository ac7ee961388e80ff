public import Augmentation
public import Datasets
public import Tokenization
public import Training

/// Labelled examples, and beside each of them variants, others in every epoch.
///
/// Variants are made as they are read: of an example's text, under the random numbers of the example, the
/// epoch and the variant. Where some draws change nothing, others are taken, and at last the text as it is.
public struct VariantData: TrainingData {
    public let data: EncodedDataset
    public let augmenter: Augmenter
    /// Of each example in an epoch.
    public let variants: Int
    private let candidates: [TextCandidates]?
    private let tokenizer: WordPieceTokenizer
    private let maximumLength: Int

    /// - Parameters:
    ///   - data: the examples of the augmenter's rows.
    ///   - candidates: of each row's texts in turn, where words are exchanged for them.
    ///   - maximumLength: the most tokens of a variant, special ones included.
    public init(
        _ data: EncodedDataset,
        _ augmenter: Augmenter,
        variants: Int,
        candidates: [TextCandidates]?,
        tokenizer: WordPieceTokenizer,
        maximumLength: Int
    ) {
        precondition(data.count == augmenter.source.count && data.words == nil && variants > 0)
        (self.data, self.augmenter, self.variants) = (data, augmenter, variants)
        (self.candidates, self.tokenizer) = (candidates, tokenizer)
        self.maximumLength = maximumLength
    }

    /// Examples and variants of one epoch.
    public var count: Int { data.count * (1 + variants) }

    public func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream {
        let sampler = BatchSampler(
            lengths: repeatElement(0, count: count),
            batchSize: batchSize,
            order: .shuffled(seed: seed)
        )
        return VariantBatches(data: self, epoch: epoch, batches: sampler.epoch(epoch))
    }

    private static let attempts = 4

    /// A variant of a row in an epoch, or the row as it is.
    ///
    /// - Parameter number: which of its variants.
    func variant(of row: Int, number: Int, epoch: Int) -> Encoding {
        let sides = augmenter.source.sides
        let own = candidates.map { Array($0[row * sides..<(row + 1) * sides]) }
        for attempt in 0..<Self.attempts {
            let iteration = (epoch * variants + number) * Self.attempts + attempt
            let block = augmenter.variants(
                of: row..<row + 1,
                iterations: iteration..<iteration + 1,
                candidates: own
            )
            guard !block.variants.isEmpty else { continue }
            // Of several methods, each in its turn.
            let variant = block.variants[(epoch + number) % block.variants.count]
            return tokenizer.encode(
                block.bytes[variant.text],
                pair: variant.pair.map { block.bytes[$0] },
                maximumLength: maximumLength
            )
        }
        return original(row)
    }

    fileprivate func original(_ row: Int) -> Encoding {
        let rows = data.offsets[row]..<data.offsets[row + 1]
        return Encoding(
            ids: Array(data.ids[rows]),
            tokenTypes: Array(data.tokenTypes[rows]),
            truncated: 0
        )
    }
}

private struct VariantBatches: BatchStream {
    let data: VariantData
    let epoch: Int
    let batches: EpochBatches
    var position = 0

    mutating func next() -> TrainingBatch? {
        guard position < batches.count else { return nil }
        defer { position += 1 }
        let count = data.data.count
        let originals = batches[position].filter { $0 < count }
        let variants = batches[position].filter { $0 >= count }.map { $0 - count }
        let encodings =
            originals.map { data.original($0) }
            + variants.map {
                data.variant(of: $0 / data.variants, number: $0 % data.variants, epoch: epoch)
            }
        let examples = originals + variants.map { $0 / data.variants }
        return TrainingBatch(
            sequences: PackedBatch(encodings),
            examples: examples[...],
            variantCount: variants.count
        )
    }
}
