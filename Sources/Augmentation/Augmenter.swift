public import Diagnostics
public import Kernels

/// Makes variants of texts, seeded row by row.
///
/// A row's variants depend on the seed, the row and the iteration alone: any number of workers makes the
/// same ones.
public struct Augmenter: Sendable {
    public let source: SourceTexts
    public let words: SourceWords
    public let tang: TangMethod?
    public let candidates: CandidateMethod?
    /// Variants tried of each row with each of both methods.
    public let iterations: Int
    /// What stands in the place of masked words.
    public let mask: [UInt8]
    public let seed: UInt64
    /// What words are drawn from; nil where none are.
    public let pool: WordPool?

    /// - Parameters:
    ///   - tang: masks, words of the same part of speech, n-grams; nil for none.
    ///   - candidates: words that fit their places; nil for none.
    ///   - mask: the model's mask token.
    /// - Throws: `Failure` of kind `.usage` where words are to be drawn by part of speech and have none, or
    ///   where the mask is no text.
    public init(
        _ source: SourceTexts,
        _ words: SourceWords,
        tang: TangMethod?,
        candidates: CandidateMethod? = nil,
        iterations: Int = 20,
        mask: String = "[MASK]",
        seed: UInt64
    ) throws(Failure) {
        precondition(iterations > 0 && (tang != nil || candidates != nil))
        let drawsWords = tang.map { $0.partOfSpeech > 0 } ?? false
        guard !drawsWords || words.areTagged else {
            throw Failure(
                .usage,
                source.name,
                "its words have no parts of speech, by which others would be drawn",
                remedy: "Leave out the method 'pos', or give words with tags"
            )
        }
        guard !mask.isEmpty, !mask.utf8.contains(where: { isSpace($0) }) else {
            throw Failure(
                .usage,
                "--mask-token",
                "'\(printable(mask))' is no word",
                remedy: "Give the model's mask token, such as [MASK]"
            )
        }
        self.source = source
        self.words = words
        self.tang = tang
        self.candidates = candidates
        self.iterations = iterations
        self.mask = Array(mask.utf8)
        self.seed = seed
        pool = drawsWords ? WordPool(source, words) : nil
    }

    /// The variants of rows, all of them, without looking at other rows for repetitions.
    ///
    /// - Parameters:
    ///   - iterations: their numbers; each has its own random numbers.
    ///   - candidates: of each row's texts in turn; needed where words are exchanged for candidates.
    public func variants(
        of rows: Range<Int>,
        iterations: Range<Int>? = nil,
        candidates: [TextCandidates]? = nil
    ) -> VariantBlock {
        var maker = VariantMaker(self, rows: rows)
        let sides = source.sides
        for row in rows {
            let first = (row - rows.lowerBound) * sides
            maker.make(
                row,
                iterations: iterations ?? 0..<self.iterations,
                candidates: candidates.map { $0[first..<first + sides] }
            )
        }
        return maker.block
    }

    /// Hands every row and its new variants to a receiver, row by row: what equals any row of the data, or
    /// a variant that was handed out, is dropped.
    ///
    /// - Parameters:
    ///   - rows: those that are varied.
    ///   - finder: of candidates; needed where words are exchanged for them.
    /// - Returns: how many were dropped.
    public func run<Receiver: VariantReceiver>(
        _ rows: Range<Int>? = nil,
        pool: WorkerPool,
        finder: (any CandidateFinder)? = nil,
        into receiver: inout Receiver
    ) throws(Failure) -> DroppedVariants {
        let rows = rows ?? 0..<source.count
        let seen = SeenTexts()
        insertOriginals(seen)
        var dropped = DroppedVariants()
        let size = 64
        let window = size * 4 * pool.workerCount
        var start = rows.lowerBound
        while start < rows.upperBound {
            let end = min(start + window, rows.upperBound)
            let found = finder.map { candidates(of: start..<end, by: $0) }
            var blocks = [VariantBlock](
                repeating: VariantBlock(),
                count: (end - start + size - 1) / size
            )
            blocks.withUnsafeMutableBufferPointer { buffer in
                // Each block is written by the worker that took its number.
                nonisolated(unsafe) let results = buffer
                pool.run(buffer.count) { number, _ in
                    let first = start + number * size
                    let own = first..<min(first + size, end)
                    let texts = own.lowerBound - start..<own.upperBound - start
                    results[number] = variants(
                        of: own,
                        candidates: found.map {
                            Array(
                                $0[
                                    texts.lowerBound * source.sides..<texts.upperBound
                                        * source.sides
                                ]
                            )
                        }
                    )
                }
            }
            for block in blocks { try hand(block, seen, &dropped, to: &receiver) }
            start = end
        }
        return dropped
    }

    private func hand<Receiver: VariantReceiver>(
        _ block: VariantBlock,
        _ seen: SeenTexts,
        _ dropped: inout DroppedVariants,
        to receiver: inout Receiver
    ) throws(Failure) {
        dropped += block.dropped
        var next = 0
        for row in block.rows {
            try receiver.original(row)
            while next < block.variants.count, block.variants[next].row == row {
                let variant = block.variants[next]
                next += 1
                if seen.insert(variant.hash) {
                    try receiver.variant(variant, in: block)
                } else {
                    dropped.repeated += 1
                }
            }
        }
    }

    private func insertOriginals(_ seen: SeenTexts) {
        source.bytes.withUnsafeBufferPointer { bytes in
            for row in 0..<source.count {
                let pair = source.hasPairs ? source.place(row, 1) : nil
                _ = seen.insert(RowHash.of(bytes, source.place(row, 0), pair))
            }
        }
    }

    /// The candidates of each text of rows, of a pair both; empty where no words are exchanged for them.
    public func candidates(of rows: Range<Int>, by finder: any CandidateFinder) -> [TextCandidates]
    {
        guard let method = candidates else { return [] }
        let sentences = rows.flatMap { row in
            (0..<source.sides).map { side in
                let text = row * source.sides + side
                let start = source.place(row, side).lowerBound
                let own = words.words[words.offsets[text]..<words.offsets[text + 1]].map {
                    String(
                        decoding: source.bytes[start + Int($0.start)..<start + Int($0.end)],
                        as: UTF8.self
                    )
                }
                return CandidateSentence(words: own, excluding: method.stopWords)
            }
        }
        return finder.candidates(for: sentences).map { TextCandidates($0) }
    }
}

/// Who gets rows and their variants.
public protocol VariantReceiver {
    /// A row of the data, before its variants.
    mutating func original(_ row: Int) throws(Failure)
    mutating func variant(_ variant: Variant, in block: VariantBlock) throws(Failure)
}
