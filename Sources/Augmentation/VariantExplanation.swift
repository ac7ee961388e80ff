/// A variant as a person is shown it: its text in pieces, and what happened to which words.
public struct VariantExplanation: Sendable, Hashable {
    /// A stretch of text; a changed word is one of its own.
    public struct Piece: Sendable, Hashable {
        public var text: String
        public var isChanged: Bool
    }

    /// Of each text of the row.
    public var texts: [[Piece]] = []
    /// As in `film → movie (NOUN)`, `plot masked`, `dull → flat (rank 3)`, `4-gram of 9 words`.
    public var reasons: [String] = []

    public init(_ variant: Variant, in block: VariantBlock, of augmenter: Augmenter) {
        let (source, words) = (augmenter.source, augmenter.words)
        for side in 0..<source.sides {
            let text = variant.row * source.sides + side
            let whole = side == 0 ? variant.text : variant.pair ?? 0..<0
            var pieces: [Piece] = []
            var position = whole.lowerBound
            func piece(_ range: Range<Int>, isChanged: Bool) {
                guard !range.isEmpty else { return }
                let text = String(decoding: block.bytes[range], as: UTF8.self)
                pieces.append(Piece(text: text, isChanged: isChanged))
            }
            for change in block.changes[variant.changes] where change.side == side {
                piece(position..<change.place.lowerBound, isChanged: false)
                piece(change.place, isChanged: true)
                position = change.place.upperBound
                let (range, name) = words.word(change.word, of: text)
                let start = source.place(variant.row, side).lowerBound
                let own = source.bytes[start + range.lowerBound..<start + range.upperBound]
                reasons.append(
                    Self.reason(
                        change,
                        String(decoding: own, as: UTF8.self),
                        String(decoding: block.bytes[change.place], as: UTF8.self),
                        name
                    )
                )
            }
            piece(position..<whole.upperBound, isChanged: false)
            texts.append(pieces)
            let (count, kept) = (words.count(of: text), variant.kept(side: side))
            if kept.count < count { reasons.append("\(kept.count)-gram of \(count) words") }
        }
    }

    private static func reason(
        _ change: WordChange,
        _ old: String,
        _ new: String,
        _ className: String
    ) -> String {
        switch change.kind {
        case .mask: "\(old) masked"
        case .partOfSpeech: "\(old) → \(new) (\(className))"
        case .candidate(let rank): "\(old) → \(new) (rank \(rank))"
        }
    }
}
