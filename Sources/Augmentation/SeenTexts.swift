import Foundation

/// Which texts there were, in 64 MB whatever their number: a Bloom filter of blocks.
///
/// A text that was inserted is always known again. One that was not may be taken for known: about one in a
/// million once there are 13 million, one in forty at 67 million. Memory is touched as it fills.
///
/// - Source: Putze, Sanders and Singler 2007, "Cache-, hash- and space-efficient Bloom filters".
final class SeenTexts {
    private static let blockBits = 20
    private static let wordsInBlock = 8
    private let words: UnsafeMutablePointer<UInt64>

    init() {
        guard let memory = calloc(Self.wordsInBlock << Self.blockBits, 8) else {
            preconditionFailure("no 64 MB of memory")
        }
        words = memory.bindMemory(to: UInt64.self, capacity: Self.wordsInBlock << Self.blockBits)
    }

    deinit { free(words) }

    /// Inserts a text by its hash.
    ///
    /// - Returns: whether it was not known.
    @inline(__always)
    func insert(_ hash: UInt64) -> Bool {
        let block = words + Int(hash >> (64 - UInt64(Self.blockBits))) * Self.wordsInBlock
        // Seven places of nine bits each.
        let product = (hash | 1).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        var places = product.high ^ product.low
        var isNew = false
        for _ in 0..<7 {
            let bit = UInt64(1) << (places & 63)
            let word = Int(places >> 6 & 7)
            if block[word] & bit == 0 {
                isNew = true
                block[word] |= bit
            }
            places >>= 9
        }
        return isNew
    }
}
