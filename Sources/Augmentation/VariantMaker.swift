import Randomness

/// Makes the variants of rows, for one worker.
struct VariantMaker {
    let augmenter: Augmenter
    private(set) var block = VariantBlock()
    private var draws = WordDraws()
    private var second = WordDraws()
    /// Of the row's variants so far.
    private var hashes: [UInt64] = []

    init(_ augmenter: Augmenter, rows: Range<Int>) {
        self.augmenter = augmenter
        block.rows = rows
        block.bytes.reserveCapacity(rows.count * augmenter.iterations * 96)
        block.variants.reserveCapacity(rows.count * augmenter.iterations)
    }

    /// Makes a row's variants.
    ///
    /// - Parameters:
    ///   - iterations: their numbers, of which each has its own random numbers.
    ///   - candidates: of the row's texts; nil where words have none.
    mutating func make(
        _ row: Int,
        iterations: Range<Int>,
        candidates: ArraySlice<TextCandidates>?
    ) {
        hashes.removeAll(keepingCapacity: true)
        let augmenter = augmenter
        augmenter.source.bytes.withUnsafeBufferPointer { bytes in
            augmenter.words.words.withUnsafeBufferPointer { words in
                let texts = RowTexts(augmenter, row, bytes, words)
                if texts.first.words.isEmpty, texts.second?.words.isEmpty ?? true { return }
                if let method = augmenter.tang {
                    for iteration in iterations {
                        tang(method, texts, iteration)
                    }
                }
                if let method = augmenter.candidates, let candidates {
                    for iteration in iterations {
                        exchange(method, texts, candidates, iteration)
                    }
                }
            }
        }
    }

    private func random(_ row: Int, _ part: UInt32) -> Philox {
        Philox(
            seed: augmenter.seed,
            purpose: .augmentation,
            index: UInt32(truncatingIfNeeded: row),
            part: part
        )
    }

    private mutating func tang(_ method: TangMethod, _ texts: RowTexts, _ iteration: Int) {
        var random = random(texts.row, UInt32(truncatingIfNeeded: iteration) & 0x7FFF_FFFF)
        let sides = Sides(isPair: texts.second != nil, &random)
        if sides.variesFirst {
            method.draw(texts.first.words, augmenter.pool, &random, into: &draws)
        } else {
            draws.restart(texts.first.words.count)
        }
        if let text = texts.second {
            if sides.variesSecond {
                method.draw(text.words, augmenter.pool, &random, into: &second)
            } else {
                second.restart(text.words.count)
            }
        }
        let list = augmenter.pool?.list ?? WordList()
        finish(texts, first: list, second: list, nil)
    }

    private mutating func exchange(
        _ method: CandidateMethod,
        _ texts: RowTexts,
        _ candidates: ArraySlice<TextCandidates>,
        _ iteration: Int
    ) {
        var random = random(texts.row, UInt32(truncatingIfNeeded: iteration) | 0x8000_0000)
        let sides = Sides(isPair: texts.second != nil, &random)
        let (one, other) = (candidates[candidates.startIndex], candidates[candidates.endIndex - 1])
        let count = texts.first.words.count
        if sides.variesFirst {
            method.draw(count, one, &random, into: &draws)
        } else {
            draws.restart(count)
        }
        if let text = texts.second {
            if sides.variesSecond {
                method.draw(text.words.count, other, &random, into: &second)
            } else {
                second.restart(text.words.count)
            }
        }
        finish(texts, first: one.list, second: other.list, (one, other))
    }

    /// Writes what was drawn, unless it gives nothing new.
    private mutating func finish(
        _ texts: RowTexts,
        first: WordList,
        second other: WordList,
        _ candidates: (TextCandidates, TextCandidates)?
    ) {
        let (start, firstChange) = (block.bytes.count, block.changes.count)
        var methods: VariantMethods = []
        var words = 0
        var masks = 0
        func note(_ found: ComposedText) {
            methods.formUnion(found.methods)
            words += found.words
            masks += found.masks
        }
        note(
            block.compose(
                texts.first,
                draws,
                first,
                candidates?.0,
                side: 0,
                mask: augmenter.mask
            )
        )
        let text = start..<block.bytes.count
        var pair: Range<Int>?
        if let own = texts.second {
            note(
                block.compose(own, second, other, candidates?.1, side: 1, mask: augmenter.mask)
            )
            pair = text.upperBound..<block.bytes.count
        }
        func drop() {
            block.bytes.removeLast(block.bytes.count - start)
            block.changes.removeLast(block.changes.count - firstChange)
        }
        guard !methods.isEmpty else {
            block.dropped.unchanged += 1
            return drop()
        }
        guard masks < words else {
            block.dropped.masksAlone += 1
            return drop()
        }
        let hash = block.bytes.withUnsafeBufferPointer {
            RowHash.of($0, text, pair)
        }
        guard !hashes.contains(hash) else {
            block.dropped.repeated += 1
            return drop()
        }
        hashes.append(hash)
        block.variants.append(
            Variant(
                row: texts.row,
                methods: methods,
                text: text,
                pair: pair,
                changes: firstChange..<block.changes.count,
                kept: (draws.kept, texts.second == nil ? 0..<0 : second.kept),
                hash: hash
            )
        )
    }
}

/// Which texts of a row an iteration varies: of a pair one, the other or both, each as often.
private struct Sides {
    var variesFirst = true
    var variesSecond = false

    init(isPair: Bool, _ random: inout Philox) {
        guard isPair else { return }
        let choice = random.nextBelow(3)
        variesFirst = choice != 1
        variesSecond = choice != 0
    }
}

/// A text with its words.
struct WordedText {
    let text: UnsafeBufferPointer<UInt8>
    let words: UnsafeBufferPointer<SourceWord>
}

/// A row's texts.
private struct RowTexts {
    let row: Int
    let first: WordedText
    let second: WordedText?

    init(
        _ augmenter: Augmenter,
        _ row: Int,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ words: UnsafeBufferPointer<SourceWord>
    ) {
        let (source, offsets) = (augmenter.source, augmenter.words.offsets)
        func side(_ side: Int) -> WordedText {
            let text = row * source.sides + side
            return WordedText(
                text: UnsafeBufferPointer(rebasing: bytes[source.place(row, side)]),
                words: UnsafeBufferPointer(rebasing: words[offsets[text]..<offsets[text + 1]])
            )
        }
        self.row = row
        first = side(0)
        second = source.hasPairs ? side(1) : nil
    }
}

/// A row's hash: of its texts without spaces around them.
enum RowHash {
    static func of(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ text: Range<Int>,
        _ pair: Range<Int>?
    ) -> UInt64 {
        var hash = TextHash()
        hash.append(trimmed(bytes, text))
        if let pair { hash.append(trimmed(bytes, pair)) }
        return hash.value
    }

    @inline(__always)
    private static func trimmed(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>
    ) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isSpace(bytes[start]) { start += 1 }
        while start < end, isSpace(bytes[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }
}
