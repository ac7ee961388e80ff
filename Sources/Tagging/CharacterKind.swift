/// What a character is to the splitting of words.
enum CharacterKind {
    /// Letters, digits, and signs that words have inside.
    case inner
    /// Always a token of its own, but for commas and colons in numbers.
    case mark
    /// `.`, `!`, `?`, `…`
    case stop
    /// Dashes, hyphens, and signs that may begin a number or a name.
    case sign
    case apostrophe

    /// The kind of the character that a range begins with, and where it ends.
    @inline(__always)
    static func at(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>
    ) -> (kind: CharacterKind, end: Int) {
        let position = range.lowerBound
        let byte = bytes[position]
        if byte < 0x80 { return (ascii(byte), position + 1) }
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        let end = min(position + length, range.upperBound)
        guard end - position == length else { return (.inner, end) }
        if byte == 0xC2 {
            // ¡ § « ¶ » ¿ and the currencies ¢ £ ¤ ¥
            let isMark = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA7, 0xAB, 0xB6, 0xBB, 0xBF]
                .contains(bytes[position + 1])
            return (isMark ? .mark : .inner, end)
        }
        guard byte == 0xE2 else { return (.inner, end) }
        switch (bytes[position + 1], bytes[position + 2]) {
        case (0x80, 0x99): return (.apostrophe, end)
        // Dashes from the figure dash to the horizontal bar, quotes, bullets, guillemets, the euro.
        case (0x80, 0x92...0x95): return (.sign, end)
        case (0x80, 0x98...0x9F), (0x80, 0xA0...0xA2), (0x80, 0xB9...0xBA), (0x82, 0xAC):
            return (.mark, end)
        case (0x80, 0xA6): return (.stop, end)
        default: return (.inner, end)
        }
    }

    @inline(__always)
    private static func ascii(_ byte: UInt8) -> CharacterKind {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: .inner
        // ! . ?
        case 0x21, 0x2E, 0x3F: .stop
        case 0x27: .apostrophe
        // # + - @
        case 0x23, 0x2B, 0x2D, 0x40: .sign
        // " $ % ( ) , : ; < > [ ] ` { | } ~
        case 0x22, 0x24, 0x25, 0x28, 0x29, 0x2C, 0x3A, 0x3B, 0x3C, 0x3E, 0x5B, 0x5D, 0x60, 0x7B,
            0x7C, 0x7D, 0x7E:
            .mark
        // & * / = \ ^ _
        default: .inner
        }
    }

    /// Where the last character of a range begins.
    static func start(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int {
        var start = range.upperBound - 1
        while start > range.lowerBound, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// The bytes of the white space at a place, by Unicode's property of that name; 0 for anything else.
    @inline(__always)
    static func spaceLength(_ bytes: UnsafeBufferPointer<UInt8>, _ position: Int) -> Int {
        let byte = bytes[position]
        if byte <= 0x20 { return byte == 0x20 || (0x09...0x0D).contains(byte) ? 1 : 0 }
        guard byte >= 0xC2, position + 1 < bytes.count else { return 0 }
        let second = bytes[position + 1]
        if byte == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
        guard (0xE1...0xE3).contains(byte), position + 2 < bytes.count else { return 0 }
        switch (byte, second, bytes[position + 2]) {
        case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9),
            (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
            return 3
        default: return 0
        }
    }

    static func endsSentence(_ byte: UInt8) -> Bool {
        byte == 0x21 || byte == 0x2E || byte == 0x3F
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte >= 0x80
    }
}
