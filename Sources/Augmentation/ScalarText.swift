/// A Unicode scalar in UTF-8 bytes, with what spelling rules ask of it.
struct ScalarText {
    let value: Unicode.Scalar
    /// In bytes.
    let length: Int

    /// The first scalar of a range; nil for none. A byte that is no UTF-8 stands for U+FFFD.
    static func first(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> ScalarText? {
        guard let byte = range.isEmpty ? nil : text[range.lowerBound] else { return nil }
        if byte < 0x80 { return ScalarText(value: Unicode.Scalar(byte), length: 1) }
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        let end = min(range.lowerBound + length, range.upperBound)
        let decoded = String(decoding: text[range.lowerBound..<end], as: UTF8.self)
        let scalar = decoded.unicodeScalars.first ?? "\u{FFFD}"
        return ScalarText(
            value: scalar,
            length: scalar == "\u{FFFD}" ? 1 : scalar.utf8.count
        )
    }

    /// The last scalar of a range.
    static func last(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> ScalarText? {
        guard !range.isEmpty else { return nil }
        var start = range.upperBound - 1
        while start > range.lowerBound, text[start] & 0xC0 == 0x80,
            range.upperBound - start < 4
        {
            start -= 1
        }
        guard let found = first(text, start..<range.upperBound),
            found.length == range.upperBound - start
        else { return ScalarText(value: "\u{FFFD}", length: 1) }
        return found
    }

    /// Whether words consist of such: letters with their marks, digits, and signs that stand for
    /// something, but no punctuation.
    var isWordlike: Bool {
        let scalar = value.value
        if scalar < 0x80 {
            return (0x30...0x39).contains(scalar) || (0x41...0x5A).contains(scalar)
                || (0x61...0x7A).contains(scalar) || scalar == 0x5F
        }
        switch value.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber,
            .otherNumber, .otherSymbol, .privateUse, .unassigned:
            return true
        default: return false
        }
    }

    /// Whether it is of a script that writes words side by side: from CJK radicals on.
    var isUnspacedScript: Bool { (0x2E80...0xD7A3).contains(value.value) || value.value >= 0x20000 }
}

/// What a word looks like, as far as spaces beside it depend on that.
enum Spacing: UInt8, Sendable {
    /// It has a letter or a digit.
    case word = 0
    /// It stands close behind what is before it: a full stop, a closing bracket.
    case closing = 1
    /// It stands close before what follows: an opening bracket.
    case opening = 2
    /// Other punctuation, such as a dash.
    case neutral = 3

    init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        var rest = range
        while let scalar = ScalarText.first(text, rest) {
            if scalar.isWordlike {
                self = .word
                return
            }
            rest = rest.lowerBound + scalar.length..<range.upperBound
        }
        guard let first = ScalarText.first(text, range)?.value else {
            self = .neutral
            return
        }
        switch first {
        case ".", ",", ";", ":", "!", "?", ")", "]", "}", "%", "…", "”", "’", "»": self = .closing
        case "(", "[", "{", "$", "£", "€", "“", "‘", "«", "¿", "¡", "#": self = .opening
        default: self = .neutral
        }
    }

    init(_ text: [UInt8]) {
        self = text.withUnsafeBufferPointer { Spacing($0, 0..<$0.count) }
    }

    /// Whether a space belongs between two words that were side by side before one was exchanged.
    static func wantsSpace(_ left: Spacing, _ right: Spacing) -> Bool {
        (left == .word || left == .closing) && (right == .word || right == .opening)
    }
}

/// Endings that are words to a tagger and are written with the word before them: `n't`, `'s`.
enum Clitic {
    private static let spellings = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"].map {
        Array($0.utf8)
    }

    /// Capitals do not matter, nor which apostrophe is written.
    static func isOne(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (2...5).contains(word.count) else { return false }
        var plain: [UInt8] = []
        var position = 0
        while position < word.count {
            // U+2019
            if word[position] == 0xE2, position + 2 < word.count, word[position + 1] == 0x80,
                word[position + 2] == 0x99
            {
                plain.append(0x27)
                position += 3
                continue
            }
            let byte = word[position]
            plain.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
            position += 1
        }
        return spellings.contains(plain)
    }
}
