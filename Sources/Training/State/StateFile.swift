import Checkpoints
import Crypto
public import Diagnostics
public import Foundation

/// A saved state of a run: a header in JSON and named stretches of bytes, under one SHA-256.
///
/// The file is this machine's bytes: 16 of mark; two 64-bit words, which are the format's version and the
/// header's length; the header, an object of `parts` (names and lengths, in order) and `content`; the parts
/// end to end; and the SHA-256 of everything before it.
public struct StateFile {
    public let path: String
    private let file: OpenFile
    private let header: [UInt8]
    private let ranges: [String: Range<Int>]

    static let mark = Array("BertKitState\r\n\u{1A}\n".utf8)
    static let version: UInt64 = 1
    static let headerStart = 32
    static let digestByteCount = 32
    static let pieceByteCount = 1 << 22

    struct Header<Content: Codable>: Codable {
        var parts: [Part]
        var content: Content
    }

    struct Part: Codable {
        var name: String
        var bytes: Int
    }

    /// Of a header only the list of parts.
    private struct Directory: Decodable { var parts: [Part] }

    /// Opens a file whose every byte is as it was written.
    ///
    /// - Throws: `Failure` of kind `.badData` for any other, and of others where it cannot be read.
    public init(verifying path: String) throws(Failure) {
        let file = try OpenFile(path: path)
        (self.path, self.file) = (path, file)
        let end = file.byteCount - Self.digestByteCount
        guard end >= Self.headerStart else {
            throw Failure(.badData, path, "it ends within its first \(Self.headerStart) bytes")
        }
        let start = try file.bytes(0..<Self.headerStart)
        guard start.starts(with: Self.mark) else {
            throw Failure(.badData, path, "it is not a saved state of a run")
        }
        var hash = SHA256()
        var place = 0
        while place < end {
            let next = min(place + Self.pieceByteCount, end)
            hash.update(data: try file.bytes(place..<next))
            place = next
        }
        guard try file.bytes(end..<file.byteCount).elementsEqual(hash.finalize()) else {
            throw Failure(
                .badData,
                path,
                "it was cut or changed since it was written: its SHA-256 is another"
            )
        }
        func word(_ offset: Int) -> UInt64 {
            start.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        }
        guard word(16) == Self.version else {
            throw Failure(
                .badData,
                path,
                "it is of version \(word(16)) of the format; this program reads \(Self.version)"
            )
        }
        guard let count = Int(exactly: word(24)), count <= end - Self.headerStart else {
            throw Failure(.badData, path, "its header is longer than the file")
        }
        header = try file.bytes(Self.headerStart..<Self.headerStart + count)
        var ranges: [String: Range<Int>] = [:]
        place = Self.headerStart + count
        for part in try Self.decode(Directory.self, header, path).parts {
            guard part.bytes >= 0, part.bytes <= end - place, ranges[part.name] == nil else {
                throw Failure(
                    .badData,
                    path,
                    "its part '\(printable(part.name))' is there twice, or larger than the file"
                )
            }
            ranges[part.name] = place..<place + part.bytes
            place += part.bytes
        }
        guard place == end else {
            throw Failure(.badData, path, "it has \(end - place) bytes that belong to nothing")
        }
        self.ranges = ranges
    }

    /// What the header says besides the parts.
    ///
    /// - Throws: `Failure` of kind `.badData` where it is of another shape.
    public func content<Content: Codable>(_ type: Content.Type) throws(Failure) -> Content {
        try Self.decode(Header<Content>.self, header, path).content
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type,
        _ bytes: [UInt8],
        _ path: String
    ) throws(Failure) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw Failure(.badData, path, "its header is not what this program writes")
        }
    }

    /// Whether the file has a part of that name.
    public func has(_ name: String) -> Bool { ranges[name] != nil }

    /// Fills memory with the part of that name.
    ///
    /// - Throws: `Failure` of kind `.badData` where there is none, or its length is another.
    public func read(
        _ name: String,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let range = try range(name)
        guard range.count == memory.count else {
            throw Failure(
                .badData,
                path,
                "its \(name) are \(range.count) bytes; this model's are \(memory.count)"
            )
        }
        try file.read(at: range.lowerBound, into: memory)
    }

    /// The part of that name.
    public func bytes(_ name: String) throws(Failure) -> [UInt8] {
        try file.bytes(range(name))
    }

    private func range(_ name: String) throws(Failure) -> Range<Int> {
        guard let range = ranges[name] else {
            throw Failure(.badData, path, "it has no \(name)")
        }
        return range
    }

    /// Writes a file that is there, complete and read back, or not at all.
    ///
    /// - Parameters:
    ///   - content: of the header.
    ///   - parts: of different names.
    /// - Throws: `Failure` where it cannot be written, or reads otherwise than it was written.
    public static func write(
        _ content: some Codable,
        _ parts: [StatePart],
        to url: URL
    ) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        let list = parts.map { Part(name: $0.name, bytes: $0.bytes.count) }
        guard let header = try? encoder.encode(Header(parts: list, content: content)) else {
            preconditionFailure("a header that JSON cannot spell")
        }
        var start = mark
        for word in [version, UInt64(header.count)] {
            withUnsafeBytes(of: word) { start.append(contentsOf: $0) }
        }
        start += header
        let total = parts.reduce(start.count + digestByteCount) { $0 + $1.bytes.count }
        try AtomicOutput.file(url, force: true) { (temporary) throws(Failure) in
            let file = try OutputFile(creating: temporary.path)
            try file.reserve(byteCount: total)
            var hash = SHA256()
            var place = start.count
            hash.update(data: start)
            try file.write(start, at: 0)
            for part in parts {
                for offset in stride(from: 0, to: part.bytes.count, by: pieceByteCount) {
                    let end = min(offset + pieceByteCount, part.bytes.count)
                    let piece = UnsafeRawBufferPointer(rebasing: part.bytes[offset..<end])
                    hash.update(bufferPointer: piece)
                    try file.write(piece, at: place)
                    place += piece.count
                }
            }
            let digest = Array(hash.finalize())
            try file.write(digest, at: place)
            try file.close()
            let written = try StateFile(verifying: temporary.path)
            guard try written.file.bytes(place..<total) == digest else {
                throw Failure(
                    .inputOutput,
                    temporary.path,
                    "it reads otherwise than it was written"
                )
            }
        }
    }
}
