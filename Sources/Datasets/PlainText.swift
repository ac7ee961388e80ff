public import Diagnostics
import Foundation
import Randomness

/// A file of plain text, one sentence or document per line, of any size: it is never in memory whole.
///
/// Opening reads it once to count lines and to note where blocks of them start. An epoch takes the
/// blocks in a seeded order, some at a time, and shuffles the lines of those: a line's neighbours differ
/// from epoch to epoch, and memory does not grow with the file.
public struct PlainText: Sendable {
    /// Which lines of a file are read, so that one file can be trained on and measured with.
    public enum Part: Sendable, Hashable {
        case all
        /// Lines number n, 2n, …, of those with text.
        case held(every: Int)
        /// All others.
        case rest(every: Int)

        /// - Parameter line: counted from 0.
        func contains(_ line: Int) -> Bool {
            switch self {
            case .all: true
            case .held(let every): (line + 1) % every == 0
            case .rest(let every): (line + 1) % every != 0
            }
        }
    }

    public let path: String
    public let part: Part
    /// Lines of the part that hold more than spaces.
    public let lineCount: Int
    let blocks: [Block]
    /// How many blocks are shuffled together.
    let windowBlocks: Int

    struct Block: Sendable, Hashable {
        var offset: Int
        var byteCount: Int
        /// Lines with text before it.
        var firstLine: Int
    }

    /// The longest line that is taken for text.
    static let longestLine = 1 << 26

    /// Reads the file through once.
    ///
    /// - Parameters:
    ///   - blockSize: about how many bytes a block has.
    ///   - windowBlocks: how many blocks are shuffled together.
    /// - Throws: `Failure` when it cannot be read, is not UTF-8 text, or has no line with text.
    public init(
        path: String,
        part: Part = .all,
        blockSize: Int = 1 << 18,
        windowBlocks: Int = 32
    ) throws(Failure) {
        precondition(blockSize > 0 && windowBlocks > 0)
        self.path = path
        self.part = part
        self.windowBlocks = windowBlocks
        let file = try TextFile(path)
        var blocks: [Block] = []
        var (count, seen) = (0, 0)
        var (offset, line) = (0, 1)
        while true {
            let bytes = try file.lines(at: offset, atLeast: blockSize)
            if bytes.isEmpty { break }
            try Self.check(bytes, path: path, isFirst: offset == 0, firstLine: line)
            blocks.append(Block(offset: offset, byteCount: bytes.count, firstLine: seen))
            Self.forEachLine(bytes) { _ in
                if part.contains(seen) { count += 1 }
                seen += 1
            }
            line += bytes.count { $0 == 0x0A }
            offset += bytes.count
        }
        guard count > 0 else {
            throw Failure(
                .badData,
                path,
                offset == 0
                    ? "the file is empty"
                    : seen == 0
                        ? "no line of the file has text"
                        : "it has only \(seen) lines with text, too few to keep some for measuring"
            )
        }
        self.blocks = blocks
        lineCount = count
    }

    private static func check(
        _ bytes: [UInt8],
        path: String,
        isFirst: Bool,
        firstLine: Int
    ) throws(Failure) {
        var options = TaskFile.Options()
        options.firstLine = firstLine
        try SourceText.checkText(bytes, name: path, options: options, isStart: isFirst)
    }

    /// The lines with text, without their ends.
    static func forEachLine(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            let line = bytes[start..<end]
            if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { body(line) }
            start = end + 1
        }
    }

    /// The lines of one epoch in its order.
    public func lines(epoch: Int, seed: UInt64) -> PlainTextLines {
        PlainTextLines(self, epoch: epoch, seed: seed)
    }
}

/// The lines of one epoch, a window of blocks after another.
public struct PlainTextLines {
    private let text: PlainText
    private var random: Philox
    private let order: [Int]
    private var nextBlock = 0
    private var window: [[UInt8]] = []

    init(_ text: PlainText, epoch: Int, seed: UInt64) {
        self.text = text
        random = Philox(seed: seed, purpose: .shuffling, index: UInt32(truncatingIfNeeded: epoch))
        order = random.permutation(of: text.blocks.count)
    }

    /// The next line's UTF-8, nil behind the last.
    ///
    /// - Throws: `Failure` where the file can no longer be read as it was.
    public mutating func next() throws(Failure) -> [UInt8]? {
        while window.isEmpty {
            guard nextBlock < order.count else { return nil }
            try fill()
        }
        return window.popLast()
    }

    private mutating func fill() throws(Failure) {
        let file = try TextFile(text.path)
        var lines: [[UInt8]] = []
        while nextBlock < order.count, lines.isEmpty || nextBlock % text.windowBlocks != 0 {
            let block = text.blocks[order[nextBlock]]
            let bytes = try file.read(block.offset, block.byteCount)
            var number = text.blocks[order[nextBlock]].firstLine
            PlainText.forEachLine(bytes) {
                if text.part.contains(number) { lines.append(Array($0)) }
                number += 1
            }
            nextBlock += 1
        }
        window = random.permutation(of: lines.count).map { lines[$0] }
    }
}

/// Positioned reads of one file.
private final class TextFile {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws(Failure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure.unopened(path, errno: errno)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(
                .missingInput,
                path,
                "expected a file, since plain text is read repeatedly"
            )
        }
    }

    deinit { close(descriptor) }

    /// Whole lines from `offset`, as many as it takes to have `count` bytes; fewer at the file's end.
    func lines(at offset: Int, atLeast count: Int) throws(Failure) -> [UInt8] {
        var wanted = count
        while true {
            var bytes = try read(offset, wanted, allowingEnd: true)
            if bytes.count < wanted { return bytes }
            if let end = bytes.lastIndex(of: 0x0A) {
                bytes.removeLast(bytes.count - end - 1)
                return bytes
            }
            guard wanted < PlainText.longestLine else {
                throw Failure(
                    .badData,
                    path,
                    "a line of more than \(PlainText.longestLine) bytes; expected one sentence or "
                        + "document per line"
                )
            }
            wanted *= 2
        }
    }

    /// Exactly `count` bytes, or fewer at the file's end where that is allowed.
    func read(
        _ offset: Int,
        _ count: Int,
        allowingEnd: Bool = false
    ) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var used = 0
        while used < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: used),
                    count - used,
                    off_t(offset + used)
                )
            }
            if got < 0, errno == EINTR { continue }
            if got == 0, allowingEnd { break }
            guard got > 0 else {
                throw Failure(
                    .inputOutput,
                    path,
                    got == 0 ? "the file became shorter while it was read" : "reading failed"
                )
            }
            used += got
        }
        bytes.removeLast(count - used)
        return bytes
    }
}
