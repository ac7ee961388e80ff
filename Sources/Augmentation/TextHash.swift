/// A 64-bit hash of bytes, the same on every machine.
///
/// - Source: the folded product of wyhash (Wang Yi), eight bytes a step.
struct TextHash {
    private(set) var value: UInt64

    init(seed: UInt64 = 0x9E37_79B9_7F4A_7C15) { value = seed }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        var position = 0
        let raw = UnsafeRawBufferPointer(bytes)
        while position + 8 <= bytes.count {
            mix(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian)
            position += 8
        }
        var last: UInt64 = 0
        while position < bytes.count {
            last = last << 8 | UInt64(bytes[position])
            position += 1
        }
        mix(last)
        mix(UInt64(bytes.count))
    }

    @inline(__always)
    mutating func mix(_ word: UInt64) {
        let product = (value ^ word ^ 0xA076_1D64_78BD_642F)
            .multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        value = product.high ^ product.low ^ word
    }

    static func of(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt64 {
        var hash = TextHash(seed: seed)
        hash.append(bytes)
        return hash.value
    }
}
