import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Tokenization

/// How often texts use each piece of a vocabulary.
struct PieceCounts {
    /// By piece; the marks around a text are counted too.
    private(set) var counts: [Int]
    private let tokenizer: WordPieceTokenizer
    private let workers: Int

    /// The bytes of a file that are read at a time.
    private static let portionByteCount = 8 << 20

    init(_ tokenizer: WordPieceTokenizer, workers: Int) {
        counts = [Int](repeating: 0, count: tokenizer.vocabulary.count)
        (self.tokenizer, self.workers) = (tokenizer, workers)
    }

    /// Counts the texts of labelled data, as they are after reading.
    mutating func add(_ file: LabelledFile) throws(Failure) {
        let data = try EncodedDataset(
            file,
            kind: nil,
            tokenizer: tokenizer,
            maximumLength: .max,
            workers: workers
        )
        for id in data.ids { counts[Int(id)] += 1 }
    }

    /// Counts a file's lines, whatever stands in them.
    ///
    /// - Throws: `Failure` for a file that cannot be read, is no UTF-8, or holds no text.
    mutating func add(textIn url: URL) throws(Failure) {
        let path = url.relativePath
        let file = try OpenFile(path: path)
        var offset = 0
        var hasText = false
        while offset < file.byteCount {
            let end = min(offset + Self.portionByteCount, file.byteCount)
            var bytes = try file.bytes(offset..<end)
            if end < file.byteCount {
                guard let last = bytes.lastIndex(of: 0x0A) else {
                    throw Failure(.badData, path, "a line is longer than 8 MB")
                }
                bytes.removeSubrange((last + 1)...)
            }
            guard String(validating: bytes, as: UTF8.self) != nil else {
                throw Failure(.badData, path, "the file is not UTF-8 text")
            }
            offset += bytes.count
            if try add(lines: bytes) { hasText = true }
        }
        guard hasText else { throw Failure(.badData, path, "the file has no text") }
    }

    /// - Returns: whether any line has a piece.
    private mutating func add(lines bytes: [UInt8]) throws(Failure) -> Bool {
        var places: [Range<Int>] = []
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == 0x0A {
            places.append(start..<index)
            start = index + 1
        }
        places.append(start..<bytes.count)
        let (batch, _) = tokenizer.encode(
            places.count,
            in: bytes,
            maximumLength: .max,
            workers: workers
        ) { [places] in TextPlace(text: places[$0]) }
        for id in batch.ids { counts[Int(id)] += 1 }
        // Each line has two marks around it.
        return batch.tokenCount > 2 * places.count
    }
}
