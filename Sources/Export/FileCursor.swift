import Checkpoints
import Diagnostics

/// Reads a file from front to back in small stretches, so that what is not wanted can be passed over.
struct FileCursor {
    private static let window = 64 << 10

    private let file: OpenFile
    private(set) var position: Int
    private let end: Int
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    init(_ file: OpenFile, _ range: Range<Int>) {
        self.file = file
        (position, end) = (range.lowerBound, range.upperBound)
    }

    var isAtEnd: Bool { position == end }

    func problem(_ reason: String) -> Failure { Failure(.inputOutput, file.path, reason) }

    mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard count >= 0, count <= end - position else { throw problem("it is cut short") }
        let isHeld =
            position >= bufferStart && position + count <= bufferStart + buffer.count
        if !isHeld {
            bufferStart = position
            buffer = try file.bytes(position..<min(end, position + max(count, Self.window)))
        }
        let first = position - bufferStart
        position += count
        return buffer[first..<first + count]
    }

    mutating func skip(_ count: Int) throws(Failure) {
        guard count >= 0, count <= end - position else { throw problem("it is cut short") }
        position += count
    }

    /// A little-endian number of so many bytes.
    mutating func number(byteCount: Int) throws(Failure) -> UInt64 {
        try bytes(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Seven bits a byte, the least significant first.
    mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let byte = try bytes(1)
            guard let byte = byte.first else { break }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        throw problem("it has a number of more than 64 bits")
    }

    mutating func text(_ count: Int) throws(Failure) -> String {
        String(decoding: try bytes(count), as: UTF8.self)
    }
}
