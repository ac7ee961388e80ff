import Diagnostics

/// Reads variable-length integers and Protocol Buffers' wire format
/// (protobuf.dev/programming-guides/encoding) from bytes.
struct WireReader {
    /// One field of a message.
    enum Field {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    private let bytes: ArraySlice<UInt8>
    /// The next byte's index in the slice.
    private(set) var position: Int
    private let path: String
    private let what: String

    /// - Parameters:
    ///   - path: the file, for messages.
    ///   - what: what the bytes are, for messages.
    init(_ bytes: ArraySlice<UInt8>, _ path: String, _ what: String) {
        self.bytes = bytes
        position = bytes.startIndex
        self.path = path
        self.what = what
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    func problem(_ problem: String) -> Failure {
        Failure(.badData, path, "\(what) \(problem)")
    }

    /// Up to 64 bits, seven per byte, the least significant first.
    mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard position < bytes.endIndex else { throw problem("is cut short") }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw problem("has a number of more than 64 bits")
    }

    mutating func bytes(_ count: UInt64) throws(Failure) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - position) else { throw problem("is cut short") }
        let slice = bytes[position..<position + Int(count)]
        position += Int(count)
        return slice
    }

    /// The number and content of the next field of a message.
    mutating func field() throws(Failure) -> (number: UInt64, content: Field) {
        let tag = try varint()
        let number = tag >> 3
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try bytes(8).littleEndian))
        case 2: return (number, .bytes(try bytes(try varint())))
        case 5: return (number, .fixed32(UInt32(try bytes(4).littleEndian)))
        default: throw problem("has a field of the unknown wire type \(tag & 7)")
        }
    }
}
