internal import CZlib

/// Undoes the filters of one chunk, in memory of a known size.
///
/// Whatever the stored bytes are, nothing but exactly a chunk comes out.
enum ChunkFilters {
    /// The elements of a chunk; `nil` when the stored bytes are not those of a chunk.
    ///
    /// - Parameters:
    ///   - mask: a bit for each filter that was left out for this chunk.
    ///   - byteCount: what a chunk has.
    static func undo(
        _ filters: FilterPipeline,
        mask: UInt32,
        _ stored: [UInt8],
        byteCount: Int,
        elementByteCount: Int
    ) -> [UInt8]? {
        var bytes = stored
        // Checksums and the head of scale-offset may lie inside what is compressed.
        let limit = byteCount + 64
        for (index, filter) in filters.names.enumerated().reversed()
        where mask & 1 << UInt32(index) == 0 {
            let result: [UInt8]? =
                switch filter {
                case "fletcher32": checked(bytes)
                case "gzip": inflated(bytes, limit: limit)
                case "lzf": unpacked(bytes, limit: limit)
                case "scaleoffset": filters.scaleOffset?.unpack(bytes, byteCount: byteCount)
                case "shuffle": unshuffled(bytes, elementByteCount)
                default: nil
                }
            guard let result else { return nil }
            bytes = result
        }
        return bytes.count == byteCount ? bytes : nil
    }

    private static func inflated(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        var succeeded = false
        let result = [UInt8](unsafeUninitializedCapacity: limit) { target, count in
            var written = uLongf(limit)
            let answer = bytes.withUnsafeBufferPointer {
                uncompress(target.baseAddress, &written, $0.baseAddress, uLong($0.count))
            }
            succeeded = answer == Z_OK && written <= UInt(limit)
            count = succeeded ? Int(written) : 0
        }
        return succeeded ? result : nil
    }

    private static func unpacked(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: limit)
        let count = bytes.withUnsafeBytes { source in
            result.withUnsafeMutableBytes { LZFFilter.unpack(source, into: $0) }
        }
        guard let count else { return nil }
        result.removeSubrange(count...)
        return result
    }

    /// The first bytes of all elements, then the second ones, … become elements again; what is left
    /// over at the end stays.
    private static func unshuffled(_ bytes: [UInt8], _ width: Int) -> [UInt8] {
        guard width > 1 else { return bytes }
        var result = bytes
        let count = bytes.count / width
        bytes.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                for place in 0..<width {
                    for index in 0..<count {
                        target[index * width + place] = source[place * count + index]
                    }
                }
            }
        }
        return result
    }

    /// Without the checksum at the end, when it agrees.
    private static func checked(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= 4 else { return nil }
        let stored = bytes.suffix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        let content = Array(bytes.dropLast(4))
        let sum = fletcher32(content)
        // HDF5 before 1.6.3 wrote it with the bytes of each half exchanged.
        let exchanged = (sum & 0x00FF_00FF) << 8 | sum >> 8 & 0x00FF_00FF
        return stored == sum || stored == exchanged ? content : nil
    }

    private static func fletcher32(_ bytes: [UInt8]) -> UInt32 {
        var (first, second): (UInt32, UInt32) = (0, 0)
        func folded(_ sum: UInt32) -> UInt32 { sum & 0xFFFF &+ sum >> 16 }
        bytes.withUnsafeBufferPointer { bytes in
            var place = 0
            while place + 1 < bytes.count {
                // So many words as the sums can take without losing a carry.
                let end = min(place + 720, bytes.count & ~1)
                while place < end {
                    first &+= UInt32(bytes[place]) << 8 | UInt32(bytes[place + 1])
                    second &+= first
                    place += 2
                }
                (first, second) = (folded(first), folded(second))
            }
            if bytes.count % 2 == 1 {
                first &+= UInt32(bytes[bytes.count - 1]) << 8
                second &+= first
                (first, second) = (folded(first), folded(second))
            }
        }
        (first, second) = (folded(first), folded(second))
        return second << 16 | first
    }
}
