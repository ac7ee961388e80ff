/// What a text became.
struct ComposedText {
    var methods: VariantMethods = []
    /// Words that stayed, and how many of them are masks.
    var words = 0
    var masks = 0
}

extension VariantBlock {
    /// Writes a text behind the block's bytes with what was drawn for its words.
    ///
    /// The original's bytes stay wherever no word changed. A word in the place of one that is spaced
    /// otherwise (a word for a comma) gets the spaces that it needs, where the original has none.
    ///
    /// - Parameters:
    ///   - list: the words that the draws name.
    ///   - candidates: whose list it is, if it is of candidates.
    mutating func compose(
        _ source: WordedText,
        _ draws: WordDraws,
        _ list: WordList,
        _ candidates: TextCandidates?,
        side: Int,
        mask: [UInt8]
    ) -> ComposedText {
        let (text, words, kept) = (source.text, source.words, draws.kept)
        var result = ComposedText(words: kept.count)
        var (position, end) = (0, text.count)
        if kept.count < words.count {
            result.methods = .ngram
            position = Int(words[kept.lowerBound].start)
            end = Int(words[kept.upperBound - 1].end)
        }
        var before: Spacing?
        for number in kept {
            let word = words[number]
            let choice = draws.choices[number]
            let isKept =
                choice == WordDraws.keep || choice >= 0 && isSame(word, in: text, list, choice)
            guard !isKept else {
                before = word.spacing
                continue
            }
            let spacing = choice >= 0 ? list.spacings[Int(choice)] : .word
            let isSpacedOtherwise = spacing != word.spacing
            append(text, position..<Int(word.start))
            if isSpacedOtherwise {
                openGap(before, word, spacing, isFirst: number == kept.lowerBound)
            }
            let start = bytes.count
            let kind: WordChange.Kind
            if choice == WordDraws.mask {
                bytes.append(contentsOf: mask)
                kind = .mask
                result.masks += 1
                result.methods.insert(.mask)
            } else {
                append(list, choice, capitalized: word.isCapitalized && candidates == nil)
                if let candidates {
                    kind = .candidate(rank: Int(choice - candidates.starts[number]) + 1)
                    result.methods.insert(.candidates)
                } else {
                    kind = .partOfSpeech
                    result.methods.insert(.partOfSpeech)
                }
            }
            changes.append(
                WordChange(kind: kind, side: side, word: number, place: start..<bytes.count)
            )
            position = Int(word.end)
            if isSpacedOtherwise, number + 1 < kept.upperBound {
                if word.touchesBehind {
                    if Spacing.wantsSpace(spacing, words[number + 1].spacing) { bytes.append(0x20) }
                } else if spacing == .opening, word.touchesBefore,
                    Int(words[number + 1].start) == position + 1
                {
                    position += 1
                }
            }
            before = spacing
        }
        append(text, position..<end)
        return result
    }

    /// The space before a word that is spaced otherwise than the one it stands for.
    private mutating func openGap(
        _ before: Spacing?,
        _ word: SourceWord,
        _ spacing: Spacing,
        isFirst: Bool
    ) {
        guard let before, !isFirst else { return }
        if word.touchesBefore {
            if Spacing.wantsSpace(before, spacing) { bytes.append(0x20) }
        } else if spacing == .closing, word.touchesBehind, bytes.last == 0x20 {
            bytes.removeLast()
        }
    }

    @inline(__always)
    private mutating func append(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        guard range.lowerBound < range.upperBound else { return }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[range]))
    }

    @inline(__always)
    private mutating func append(_ list: WordList, _ choice: Int32, capitalized: Bool) {
        let range = list.offsets[Int(choice)]..<list.offsets[Int(choice) + 1]
        list.bytes.withUnsafeBufferPointer { all in
            guard capitalized else {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: all[range]))
                return
            }
            bytes.append(contentsOf: Casing.capitalized(Array(all[range])))
        }
    }

    /// Whether the word drawn is the word that is there.
    @inline(__always)
    private func isSame(
        _ word: SourceWord,
        in text: UnsafeBufferPointer<UInt8>,
        _ list: WordList,
        _ choice: Int32
    ) -> Bool {
        let (start, end) = (list.offsets[Int(choice)], list.offsets[Int(choice) + 1])
        guard end - start == Int(word.end - word.start) else { return false }
        return list.bytes.withUnsafeBufferPointer { all in
            var difference: UInt8 = 0
            for index in 0..<end - start {
                difference |= all[start + index] ^ text[Int(word.start) + index]
            }
            // A capital that the word has from the sentence's beginning is given to the other as well.
            return difference == 0
                || word.isCapitalized && difference == 0x20
                    && (all[start] ^ 0x20) == text[Int(word.start)]
        }
    }
}
