public import Diagnostics
public import Foundation

extension Vocabulary {
    /// More bytes than any vocabulary has: the largest in use hold a few megabytes.
    static let largestFile = 64 << 20

    /// Reads `vocab.txt`: UTF-8, one piece a line, ids from 0. A carriage return before the line
    /// feed is not part of the piece; empty lines at the end are no pieces, one elsewhere is.
    ///
    /// - Throws: `Failure` if the file cannot be read, is a Git LFS pointer, is not UTF-8, or is no
    ///   vocabulary (see ``init(pieces:)``).
    public init(contentsOf url: URL) throws(Failure) {
        let subject = url.relativePath
        let bytes = try readFile(subject, limit: Self.largestFile)
        try self.init(bytes: bytes, subject: subject)
    }

    /// Reads the content of a `vocab.txt`.
    ///
    /// - Parameter subject: what failures call the file.
    public init(bytes: [UInt8], subject: String) throws(Failure) {
        if bytes.isEmpty {
            throw Failure(.badData, subject, "the file is empty", remedy: "A vocabulary is needed")
        }
        if bytes.starts(with: "version https://git-lfs.github.com/spec/".utf8) {
            throw Failure(
                .badData,
                subject,
                "this is a Git LFS pointer, not the vocabulary",
                remedy: "Fetch the real file with \"git lfs pull\""
            )
        }
        try self.init(pieces: Self.lines(of: bytes, subject), subject: subject)
    }

    private static func lines(of bytes: [UInt8], _ subject: String) throws(Failure) -> [String] {
        var pieces: [String] = []
        pieces.reserveCapacity(bytes.count / 8)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            let hasReturn = end > start && bytes[end - 1] == 0x0D
            let line = bytes[start..<(hasReturn ? end - 1 : end)]
            guard let piece = String(validating: line, as: UTF8.self) else {
                throw Failure(
                    .badData,
                    subject,
                    "line \(pieces.count + 1) is not UTF-8",
                    remedy: "Save the vocabulary as UTF-8"
                )
            }
            if line.contains(0x0D) {
                throw Failure(
                    .badData,
                    subject,
                    "line \(pieces.count + 1) holds a carriage return within the line",
                    remedy: "End lines with a line feed"
                )
            }
            pieces.append(piece)
            start = end + 1
        }
        while pieces.last?.isEmpty == true { pieces.removeLast() }
        return pieces
    }
}
