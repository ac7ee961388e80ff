import Kernels
import Randomness

/// The mask of a dropout as `docs/numerics.md` names it, one element at a time.
enum ReferenceDropout {
    /// What elements `first..<first + count` are multiplied with.
    static func factors(_ dropout: Dropout, first: UInt64, count: Int) -> [Float] {
        guard dropout.probability > 0 else { return [Float](repeating: 1, count: count) }
        let threshold = UInt32(Double(dropout.probability) * 0x1p32)
        let keep = 1 / (1 - dropout.probability)
        return (0..<count).map { offset in
            let element = first + UInt64(offset)
            let words = Philox.block(
                counter: (
                    UInt32(truncatingIfNeeded: element / 4),
                    UInt32(truncatingIfNeeded: (element / 4) >> 32),
                    dropout.step,
                    dropout.site << 8 | Philox.Purpose.dropout.rawValue
                ),
                key: (
                    UInt32(truncatingIfNeeded: dropout.seed),
                    UInt32(truncatingIfNeeded: dropout.seed >> 32)
                )
            )
            let word = [words.0, words.1, words.2, words.3][Int(element % 4)]
            return word < threshold ? 0 : keep
        }
    }
}
