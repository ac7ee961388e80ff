/// What to do with one scalar of a text: a kind, a scalar to put in its place, a combining class.
struct ScalarAction {
    enum Kind: UInt32 {
        /// Part of a word.
        case word
        /// Nothing is left of it.
        case drop
        /// Ends a word.
        case space
        /// A word of its own: punctuation, or a Chinese character.
        case alone
        /// Part of a word, as several scalars.
        case several
        /// A Hangul syllable, to be taken apart.
        case hangul
        /// Part of a word whose place among its like is decided by its combining class.
        case combining
        /// Nothing is left of it, but it ends a run of combining scalars.
        case breaking
    }

    /// Bits 0–20: the distance to the replacement (or the place of an expansion); 21–23: the
    /// kind; 24–31: the combining class. All zero is "a word's scalar, kept as it is".
    let bits: UInt32

    @inline(__always)
    init(bits: UInt32) { self.bits = bits }

    init(_ kind: Kind, payload: UInt32 = 0, combiningClass: UInt32 = 0) {
        bits = combiningClass << 24 | kind.rawValue << 21 | payload & Self.payloadMask
    }

    /// The action that puts `replacement` in the place of `scalar`.
    init(_ kind: Kind, replacing scalar: UInt32, by replacement: UInt32) {
        self.init(kind, payload: replacement &- scalar)
    }

    static let payloadMask: UInt32 = 0x1F_FFFF

    @inline(__always) var payload: UInt32 { bits & Self.payloadMask }
    @inline(__always) var combiningClass: UInt32 { bits >> 24 }
    @inline(__always) var kind: Kind { Kind(rawValue: bits >> 21 & 7).unsafelyUnwrapped }

    @inline(__always)
    func replacement(of scalar: UInt32) -> UInt32 { (scalar &+ payload) & Self.payloadMask }
}
