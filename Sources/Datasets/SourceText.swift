package import Diagnostics
import Foundation

/// A file's bytes once they are known to be text: UTF-8 without NUL bytes.
struct SourceText {
    let name: String
    let bytes: [UInt8]
    /// Where the text starts, after a byte order mark.
    let start: Int
    /// Where it ends, before any empty lines at the end.
    let end: Int
    let replacedSequences: Int

    init(_ bytes: [UInt8], name: String, options: TaskFile.Options) throws(Failure) {
        guard !bytes.isEmpty else { throw Failure(.badData, name, "the file is empty") }
        try refuseForeignContent(bytes, name)
        self.name = name
        (self.bytes, replacedSequences) = try SourceText.checked(bytes, name, options)
        start = self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var end = self.bytes.count
        while end > start, self.bytes[end - 1] == 0x0A || self.bytes[end - 1] == 0x0D { end -= 1 }
        self.end = end
        guard end > start else { throw Failure(.badData, name, "the file has only empty lines") }
        let text = self.bytes[start..<end]
        if !text.contains(0x0A), text.contains(0x0D) {
            throw Failure(
                .badData,
                name,
                "lines end with a carriage return only",
                remedy: "Convert the line ends to LF or CRLF"
            )
        }
    }

    /// Refuses a portion of a file that is not UTF-8 text.
    ///
    /// - Parameter isStart: whether it is the file's first.
    static func checkText(
        _ bytes: [UInt8],
        name: String,
        options: TaskFile.Options,
        isStart: Bool
    ) throws(Failure) {
        if isStart { try refuseForeignContent(bytes, name) }
        _ = try checked(bytes, name, options)
    }

    /// JSON lines for the endings that mean it, or when the first line has the braces of an object.
    var likelyFormat: TaskFile.Format {
        let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        if ["jsonl", "ndjson", "json"].contains(ending) { return .jsonLines }
        if ["tsv", "txt", "tab"].contains(ending) { return .tabSeparated }
        let line = bytes[start..<end].prefix { $0 != 0x0A }
        let last = line.last { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
        return line.first == 0x7B && last == 0x7D ? .jsonLines : .tabSeparated
    }

    /// The bytes as valid UTF-8 without NUL, and how many invalid sequences were replaced.
    private static func checked(
        _ bytes: [UInt8],
        _ name: String,
        _ options: TaskFile.Options
    ) throws(Failure) -> ([UInt8], Int) {
        if let position = firstPosition(of: 0, in: bytes) {
            let (line, byte) = place(position, bytes, options)
            throw Failure(
                .badData,
                name,
                "line \(line), byte \(byte): a NUL byte, which text does not hold"
            )
        }
        guard var invalid = firstInvalid(bytes, from: 0) else { return (bytes, 0) }
        guard options.replaceInvalidText else {
            let (line, byte) = place(invalid.lowerBound, bytes, options)
            let value = String(bytes[invalid.lowerBound], radix: 16, uppercase: true)
            throw Failure(
                .badData,
                name,
                "line \(line), byte \(byte): invalid UTF-8 (0x\(value))",
                remedy: "Convert the file to UTF-8, or have invalid sequences replaced"
            )
        }
        var repaired: [UInt8] = []
        repaired.reserveCapacity(bytes.count + 64)
        var position = 0
        var count = 0
        while true {
            repaired += bytes[position..<invalid.lowerBound]
            repaired += [0xEF, 0xBF, 0xBD]
            count += 1
            position = invalid.upperBound
            guard let next = firstInvalid(bytes, from: position) else { break }
            invalid = next
        }
        repaired += bytes[position...]
        return (repaired, count)
    }

    private static func firstInvalid(_ bytes: [UInt8], from start: Int) -> Range<Int>? {
        do {
            _ = try UTF8Span(validating: bytes.span.extracting(start...))
            return nil
        } catch {
            return error.byteOffsets.lowerBound + start..<error.byteOffsets.upperBound + start
        }
    }

    /// The line of a position, and its byte within the line, both from 1.
    private static func place(
        _ position: Int,
        _ bytes: [UInt8],
        _ options: TaskFile.Options
    ) -> (line: Int, byte: Int) {
        let before = bytes[..<position]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (before.count { $0 == 0x0A } + options.firstLine, position - lineStart + 1)
    }
}

/// `firstIndex(of:)` at the speed of the C library.
private func firstPosition(of byte: UInt8, in bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress else { return nil }
        return memchr(start, Int32(byte), buffer.count).map { UnsafeRawPointer($0) - start }
    }
}

/// Refuses content that is certainly no text, by its first bytes.
package func refuseForeignContent(_ bytes: [UInt8], _ name: String) throws(Failure) {
    guard let foreign = ForeignContent(bytes) else { return }
    throw Failure(
        .badData,
        name,
        "expected text in UTF-8, found \(foreign.description)",
        remedy: foreign.remedy
    )
}

/// Content that is certainly not a task file, told by its first bytes.
private struct ForeignContent {
    let description: String
    let remedy: String

    private static let signatures: [(bytes: [UInt8], is: String, remedy: String)] = [
        ([0x1F, 0x8B], "a gzip file", "Decompress it first"),
        ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file", "Decompress it first"),
        (Array("PK\u{3}\u{4}".utf8), "a zip file", "Unpack it first"),
        (Array("BZh".utf8), "a bzip2 file", "Decompress it first"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz file", "Decompress it first"),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "Give the task's data, not a model"),
        (Array("PAR1".utf8), "a Parquet file", "Write it as tab-separated values or JSON lines"),
        (
            Array("version https://git-lfs".utf8), "a Git LFS pointer",
            "Fetch the real file with 'git lfs pull'"
        ),
    ]

    init?(_ bytes: [UInt8]) {
        for signature in Self.signatures where bytes.starts(with: signature.bytes) {
            description = signature.is
            remedy = signature.remedy
            return
        }
        let marked = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        // Text of ASCII letters in UTF-16 has a NUL in every second byte.
        let unmarked =
            bytes.count >= 4 && (bytes[0] == 0) != (bytes[1] == 0)
            && (bytes[0] == 0) == (bytes[2] == 0) && (bytes[1] == 0) == (bytes[3] == 0)
        guard marked || unmarked else { return nil }
        description = "UTF-16"
        remedy = "Convert it to UTF-8"
    }
}
