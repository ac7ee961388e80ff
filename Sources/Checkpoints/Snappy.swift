/// Unpacks Snappy's raw format (github.com/google/snappy, format_description.txt), in which older
/// TensorFlow versions packed the blocks of an index.
enum Snappy {
    enum Problem: String, Error {
        case cutShort = "it is cut short"
        case tooLarge = "it declares more bytes than there may be"
        case wrongLength = "it gives another number of bytes than it declares"
        case outOfRange = "it copies bytes from before its beginning"
    }

    /// - Parameter limit: how many bytes may come out.
    static func unpack(_ packed: ArraySlice<UInt8>, limit: Int) throws(Problem) -> [UInt8] {
        var reader = Reader(bytes: packed, position: packed.startIndex)
        let count = try reader.varint()
        // A copy of 64 bytes takes at least two.
        guard count <= limit, count <= 64 * packed.count else { throw .tooLarge }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        while reader.position < packed.endIndex {
            let tag = try reader.number(1)
            let length: Int
            let offset: Int
            switch tag & 3 {
            case 0:
                let short = tag >> 2
                length = 1 + (short < 60 ? short : try reader.number(short - 59))
                guard length <= count - output.count else { throw .wrongLength }
                output += try reader.take(length)
                continue
            case 1:
                length = 4 + (tag >> 2 & 7)
                offset = (tag >> 5) << 8 | (try reader.number(1))
            case 2:
                length = 1 + tag >> 2
                offset = try reader.number(2)
            default:
                length = 1 + tag >> 2
                offset = try reader.number(4)
            }
            guard offset > 0, offset <= output.count else { throw .outOfRange }
            guard length <= count - output.count else { throw .wrongLength }
            // What is copied may overlap what it makes.
            for _ in 0..<length { output.append(output[output.count - offset]) }
        }
        guard output.count == count else { throw .wrongLength }
        return output
    }

    private struct Reader {
        let bytes: ArraySlice<UInt8>
        var position: Int

        mutating func take(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
            guard count <= bytes.endIndex - position else { throw .cutShort }
            defer { position += count }
            return bytes[position..<position + count]
        }

        /// Little-endian, of up to four bytes.
        mutating func number(_ count: Int) throws(Problem) -> Int {
            Int(try take(count).littleEndian)
        }

        /// Up to 32 bits.
        mutating func varint() throws(Problem) -> Int {
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                let byte = try number(1)
                value |= (byte & 0x7F) << shift
                if byte & 0x80 == 0 { return value }
            }
            throw .tooLarge
        }
    }
}
