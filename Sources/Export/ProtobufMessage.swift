import Diagnostics

/// A message of Protocol Buffers that is being written (protobuf.dev/programming-guides/encoding):
/// varints and length-delimited fields, which is all that ONNX and Core ML need beside single floats.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, _ value: Int) {
        bytes.appendVarint(UInt64(field << 3))
        // Negative numbers take their two's complement, ten bytes.
        bytes.appendVarint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: Int, _ value: Float) {
        bytes.appendVarint(UInt64(field << 3 | 5))
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

    mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, bytes: message.bytes) }

    mutating func add(_ field: Int, bytes content: [UInt8]) {
        beginBytes(field, byteCount: content.count)
        bytes += content
    }

    /// The tag and the length of a field whose bytes are written by somebody else.
    mutating func beginBytes(_ field: Int, byteCount: Int) {
        bytes.appendVarint(UInt64(field << 3 | 2))
        bytes.appendVarint(UInt64(byteCount))
    }
}

extension FileCursor {
    /// A field of a message of Protocol Buffers; of what has a length, the range in the file.
    enum ProtobufField {
        case number(UInt64)
        case bytes(Range<Int>)
        case single(Float)
        case other
    }

    /// The next field with its number.
    mutating func protobufField() throws(Failure) -> (UInt64, ProtobufField) {
        let tag = try varint()
        switch tag & 7 {
        case 0: return (tag >> 3, .number(try varint()))
        case 1:
            try skip(8)
            return (tag >> 3, .other)
        case 2:
            guard let count = Int(exactly: try varint()) else {
                throw problem("it has a length that is none")
            }
            let start = position
            try skip(count)
            return (tag >> 3, .bytes(start..<start + count))
        case 5:
            let bits = UInt32(try number(byteCount: 4))
            return (tag >> 3, .single(Float(bitPattern: bits)))
        default: throw problem("it has a field of the unknown wire type \(tag & 7)")
        }
    }
}

extension [UInt8] {
    /// Seven bits a byte, the least significant first.
    fileprivate mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
