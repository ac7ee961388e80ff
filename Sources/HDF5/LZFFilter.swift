internal import CHDF5
import Glibc

/// h5py's own filter, number 32000, for reading: the library does not bring it.
///
/// The format of LibLZF: a control byte below 32 is followed by that many literal bytes plus one;
/// any other begins a copy from what was already written, its three high bits the length minus 2 (7:
/// more in the next byte), the others and the byte behind it the distance minus 1.
enum LZFFilter {
    static let number: H5Z_filter_t = 32000

    /// Makes the filter known to the library.
    ///
    /// - Precondition: the caller holds the library's lock.
    static func register() {
        var description = H5Z_class2_t()
        description.version = Int32(H5Z_CLASS_T_VERS)
        description.id = number
        description.decoder_present = 1
        description.filter = { flags, valueCount, values, byteCount, capacity, buffer in
            guard flags & UInt32(H5Z_FLAG_REVERSE) != 0, let capacity, let buffer,
                let source = buffer.pointee
            else { return 0 }
            // The third value is the size of a chunk, which is what it unpacks to.
            let stated = valueCount >= 3 ? Int(values?[2] ?? 0) : 0
            let limit = stated > 0 ? stated : byteCount * LZFFilter.mostExpansion
            guard let target = malloc(max(limit, 1)) else { return 0 }
            let count = LZFFilter.unpack(
                UnsafeRawBufferPointer(start: source, count: byteCount),
                into: UnsafeMutableRawBufferPointer(start: target, count: limit)
            )
            guard let count else {
                free(target)
                return 0
            }
            free(source)
            buffer.pointee = target
            capacity.pointee = limit
            return count
        }
        H5Zregister(&description)
    }

    /// What three bytes can become at most, per byte.
    private static let mostExpansion = 88

    /// The number of bytes that were unpacked; `nil` for a stream that is damaged or does not fit.
    static func unpack(
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var (read, written) = (0, 0)
        while read < source.count {
            let control = Int(source[read])
            read += 1
            if control < 32 {
                let count = control + 1
                guard count <= source.count - read, count <= target.count - written else {
                    return nil
                }
                for index in 0..<count { target[written + index] = source[read + index] }
                (read, written) = (read + count, written + count)
                continue
            }
            var length = control >> 5
            if length == 7 {
                guard read < source.count else { return nil }
                length += Int(source[read])
                read += 1
            }
            length += 2
            guard read < source.count else { return nil }
            let distance = (control & 31) << 8 + Int(source[read]) + 1
            read += 1
            guard distance <= written, length <= target.count - written else { return nil }
            // The copy may overlap what it writes: it goes byte by byte.
            for index in 0..<length { target[written + index] = target[written + index - distance] }
            written += length
        }
        return written
    }
}
