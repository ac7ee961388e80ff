/// The project's one source of random numbers: Philox4x32-10, a counter-based generator.
///
/// A stream is named by a seed, a purpose and an index; a draw is named by its position in the
/// stream. Nothing is hidden state: a run that resumes at a position, or a worker that computes
/// only part of a batch, draws the same numbers. The dropout kernel computes the same function
/// vectorised.
///
/// - Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
public struct Philox: Sendable {
    /// What a stream is for; different purposes never share numbers.
    public enum Purpose: UInt32, Sendable {
        case initialization = 1
        case shuffling = 2
        case dropout = 3
        case augmentation = 4
        case sampling = 5
        case bootstrap = 6
        case masking = 7
    }

    @usableFromInline let key: (UInt32, UInt32)
    @usableFromInline let high: (UInt32, UInt32)
    @usableFromInline var block: UInt64 = 0
    @usableFromInline var buffer: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    @usableFromInline var buffered = 0

    /// - Parameter index: which stream of this purpose: an epoch, a parameter's number.
    public init(seed: UInt64, purpose: Purpose, index: UInt32 = 0) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        high = (index, purpose.rawValue)
    }

    /// A part of a stream, 2³² blocks behind the one before: its draws are nobody else's.
    ///
    /// - Parameter part: an iteration over the row whose stream it is.
    public init(seed: UInt64, purpose: Purpose, index: UInt32, part: UInt32) {
        self.init(seed: seed, purpose: purpose, index: index)
        block = UInt64(part) << 32
    }

    /// The four words at `counter` under `key`.
    public static func block(
        counter: (UInt32, UInt32, UInt32, UInt32),
        key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let p0 = UInt64(c.0) &* 0xD251_1F53
            let p1 = UInt64(c.2) &* 0xCD9E_8D57
            c = (
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c.1 ^ k.0,
                UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c.3 ^ k.1,
                UInt32(truncatingIfNeeded: p0)
            )
            k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
        }
        return c
    }

    /// The next 32 random bits.
    public mutating func nextWord() -> UInt32 {
        if buffered == 0 {
            buffer = Philox.block(
                counter: (
                    UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
                    high.0, high.1
                ),
                key: key
            )
            block &+= 1
            buffered = 4
        }
        buffered -= 1
        switch buffered {
        case 3: return buffer.0
        case 2: return buffer.1
        case 1: return buffer.2
        default: return buffer.3
        }
    }

    /// A number in [0, 1) with 24 random bits, so that every value is exact in a `Float`.
    public mutating func nextUniform() -> Float {
        Float(nextWord() >> 8) * 0x1p-24
    }
}

extension Philox: RandomNumberGenerator {
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return UInt64(nextWord()) << 32 | low
    }
}
