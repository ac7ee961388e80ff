/// Eight bytes of a text looked at together, the first one lowest.
///
/// A byte is part of a word if it is a letter or a digit of ASCII: everything else of ASCII is
/// space, punctuation or nothing to BERT, whatever the configuration.
struct ByteBlock {
    /// The bytes, upper-case letters lowered where that is asked for.
    let folded: UInt64
    /// How many bytes are part of a word before the first that is not.
    let wordCount: Int

    /// - Parameter caseMask: ones to lower letters, else zeros.
    @inline(__always)
    init(_ bytes: UInt64, caseMask: UInt64) {
        let low = bytes & Self.all(0x7F)
        // The highest bit of each byte says whether the sum has passed 127; none carries over.
        let isLetter = Self.isBetween(low | Self.all(0x20), 0x61, 0x7A)
        let isWord = (isLetter | Self.isBetween(low, 0x30, 0x39)) & ~bytes & Self.all(0x80)
        folded = bytes | (isLetter & ~bytes & Self.all(0x80)) >> 2 & caseMask
        wordCount = (~isWord & Self.all(0x80)).trailingZeroBitCount >> 3
    }

    @inline(__always)
    private static func isBetween(_ bytes: UInt64, _ first: UInt64, _ last: UInt64) -> UInt64 {
        (bytes &+ all(0x80 - first)) & ~(bytes &+ all(0x7F - last))
    }

    @inline(__always)
    private static func all(_ byte: UInt64) -> UInt64 { byte &* 0x0101_0101_0101_0101 }

    /// Eight bytes from a place in a text; behind its end, zeros.
    @inline(__always)
    static func load(_ text: UnsafePointer<UInt8>, _ at: Int, count: Int) -> UInt64 {
        let left = count - at
        if left >= 8 { return PieceTable.View.load(text + at) }
        guard count >= 8 else { return loadShort(text, at, count) }
        return PieceTable.View.load(text + count - 8) >> UInt64(truncatingIfNeeded: 64 - 8 * left)
    }

    private static func loadShort(_ text: UnsafePointer<UInt8>, _ at: Int, _ count: Int) -> UInt64 {
        var bytes: UInt64 = 0
        for place in (at..<count).reversed() { bytes = bytes << 8 | UInt64(text[place]) }
        return bytes
    }
}
