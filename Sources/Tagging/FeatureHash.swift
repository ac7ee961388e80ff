/// Features as numbers: no text of a feature is ever made.
///
/// Words and their parts are 64-bit hashes of their bytes (Fowler, Noll and Vo's FNV-1a); a feature is 32 bits
/// of its template's number mixed with one or two of those.
enum FeatureHash {
    static let start: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    static func adding(_ byte: UInt8, to hash: UInt64) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    static func bytes(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(start) { adding($1, to: $0) }
    }

    /// The multipliers are those of SplitMix64 (Steele et al. 2014).
    @inline(__always)
    static func feature(_ template: UInt64, _ a: UInt64, _ b: UInt64 = 0) -> UInt32 {
        var x = template &* 0x9E37_79B9_7F4A_7C15 &+ a
        x ^= x >> 29
        x = x &* 0xBF58_476D_1CE4_E5B9 &+ b
        x ^= x >> 32
        x = x &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: x >> 32)
    }
}
