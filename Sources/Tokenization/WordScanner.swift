/// One pass over a text: folds scalars into a word buffer, and looks the word up where it ends.
///
/// The buffers belong to the caller: `word` holds four bytes for each scalar a word may have,
/// `hashes` one value for each byte a piece may have.
struct WordScanner {
    let tokenizer: WordPieceTokenizer
    let word: UnsafeMutableBufferPointer<UInt8>
    let hashes: UnsafeMutableBufferPointer<UInt64>

    /// What the text has become.
    var ids: [Int32] = []

    private var byteCount = 0
    private var scalarCount = 0
    private var hash = PieceTable.seed(.first)
    /// Whether the word has more scalars than a word may have; those are not kept.
    private var isTooLong = false
    /// Combining scalars since the last that is none, in canonical order.
    private var combining: [(scalar: UInt32, combiningClass: UInt32)] = []

    init(
        _ tokenizer: WordPieceTokenizer,
        word: UnsafeMutableBufferPointer<UInt8>,
        hashes: UnsafeMutableBufferPointer<UInt64>
    ) {
        self.tokenizer = tokenizer
        self.word = word
        self.hashes = hashes
    }

    /// Appends the pieces of a text.
    mutating func scan(_ text: UnsafeBufferPointer<UInt8>) {
        var at = 0
        while at < text.count {
            let code = tokenizer.folding.ascii[Int(text[at])]
            switch code {
            case FoldingTable.ASCII.notASCII:
                at = scanScalar(text, at)
                continue
            case FoldingTable.ASCII.space: endWord()
            case FoldingTable.ASCII.drop: break
            case FoldingTable.ASCII.alone: appendAlone(UInt32(text[at]))
            case FoldingTable.ASCII.bracket:
                if let (id, length) = tokenizer.special(in: text, at: at) {
                    endWord()
                    ids.append(id)
                    at += length
                    continue
                }
                appendAlone(UInt32(text[at]))
            default:
                at = scanASCII(text, at)
                continue
            }
            at += 1
        }
        endWord()
    }

    /// Takes word bytes of ASCII as long as they follow one another; returns where they end.
    private mutating func scanASCII(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        endCombining()
        let room = tokenizer.configuration.maximumWordLength - scalarCount
        var (at, count, hash) = (start, byteCount, hash)
        while at < text.count {
            let code = tokenizer.folding.ascii[Int(text[at])]
            if code <= FoldingTable.ASCII.last { break }
            if at - start < room {
                word[count] = code
                count += 1
                hash = PieceTable.step(hash, code)
            }
            at += 1
        }
        isTooLong = isTooLong || at - start > room
        scalarCount += count - byteCount
        byteCount = count
        self.hash = hash
        return at
    }

    /// Takes one scalar beyond ASCII; returns where it ends. A byte that begins none is passed
    /// over, as BERT drops the U+FFFD it would be read as.
    private mutating func scanScalar(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        guard let (scalar, length) = decodeScalar(text, at) else { return at + 1 }
        let action = tokenizer.folding.action(scalar)
        switch action.kind {
        case .word: append(action.replacement(of: scalar))
        case .drop: break
        case .space: endWord()
        case .alone: appendAlone(action.replacement(of: scalar))
        case .several:
            for part in tokenizer.folding.expansion(action) {
                let action = tokenizer.folding.action(part)
                if action.kind == .combining {
                    insertCombining(part, action.combiningClass)
                } else {
                    append(part)
                }
            }
        case .hangul: appendHangul(scalar - UnicodeTables.hangul.lowerBound)
        case .combining: insertCombining(scalar, action.combiningClass)
        case .breaking: endCombining()
        }
        return at + length
    }
}

extension WordScanner {
    /// A word scalar that is no combining one.
    private mutating func append(_ scalar: UInt32) {
        endCombining()
        store(scalar)
    }

    private mutating func appendAlone(_ scalar: UInt32) {
        endWord()
        store(scalar)
        endWord()
    }

    private mutating func appendHangul(_ index: UInt32) {
        let syllables = UnicodeTables.trailingCount
        let trailing = index % syllables
        append(UnicodeTables.leadingJamo + index / syllables / UnicodeTables.vowelCount)
        append(UnicodeTables.vowelJamo + index / syllables % UnicodeTables.vowelCount)
        if trailing != 0 { append(UnicodeTables.trailingJamo + trailing) }
    }

    /// Puts a combining scalar behind those of its own or a lower class. More of them than a word
    /// may have need no order: the word is too long.
    private mutating func insertCombining(_ scalar: UInt32, _ combiningClass: UInt32) {
        guard combining.count < tokenizer.configuration.maximumWordLength else {
            isTooLong = true
            return
        }
        var place = combining.count
        while place > 0, combining[place - 1].combiningClass > combiningClass { place -= 1 }
        combining.insert((scalar, combiningClass), at: place)
    }

    @inline(__always)
    private mutating func endCombining() {
        if !combining.isEmpty { storeCombining() }
    }

    private mutating func storeCombining() {
        for (scalar, _) in combining { store(scalar) }
        combining.removeAll(keepingCapacity: true)
    }

    private mutating func store(_ scalar: UInt32) {
        guard scalarCount < tokenizer.configuration.maximumWordLength else {
            isTooLong = true
            return
        }
        scalarCount += 1
        switch scalar {
        case ..<0x80: store(byte: scalar)
        case ..<0x800:
            store(byte: 0xC0 | scalar >> 6)
            store(byte: 0x80 | scalar & 0x3F)
        case ..<0x1_0000:
            store(byte: 0xE0 | scalar >> 12)
            store(byte: 0x80 | scalar >> 6 & 0x3F)
            store(byte: 0x80 | scalar & 0x3F)
        default:
            store(byte: 0xF0 | scalar >> 18)
            store(byte: 0x80 | scalar >> 12 & 0x3F)
            store(byte: 0x80 | scalar >> 6 & 0x3F)
            store(byte: 0x80 | scalar & 0x3F)
        }
    }

    @inline(__always)
    private mutating func store(byte: UInt32) {
        let byte = UInt8(truncatingIfNeeded: byte)
        word[byteCount] = byte
        byteCount += 1
        hash = PieceTable.step(hash, byte)
    }

    @inline(__always)
    private mutating func endWord() {
        endCombining()
        guard scalarCount > 0 else { return }
        if isTooLong {
            ids.append(tokenizer.vocabulary.unknown)
        } else {
            appendPieces()
        }
        byteCount = 0
        scalarCount = 0
        hash = PieceTable.seed(.first)
        isTooLong = false
    }
}

extension WordScanner {
    /// The longest piece that fits, then the longest that goes on from there, and so on; `[UNK]`
    /// for the whole word if there is none at some point (Wu et al. 2016, as in BERT).
    ///
    /// The time for a word is its length times that of the longest piece, at most.
    private mutating func appendPieces() {
        let table = tokenizer.vocabulary.table
        let whole = UnsafeBufferPointer(rebasing: word[..<byteCount])
        if let id = table.find(whole, .first, hash: hash) {
            ids.append(id)
            return
        }
        let before = ids.count
        var start = 0
        while start < byteCount {
            let position: PieceTable.Position = start == 0 ? .first : .later
            guard let (id, length) = longestPiece(from: start, position, table) else {
                ids.removeLast(ids.count - before)
                ids.append(tokenizer.vocabulary.unknown)
                return
            }
            ids.append(id)
            start += length
        }
    }

    @inline(__always)
    private func longestPiece(
        from start: Int,
        _ position: PieceTable.Position,
        _ table: borrowing PieceTable
    ) -> (id: Int32, length: Int)? {
        let limit = min(byteCount - start, table.longest(position, lead: word[start]))
        var hash = PieceTable.seed(position)
        for length in 0..<limit {
            hash = PieceTable.step(hash, word[start + length])
            hashes[length] = hash
        }
        var length = limit
        while length > 0 {
            let key = UnsafeBufferPointer(rebasing: word[start..<(start + length)])
            if let id = table.find(key, position, hash: hashes[length - 1]) { return (id, length) }
            length -= 1
        }
        return nil
    }
}

/// The scalar that begins at a byte of 0x80 or more, and its length; nil if none does.
@inline(__always)
private func decodeScalar(
    _ text: UnsafeBufferPointer<UInt8>,
    _ at: Int
) -> (scalar: UInt32, length: Int)? {
    @inline(__always)
    func trail(_ distance: Int) -> UInt32? {
        guard at + distance < text.count, text[at + distance] & 0xC0 == 0x80 else { return nil }
        return UInt32(text[at + distance] & 0x3F)
    }
    let lead = UInt32(text[at])
    switch lead {
    case 0xC2...0xDF:
        guard let a = trail(1) else { return nil }
        return ((lead & 0x1F) << 6 | a, 2)
    case 0xE0...0xEF:
        guard let a = trail(1), let b = trail(2) else { return nil }
        let scalar = (lead & 0x0F) << 12 | a << 6 | b
        guard scalar >= 0x800, !(0xD800...0xDFFF).contains(scalar) else { return nil }
        return (scalar, 3)
    case 0xF0...0xF4:
        guard let a = trail(1), let b = trail(2), let c = trail(3) else { return nil }
        let scalar = (lead & 0x07) << 18 | a << 12 | b << 6 | c
        guard (0x1_0000...0x10_FFFF).contains(scalar) else { return nil }
        return (scalar, 4)
    default: return nil
    }
}
