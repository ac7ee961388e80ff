import Glibc

/// The scale-offset filter: elements as differences from the least one, in as few bits as they need.
///
/// - Source: HDF5's `H5Zscaleoffset.c`; the parameters are those of its `set_local`.
struct ScaleOffset: Sendable {
    private static let headByteCount = 21

    private let isFloat: Bool
    /// Decimal digits that floats keep, or the bits that integers have.
    private let factor: Int
    private let elementCount: Int
    private let width: Int
    private let isBigEndian: Bool
    /// What an element that was never written reads as.
    private let fill: UInt64?

    /// `nil` for parameters that no such filter has.
    init?(_ values: [Int]) {
        guard values.count >= 8, values[0] == 0 || values[0] == 2,
            values[3] == (values[0] == 0 ? 1 : 0),
            [1, 2, 4, 8].contains(values[4]), values[3] == 0 || values[4] >= 4
        else { return nil }
        isFloat = values[0] == 0
        factor = Int(Int32(truncatingIfNeeded: values[1]))
        elementCount = values[2]
        width = values[4]
        isBigEndian = values[6] == 1
        guard values[7] == 1 else {
            fill = nil
            return
        }
        guard values.count >= 8 + (width + 3) / 4 else { return nil }
        let low = UInt64(UInt32(truncatingIfNeeded: values[8]))
        let high = width == 8 ? UInt64(UInt32(truncatingIfNeeded: values[9])) << 32 : 0
        fill = low | high
    }

    /// The elements of a chunk in the dataset's byte order; `nil` for bytes that are none.
    func unpack(_ bytes: [UInt8], byteCount: Int) -> [UInt8]? {
        // Integers of all their bits are stored as they are.
        if !isFloat, factor == width * 8 { return bytes }
        guard case (byteCount, false) = elementCount.multipliedReportingOverflow(by: width),
            bytes.count >= Self.headByteCount
        else { return nil }
        let bits = Self.number(bytes[0..<4])
        guard bits <= UInt64(width * 8) else { return nil }
        let payload = bytes[Self.headByteCount...]
        let least = Self.number(bytes[5..<5 + min(8, Int(bytes[4]))])
        guard bits < UInt64(width * 8) else {
            guard payload.count >= byteCount else { return nil }
            return ordered(Array(payload.prefix(byteCount)))
        }
        guard let packed = Self.words(payload, bits: Int(bits), count: elementCount) else {
            return nil
        }
        let missing = bits == 0 ? nil : (1 as UInt64) << bits - 1
        var result = [UInt8](repeating: 0, count: byteCount)
        for (index, word) in packed.enumerated() {
            var value = fill != nil && word == missing ? fill ?? 0 : element(word, least)
            for place in index * width..<(index + 1) * width {
                result[place] = UInt8(truncatingIfNeeded: value)
                value >>= 8
            }
        }
        return ordered(result)
    }

    private func element(_ word: UInt64, _ least: UInt64) -> UInt64 {
        guard isFloat else { return word &+ least }
        if width == 4 {
            let least = Float(bitPattern: UInt32(truncatingIfNeeded: least))
            let word = Float(Int32(truncatingIfNeeded: word))
            return UInt64((word / powf(10, Float(factor)) + least).bitPattern)
        }
        let value = Double(Int64(bitPattern: word)) / pow(10, Double(factor))
        return (value + Double(bitPattern: least)).bitPattern
    }

    private func ordered(_ bytes: [UInt8]) -> [UInt8] {
        guard isBigEndian else { return bytes }
        var bytes = bytes
        for start in stride(from: 0, to: bytes.count, by: width) {
            bytes[start..<start + width].reverse()
        }
        return bytes
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Numbers of so many bits each, the highest bit first.
    private static func words(_ bytes: ArraySlice<UInt8>, bits: Int, count: Int) -> [UInt64]? {
        guard case (let total, false) = count.multipliedReportingOverflow(by: bits),
            total <= bytes.count * 8
        else { return nil }
        var words: [UInt64] = []
        words.reserveCapacity(count)
        var position = 0
        for _ in 0..<count {
            var word: UInt64 = 0
            var left = bits
            while left > 0 {
                let byte = bytes[bytes.startIndex + position / 8]
                let taken = min(left, 8 - position % 8)
                let shifted = byte >> UInt8(8 - position % 8 - taken)
                word = word << UInt64(taken) | UInt64(shifted) & ((1 << UInt64(taken)) - 1)
                position += taken
                left -= taken
            }
            words.append(word)
        }
        return words
    }
}
