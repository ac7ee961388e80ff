/// h5py's own filter, number 32000.
///
/// The format of LibLZF: a control byte below 32 is followed by that many literal bytes plus one;
/// any other begins a copy from what was already written, its three high bits the length minus 2 (7:
/// more in the next byte), the others and the byte behind it the distance minus 1.
enum LZFFilter {
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
