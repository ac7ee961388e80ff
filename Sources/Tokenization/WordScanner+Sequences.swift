extension WordScanner {
    /// The pieces of the texts so far; good until the next text.
    var found: UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: pieces.start, count: pieceCount)
    }

    /// Puts a text, or a pair, with its special pieces and cut to a length in the place of what was
    /// found before.
    ///
    /// - Returns: how many pieces have token type 0, and how many were cut off.
    mutating func scanSequence(
        _ text: UnsafeBufferPointer<UInt8>,
        _ pair: UnsafeBufferPointer<UInt8>?,
        maximumLength: Int
    ) -> (firstCount: Int, truncated: Int) {
        let vocabulary = tokenizer.vocabulary
        pieceCount = 0
        append(vocabulary.classification)
        scan(text)
        let first = pieceCount - 1
        guard let pair else {
            let kept = max(0, min(first, maximumLength - 2))
            pieceCount = 1 + kept
            append(vocabulary.separator)
            return (pieceCount, first - kept)
        }
        append(vocabulary.separator)
        let secondStart = pieceCount
        scan(pair)
        let second = pieceCount - secondStart
        let kept = Self.longestFirst(first, second, room: max(0, maximumLength - 3))
        if kept.first < first {
            pieces.start[1 + kept.first] = vocabulary.separator
            (pieces.start + kept.first + 2).update(
                from: pieces.start + secondStart,
                count: kept.second
            )
        }
        pieceCount = kept.first + 2 + kept.second
        append(vocabulary.separator)
        return (kept.first + 2, first - kept.first + second - kept.second)
    }

    /// How many pieces of either text stay when both may have `room` together.
    private static func longestFirst(
        _ first: Int,
        _ second: Int,
        room: Int
    ) -> (first: Int, second: Int) {
        guard first + second > room else { return (first, second) }
        let shorter = min(first, second)
        if 2 * shorter <= room {
            return first > second ? (room - second, second) : (first, room - first)
        }
        let (less, more) = (room / 2, room - room / 2)
        return first > second ? (more, less) : (less, more)
    }
}
