/// What is beyond ASCII.
extension WordScanner {
    /// Takes one scalar beyond ASCII; returns where it ends. A byte that begins none is passed
    /// over, as BERT drops the U+FFFD it would be read as.
    mutating func scanScalar(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        guard let (scalar, length) = decodeScalar(text, at) else { return at + 1 }
        let action = folding.action(scalar)
        switch action.kind {
        case .word: appendScalar(action.replacement(of: scalar))
        case .drop: break
        case .space: endWord()
        case .alone: appendAlone(action.replacement(of: scalar))
        case .several:
            for part in folding.expansion(action) {
                let action = folding.action(part)
                if action.kind == .combining {
                    insertCombining(part, action.combiningClass)
                } else {
                    appendScalar(part)
                }
            }
        case .hangul: appendHangul(scalar - UnicodeTables.hangul.lowerBound)
        case .combining: insertCombining(scalar, action.combiningClass)
        case .breaking: endCombining()
        }
        return at + length
    }

    /// A word scalar that is no combining one.
    private mutating func appendScalar(_ scalar: UInt32) {
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
        appendScalar(UnicodeTables.leadingJamo + index / syllables / UnicodeTables.vowelCount)
        appendScalar(UnicodeTables.vowelJamo + index / syllables % UnicodeTables.vowelCount)
        if trailing != 0 { appendScalar(UnicodeTables.trailingJamo + trailing) }
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
    mutating func endCombining() {
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
        word.start[byteCount] = UInt8(truncatingIfNeeded: byte)
        byteCount += 1
    }
}

/// The scalar that begins at a byte of 0x80 or more, and its length; nil if none does.
@inline(__always)
func decodeScalar(
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
