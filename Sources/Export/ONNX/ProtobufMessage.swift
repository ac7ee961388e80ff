/// A message of Protocol Buffers that is being written (protobuf.dev/programming-guides/encoding):
/// varints and length-delimited fields, which is all that ONNX needs beside single floats.
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
