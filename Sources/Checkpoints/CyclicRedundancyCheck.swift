/// A 32-bit cyclic redundancy check, eight bytes at a time ("slicing by 8", Kounavis and Berry 2005).
package struct CyclicRedundancyCheck: Sendable {
    /// The CRC-32 of zip and gzip.
    static let zip = CyclicRedundancyCheck(reversedPolynomial: 0xEDB8_8320)
    /// Castagnoli's, of TensorFlow's and LevelDB's files.
    package static let castagnoli = CyclicRedundancyCheck(reversedPolynomial: 0x82F6_3B78)

    /// Eight tables of 256: what a byte, followed by 0 to 7 zero bytes, does to the remainder.
    private let table: [UInt32]

    private init(reversedPolynomial polynomial: UInt32) {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ polynomial
            }
            table[byte] = remainder
        }
        for index in 256..<table.count {
            let shorter = table[index - 256]
            table[index] = shorter >> 8 ^ table[Int(shorter & 0xFF)]
        }
        self.table = table
    }

    /// The check of bytes that follow those whose check is `check`; 0 to begin.
    func update(_ check: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var remainder = ~check
        table.withUnsafeBufferPointer { table in
            var position = 0
            while position + 8 <= bytes.count {
                let word =
                    UInt64(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                    ) ^ UInt64(remainder)
                remainder =
                    table[1792 + Int(word & 0xFF)] ^ table[1536 + Int(word >> 8 & 0xFF)]
                    ^ table[1280 + Int(word >> 16 & 0xFF)] ^ table[1024 + Int(word >> 24 & 0xFF)]
                    ^ table[768 + Int(word >> 32 & 0xFF)] ^ table[512 + Int(word >> 40 & 0xFF)]
                    ^ table[256 + Int(word >> 48 & 0xFF)] ^ table[Int(word >> 56)]
                position += 8
            }
            for byte in bytes[position...] {
                remainder = remainder >> 8 ^ table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)]
            }
        }
        return ~remainder
    }
}

extension CyclicRedundancyCheck {
    package func check(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { update(0, $0) }
    }

    /// LevelDB's "masked" check, which is stored so that a check of bytes that hold checks is none.
    package static func masked(_ check: UInt32) -> UInt32 {
        (check >> 15 | check << 17) &+ 0xA282_EAD8
    }
}
