/// Splits one text; see ``TextWords``.
struct WordSplitter {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var words: [Range<Int>] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func split() {
        words.reserveCapacity(bytes.count / 4 + 1)
        var position = 0
        while position < bytes.count {
            let space = CharacterKind.spaceLength(bytes, position)
            if space > 0 {
                position += space
                continue
            }
            let start = position
            while position < bytes.count, CharacterKind.spaceLength(bytes, position) == 0 {
                position += 1
            }
            chunk(start..<position)
        }
    }

    /// What spaces, or the text's ends, enclose.
    private mutating func chunk(_ chunk: Range<Int>) {
        if isWhole(chunk) {
            words.append(chunk)
            return
        }
        var rest = chunk
        while let token = leadingToken(rest) {
            words.append(token)
            rest = token.upperBound..<rest.upperBound
            if rest.isEmpty { return }
        }
        var behind: [Range<Int>] = []
        while let token = trailingToken(rest) {
            behind.append(token)
            rest = rest.lowerBound..<token.lowerBound
        }
        if !rest.isEmpty { core(rest) }
        words += behind.reversed()
    }

    // MARK: Whole chunks

    private func isWhole(_ chunk: Range<Int>) -> Bool {
        let word = bytes[chunk]
        // Clitics and brackets of text that is tokenised already.
        if WordLists.isClitic(word) || WordLists.isBracket(word) { return true }
        return WordLists.emoticons.contains { $0.elementsEqual(word) }
    }

    // MARK: Ends

    /// A token of punctuation that a chunk begins with.
    private func leadingToken(_ chunk: Range<Int>) -> Range<Int>? {
        let (kind, end) = CharacterKind.at(bytes, chunk)
        switch kind {
        case .inner: return nil
        case .apostrophe:
            // 's and 'em are words, and so is '90s.
            if WordLists.isClitic(bytes[chunk]) || WordLists.isShortened(bytes[chunk]) {
                return nil
            }
        case .sign, .stop:
            // -5, .5, #film, @name; a sign alone is a token.
            if end < chunk.upperBound, startsNumberOrName(bytes[chunk.lowerBound], bytes[end]) {
                return nil
            }
        case .mark: break
        }
        return run(from: chunk)
    }

    private func startsNumberOrName(_ sign: UInt8, _ next: UInt8) -> Bool {
        switch sign {
        case 0x23, 0x40: CharacterKind.isLetter(next)
        case 0x2B, 0x2D, 0x2E: CharacterKind.isDigit(next)
        default: false
        }
    }

    /// A token of punctuation that a chunk ends with; not the one that it is.
    private func trailingToken(_ chunk: Range<Int>) -> Range<Int>? {
        guard !chunk.isEmpty else { return nil }
        var start = CharacterKind.start(bytes, chunk)
        let kind = CharacterKind.at(bytes, start..<chunk.upperBound).kind
        guard kind != .inner, start > chunk.lowerBound else { return nil }
        let sign = bytes[start]
        if kind == .sign {
            // C++, F#: signs behind a letter are the word's. A hyphen or a dash is not.
            guard sign == 0x2D || sign >= 0x80 else { return nil }
        }
        // The run of the same character, or of ends of sentences.
        let character = bytes[start..<chunk.upperBound]
        while start > chunk.lowerBound {
            let before = CharacterKind.start(bytes, chunk.lowerBound..<start)
            guard
                bytes[before..<start].elementsEqual(character)
                    || CharacterKind.endsSentence(bytes[before]) && CharacterKind.endsSentence(sign)
            else { break }
            start = before
        }
        if start == chunk.lowerBound { return nil }
        if sign == 0x2E, chunk.upperBound - start == 1, keepsPoint(chunk) { return nil }
        return start..<chunk.upperBound
    }

    /// Whether the point at a chunk's end belongs to an abbreviation.
    private func keepsPoint(_ chunk: Range<Int>) -> Bool {
        let stem = bytes[chunk.lowerBound..<chunk.upperBound - 1]
        if stem.count == 1, let letter = stem.first {
            // "I." ends a sentence; "J." is somebody's name.
            let isLast = !bytes[chunk.upperBound...].contains { $0 > 0x20 }
            return (0x41...0x5A).contains(letter) && !(letter == 0x49 && isLast)
        }
        // U.S., p.m., e.g.: single letters between points.
        let letters = stem.split(separator: 0x2E, omittingEmptySubsequences: false)
        if letters.count > 1,
            letters.allSatisfy({ $0.count == 1 && CharacterKind.isLetter($0[$0.startIndex]) })
        {
            return true
        }
        return WordLists.isAbbreviation(stem)
    }

    /// The run of one character, or of ends of sentences (`?!`), that a range begins with.
    private func run(from range: Range<Int>) -> Range<Int> {
        let first = CharacterKind.at(bytes, range).end
        let character = bytes[range.lowerBound..<first]
        var end = first
        while end < range.upperBound {
            let next = CharacterKind.at(bytes, end..<range.upperBound).end
            guard
                bytes[end..<next].elementsEqual(character)
                    || CharacterKind.endsSentence(bytes[range.lowerBound])
                        && CharacterKind.endsSentence(bytes[end])
            else { break }
            end = next
        }
        return range.lowerBound..<end
    }

    // MARK: Inside

    /// What is left of a chunk between punctuation.
    private mutating func core(_ range: Range<Int>) {
        if isAddress(range) {
            words.append(range)
            return
        }
        guard let mark = innerMark(range) else {
            clitics(range)
            return
        }
        clitics(range.lowerBound..<mark.lowerBound)
        words.append(mark)
        chunk(mark.upperBound..<range.upperBound)
    }

    private func isAddress(_ range: Range<Int>) -> Bool {
        let word = bytes[range]
        if WordLists.starts(word, "www.") { return true }
        for index in range.dropFirst() where index + 1 < range.upperBound {
            if bytes[index] == 0x40 { return true }
            if bytes[index] == 0x3A, bytes[index + 1] == 0x2F, index + 2 < range.upperBound,
                bytes[index + 2] == 0x2F
            {
                return true
            }
        }
        return false
    }

    /// Punctuation that splits what has no space: `word(s)`, `yes,but`, `well...maybe`, `this--that`.
    private func innerMark(_ range: Range<Int>) -> Range<Int>? {
        var position = range.lowerBound
        while position < range.upperBound {
            let (kind, end) = CharacterKind.at(bytes, position..<range.upperBound)
            if position > range.lowerBound, end < range.upperBound, splits(kind, position, end) {
                return run(from: position..<range.upperBound)
            }
            position = end
        }
        return nil
    }

    private func splits(_ kind: CharacterKind, _ position: Int, _ end: Int) -> Bool {
        let byte = bytes[position]
        switch kind {
        case .inner, .apostrophe: return false
        case .mark:
            let isInNumber =
                CharacterKind.isDigit(bytes[position - 1]) && CharacterKind.isDigit(bytes[end])
            // 1,200 and 5:30 are one word.
            return !((byte == 0x2C || byte == 0x3A) && isInNumber)
        // Two hyphens or more; dashes; not a sign in a word.
        case .sign: return byte >= 0x80 || byte == 0x2D && bytes[end] == 0x2D
        // Two points or more; ends of sentences within a word.
        case .stop: return byte != 0x2E || bytes[end] == 0x2E
        }
    }

    /// A word with its clitics apart.
    private mutating func clitics(_ range: Range<Int>) {
        let word = bytes[range]
        if let length = WordLists.lengthOfFirstPart(word) {
            words.append(range.lowerBound..<range.lowerBound + length)
            words.append(range.lowerBound + length..<range.upperBound)
            return
        }
        let length = WordLists.lengthOfClitic(word)
        guard length > 0, length < range.count else {
            words.append(range)
            return
        }
        let split = range.upperBound - length
        // "would n't 've": what is before a clitic may end with another.
        clitics(range.lowerBound..<split)
        words.append(split..<range.upperBound)
    }
}
