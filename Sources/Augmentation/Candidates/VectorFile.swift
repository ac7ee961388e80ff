import Diagnostics
import Kernels

/// A file of word vectors, read: GloVe's text, or word2vec's text or binary format.
///
/// GloVe's text has a word and its numbers on each line. word2vec's begins with a line of two counts, of rows
/// and of their numbers; in its binary format a word, a space and little-endian single-precision numbers
/// follow each other, with or without a line break between rows.
struct VectorFile {
    var words: [String] = []
    /// The rows of words as they are written.
    var rows: [String: Int] = [:]
    /// `[words, dimension]` of what may have room for more.
    let vectors: FloatBuffer
    let dimension: Int

    private static let mostNumbers = 1 << 16
    static let longestWord = 1 << 16
    static let longestLine = 1 << 22
    static let space = UInt8(ascii: " ")
    static let lineFeed = UInt8(ascii: "\n")

    /// - Parameter limit: how many rows are read at most.
    /// - Throws: `Failure` as `WordVectors` does.
    init(_ path: String, limit: Int) throws(Failure) {
        let reader = try ByteReader(path)
        guard reader.byteCount > 0 else { throw Failure(.badData, path, "the file is empty") }
        if try reader.look(3).elementsEqual([0xEF, 0xBB, 0xBF]) { reader.skip(3) }
        let header = try Self.header(reader)
        let isBinary = try header.map { (header) throws(Failure) in
            try Self.isBinary(reader, dimension: header.dimension)
        }
        let dimension: Int
        if let header {
            dimension = header.dimension
        } else {
            dimension = try Self.numbersOfFirstLine(reader)
        }
        guard (1...Self.mostNumbers).contains(dimension) else {
            throw Failure(
                .badData,
                path,
                dimension == 0
                    ? "row 1 has a word and no number; expected a word and its vector on each line"
                    : "vectors of \(dimension) numbers; expected 1 to \(Self.mostNumbers)"
            )
        }
        self.dimension = dimension
        let rest = reader.byteCount - reader.position
        if let header, isBinary == true {
            // A word has a byte and its space at least.
            let (least, overflow) = header.rows.multipliedReportingOverflow(by: 4 * dimension + 2)
            guard header.rows > 0, !overflow, least <= rest else {
                throw Self.cut(path, header, "holds \(rest) bytes of them, fewer than these need")
            }
        }
        // A number takes two bytes at least.
        let most = min(limit, header?.rows ?? .max, rest / (2 * dimension) + 1)
        vectors = FloatBuffer(count: most * dimension)
        if isBinary == true {
            try readBinary(reader, most)
        } else {
            try readText(reader, limit, most)
        }
        if let header, words.count < min(header.rows, limit) {
            throw Self.cut(path, header, "ends after \(words.count)")
        }
        if words.count < limit, try !Self.isAtEnd(reader) {
            throw Failure(
                .badData,
                path,
                "its first line says \(words.count) rows, and there is more behind them"
            )
        }
        guard !words.isEmpty else { throw Failure(.badData, path, "the file has no vector") }
    }

    private static func cut(
        _ path: String,
        _ header: (rows: Int, dimension: Int),
        _ found: String
    ) -> Failure {
        Failure(
            .badData,
            path,
            "its first line says \(header.rows) vectors of \(header.dimension) numbers, and the file "
                + found,
            remedy: "It seems to be cut; copy it again"
        )
    }

    /// word2vec's first line, two counts, which is taken.
    private static func header(
        _ reader: ByteReader
    ) throws(Failure) -> (rows: Int, dimension: Int)? {
        let start = try reader.look(64)
        guard let end = start.firstIndex(of: lineFeed) else { return nil }
        let line = String(decoding: start[..<end], as: UTF8.self)
        let fields = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
        guard fields.count == 2, fields.allSatisfy({ $0.allSatisfy(\.isASCIIDigit) }) else {
            return nil
        }
        guard let rows = Int(fields[0]), let dimension = Int(fields[1]) else {
            throw Failure(
                .badData,
                reader.path,
                "its first line says \(printable(line)), which is too much"
            )
        }
        reader.skip(end + 1 - start.startIndex)
        return (rows, dimension)
    }

    /// Whether what follows the first word is not numbers in writing.
    private static func isBinary(
        _ reader: ByteReader,
        dimension: Int
    ) throws(Failure) -> Bool {
        let (wanted, overflow) = dimension.multipliedReportingOverflow(by: 4)
        let bytes = try reader.look(longestWord + (overflow ? 0 : min(wanted, 1 << 20)))
        guard let end = bytes.firstIndex(of: space) else { return false }
        let values = bytes[(end + 1)...].prefix { $0 != lineFeed }.prefix(max(4, wanted))
        // A line feed may be a byte of a number: what is short has to look like numbers all over.
        let isLong = values.count >= 2 * min(dimension, values.count) - 1
        let written = "0123456789+-.eE \t\r".utf8
        let isWritten = values.allSatisfy {
            isLong ? isBlank($0) || (0x20...0x7E).contains($0) : written.contains($0)
        }
        return values.isEmpty || !isWritten
    }

    private static func numbersOfFirstLine(_ reader: ByteReader) throws(Failure) -> Int {
        let bytes = try reader.look(longestLine)
        let line = bytes.prefix { $0 != lineFeed }
        return max(0, line.split { isBlank($0) }.count - 1)
    }

    static func isAtEnd(_ reader: ByteReader) throws(Failure) -> Bool {
        while true {
            let bytes = try reader.look(1 << 10)
            if bytes.isEmpty { return true }
            guard bytes.allSatisfy({ isBlank($0) || $0 == lineFeed }) else { return false }
            reader.skip(bytes.count)
        }
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == space || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isWholeNumber }
}
