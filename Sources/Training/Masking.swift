import Datasets
public import Diagnostics
import Foundation
public import Randomness
public import Tokenization

/// Which tokens a masked language model is to predict, and what it is shown in their place.
///
/// A share of a batch's tokens is drawn without replacement: each equally likely, or the more likely the
/// rarer its piece. Special pieces are never drawn. Of the drawn, 80 % are shown as `[MASK]`, 10 % as a
/// random piece, and 10 % as they are.
///
/// - Source: Devlin et al. 2018, section 3.1; the masks of Liu et al. 2019 (RoBERTa), new in every
///   epoch; the weights of Sanh et al. 2019 (DistilBERT), `count^−0.7`.
public struct Masking: Sendable {
    /// The share of tokens, in (0, 1].
    public let share: Double
    private let mask: Int32
    private let vocabularySize: Int
    private let isSpecial: [Bool]
    /// By piece, how likely it is drawn in comparison with others; nil for all alike.
    private let weights: [Double]?

    static let maskedShare: Float = 0.8
    static let replacedShare: Float = 0.1

    /// - Parameters:
    ///   - frequencies: how often each piece occurs in the text, and the exponent of that by which a
    ///     piece is drawn less; nil draws all alike.
    /// - Throws: `Failure` of kind `.badData` when the vocabulary has no `[MASK]`.
    public init(
        _ vocabulary: Vocabulary,
        share: Double = 0.15,
        frequencies: (counts: [Int], exponent: Double)? = nil
    ) throws(Failure) {
        precondition(share > 0 && share <= 1)
        guard let mask = vocabulary.mask else {
            throw Failure(
                .badData,
                "vocabulary",
                "there is no [MASK] piece, which a masked language model is shown",
                remedy: "Use a vocabulary that has it"
            )
        }
        (self.share, self.mask) = (share, mask)
        vocabularySize = vocabulary.count
        var special = [Bool](repeating: false, count: vocabulary.count)
        for piece in [
            vocabulary.padding, vocabulary.unknown, vocabulary.classification,
            vocabulary.separator, mask,
        ] { special[Int(piece)] = true }
        isSpecial = special
        weights = frequencies.map { counts, exponent in
            precondition(counts.count == vocabulary.count && exponent >= 0)
            return counts.map { pow(Double(max(1, $0)), -exponent) }
        }
    }

    /// A batch as the model is shown it, and the pieces that it is to find.
    ///
    /// The tokens drawn are the share, rounded up, of those that are not special: at least one where there
    /// is any.
    public func apply(
        to batch: PackedBatch,
        _ random: inout Philox
    ) -> (shown: PackedBatch, masked: MaskedPieces) {
        // The smallest of exponential draws at the weights' rates: drawing one by one without
        // replacement (Efraimidis & Spirakis 2006).
        var draws: [(key: Double, row: Int)] = []
        for (row, id) in batch.ids.enumerated() where !isSpecial[Int(id)] {
            let uniform = (Double(random.nextWord()) + 1) * 0x1p-32
            draws.append((-log(uniform) / (weights?[Int(id)] ?? 1), row))
        }
        let count = Int((share * Double(draws.count)).rounded(.up))
        draws.sort { ($0.key, $0.row) < ($1.key, $1.row) }
        let rows = draws.prefix(count).map(\.row).sorted()
        var ids = batch.ids
        for row in rows {
            let draw = random.nextUniform()
            if draw < Self.maskedShare {
                ids[row] = mask
            } else if draw < Self.maskedShare + Self.replacedShare {
                ids[row] = Int32(random.nextBelow(UInt32(vocabularySize)))
            }
        }
        return (
            PackedBatch(ids: ids, tokenTypes: batch.tokenTypes, offsets: batch.offsets),
            MaskedPieces(rows: rows, pieces: rows.map { batch.ids[$0] })
        )
    }
}

/// Text with masks that are new in every epoch.
///
/// The masks of a batch come from `Philox(seed:purpose: .masking, index:)` with the number of the batch
/// since training began, so that they depend on nothing else.
public struct MaskedText: TrainingData {
    public let text: any TrainingData
    public let masking: Masking
    public var count: Int { text.count }

    public init(_ text: any TrainingData, masking: Masking) {
        (self.text, self.masking) = (text, masking)
    }

    public func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream {
        let batches = (count + batchSize - 1) / batchSize
        return MaskedBatches(
            batches: text.epoch(epoch, batchSize: batchSize, seed: seed),
            masking: masking,
            seed: seed,
            number: epoch * batches
        )
    }
}

private struct MaskedBatches: BatchStream {
    var batches: any BatchStream
    let masking: Masking
    let seed: UInt64
    var number: Int

    mutating func next() throws(Failure) -> TrainingBatch? {
        guard let batch = try batches.next() else { return nil }
        var random = Philox(
            seed: seed,
            purpose: .masking,
            index: UInt32(truncatingIfNeeded: number)
        )
        number += 1
        let (shown, masked) = masking.apply(to: batch.sequences, &random)
        return TrainingBatch(sequences: shown, examples: batch.examples, masked: masked)
    }
}

extension TextData {
    /// How often each piece occurs in the whole text, read through once.
    ///
    /// - Parameter vocabularySize: that of the tokenizer.
    public func pieceCounts(vocabularySize: Int) throws(Failure) -> [Int] {
        var counts = [Int](repeating: 0, count: vocabularySize)
        var lines = text.lines(epoch: 0, seed: 0)
        while let line = try lines.next() {
            for id in tokenizer.encode(line, maximumLength: .max).ids { counts[Int(id)] += 1 }
        }
        return counts
    }
}
