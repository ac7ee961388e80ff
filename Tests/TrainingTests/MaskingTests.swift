import Datasets
import Diagnostics
import Randomness
import TestSupport
import Testing
import Tokenization
import Training

@Suite struct MaskingTests {
    static let pieces =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (0..<95).map { "w\($0)" }

    /// Sequences of `[CLS]`, words, an unknown word and `[SEP]`.
    private static func batch(_ sequences: Int, words: Int) -> PackedBatch {
        var random = Philox(seed: 1, purpose: .sampling)
        var ids: [Int32] = []
        var offsets = [0]
        for _ in 0..<sequences {
            ids += [2, 1] + (0..<words).map { _ in Int32(5 + random.nextBelow(95)) } + [3]
            offsets.append(ids.count)
        }
        return PackedBatch(
            ids: ids,
            tokenTypes: [Int32](repeating: 0, count: ids.count),
            offsets: offsets
        )
    }

    @Test func `a share of the words is drawn and shown by 80, 10 and 10 per cent`() throws {
        let masking = try Masking(Vocabulary(pieces: Self.pieces))
        let batch = Self.batch(200, words: 100)
        var random = Philox(seed: 5, purpose: .masking)
        let (shown, masked) = masking.apply(to: batch, &random)
        #expect(masked.rows.count == 3000)
        #expect(zip(masked.rows, masked.rows.dropFirst()).allSatisfy(<))
        #expect(masked.rows.allSatisfy { batch.ids[$0] >= 5 })
        #expect(masked.pieces == masked.rows.map { batch.ids[$0] })
        #expect(shown.offsets == batch.offsets && shown.tokenTypes == batch.tokenTypes)
        let chosen = Set(masked.rows)
        #expect(
            batch.ids.indices.allSatisfy { chosen.contains($0) || shown.ids[$0] == batch.ids[$0] }
        )
        let hidden = masked.rows.count { shown.ids[$0] == 4 }
        let kept = masked.rows.count { shown.ids[$0] == batch.ids[$0] }
        let replaced = masked.rows.count - hidden - kept
        // Five deviations of a binomial draw of 3000; a random piece is now and then the same.
        #expect(abs(hidden - 2403) < 110 && abs(kept - 303) < 85 && abs(replaced - 294) < 85)
        // Every place is as likely: thirds of each text have a third each.
        let thirds = (0..<3).map { third in
            masked.rows.count { ($0 % 103 - 2) / 34 == third }
        }
        #expect(thirds.allSatisfy { abs($0 - 1000) < 150 }, "\(thirds)")
    }

    @Test func `rare pieces are drawn more often, by the power of their count`() throws {
        // w0 is a hundred times as frequent as w1: drawn 100^−0.7 = 1/25 as often per occurrence.
        var counts = [Int](repeating: 0, count: 100)
        (counts[5], counts[6]) = (1000, 10)
        let masking = try Masking(
            Vocabulary(pieces: Self.pieces),
            share: 0.01,
            frequencies: (counts, 0.7)
        )
        let words = 40_000
        let ids = [2] + (0..<words).map { Int32(5 + $0 % 2) } + [3]
        let batch = PackedBatch(
            ids: ids,
            tokenTypes: [Int32](repeating: 0, count: ids.count),
            offsets: [0, ids.count]
        )
        var random = Philox(seed: 2, purpose: .masking)
        let (_, masked) = masking.apply(to: batch, &random)
        #expect(masked.rows.count == 400)
        let frequent = masked.pieces.count { $0 == 5 }
        // 400 / 26 expected, five deviations.
        #expect(frequent > 0 && frequent < 36, "\(frequent)")
    }

    @Test func `few words give at least one, and no words none`() throws {
        let masking = try Masking(Vocabulary(pieces: Self.pieces))
        var random = Philox(seed: 3, purpose: .masking)
        let batch = { (ids: [Int32]) in
            PackedBatch(
                ids: ids,
                tokenTypes: [Int32](repeating: 0, count: ids.count),
                offsets: [0, ids.count]
            )
        }
        #expect(masking.apply(to: batch([2, 9, 3]), &random).masked.rows == [1])
        let none = masking.apply(to: batch([2, 1, 4, 0, 3]), &random)
        #expect(none.masked.rows.isEmpty && none.shown.ids == [2, 1, 4, 0, 3])
    }

    @Test func `a vocabulary without a mask is refused`() throws {
        let vocabulary = try Vocabulary(pieces: Self.pieces.filter { $0 != "[MASK]" })
        let failure = #expect(throws: Failure.self) { try Masking(vocabulary) }
        #expect(failure?.description.contains("no [MASK] piece") == true)
    }

    @Test func `masks depend on the seed and the batch's number alone, and are new in each epoch`()
        throws
    {
        struct Repeated: TrainingData {
            let batch: PackedBatch
            let count = 12

            struct Stream: BatchStream {
                var batches: [TrainingBatch]
                mutating func next() -> TrainingBatch? { batches.popLast() }
            }

            func epoch(_ epoch: Int, batchSize: Int, seed: UInt64) -> any BatchStream {
                let one = TrainingBatch(sequences: batch, examples: Array(0..<batchSize)[...])
                return Stream(batches: Array(repeating: one, count: count / batchSize))
            }
        }
        let data = MaskedText(
            Repeated(batch: Self.batch(4, words: 20)),
            masking: try Masking(Vocabulary(pieces: Self.pieces))
        )
        func masks(_ epoch: Int, seed: UInt64) throws -> [MaskedPieces] {
            var batches = data.epoch(epoch, batchSize: 4, seed: seed)
            var found: [MaskedPieces] = []
            while let batch = try batches.next() { found.append(try #require(batch.masked)) }
            return found
        }
        let first = try masks(0, seed: 1)
        #expect(first.count == 3 && Set(first).count == 3)
        #expect(try masks(0, seed: 1) == first)
        #expect(try Set(masks(1, seed: 1) + first + masks(0, seed: 2)).count == 9)
    }
}
