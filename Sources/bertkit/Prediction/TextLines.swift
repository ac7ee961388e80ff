import Datasets
package import Diagnostics
import Glibc

/// Texts as they arrive, one per line, or two with a tab between.
///
/// A portion ends at the number of lines asked for, or earlier where the next line would have to be
/// waited for: whoever types or pipes line by line sees each answer at once.
package struct TextLines: ~Copyable {
    /// Consecutive lines; ranges are of `bytes`.
    package struct Portion: Sendable {
        package struct Line: Sendable, Hashable {
            package var text: Range<Int>
            package var pair: Range<Int>?
        }
        package var bytes: [UInt8] = []
        package var lines: [Line] = []
    }

    private static let chunkSize = 1 << 16
    private static let longestLine = 1 << 24

    private let descriptor: Int32
    private let name: String
    /// Bytes read; those before `start` have been handed out.
    private var pending: [UInt8] = []
    private var start = 0
    /// Up to where there is no line end after `start`.
    private var searched = 0
    private var isAtEnd = false
    private var lineNumber = 0
    /// Whether the first line names columns and is no text; nil decides by its content.
    private let hasHeading: Bool?
    /// The first line, where it names columns.
    package private(set) var heading: String?
    /// A bad line that waits until the lines before it have been handed out.
    private var failure: Failure?

    /// Opens a file; `-` is standard input.
    ///
    /// - Parameter hasHeading: whether the first line names columns and is left out; nil leaves out one
    ///   with the usual name of a text column.
    package init(path: String, hasHeading: Bool? = false) throws(Failure) {
        self.hasHeading = hasHeading
        guard path != "-" else {
            descriptor = STDIN_FILENO
            name = "standard input"
            return
        }
        name = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure.unopened(path, errno: errno)
        }
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    /// The next lines, at least one and at most `limit`; nil at the end.
    ///
    /// - Throws: `Failure` for a line that is not UTF-8, has more than one tab, or is longer than
    ///   16 MB, once the lines before it have been handed out, and where reading fails.
    package mutating func next(limit: Int) throws(Failure) -> Portion? {
        precondition(limit > 0)
        if let failure { throw failure }
        var portion = Portion()
        while portion.lines.count < limit {
            if let end = lineEnd() {
                do throws(Failure) {
                    try take(upTo: end, into: &portion)
                } catch {
                    guard !portion.lines.isEmpty else { throw error }
                    failure = error
                    break
                }
            } else if isAtEnd {
                break
            } else if !portion.lines.isEmpty, !isReadable() {
                break
            } else {
                try readMore()
            }
        }
        return portion.lines.isEmpty ? nil : portion
    }

    /// Where the first pending line ends: its newline, or the end of the input.
    private mutating func lineEnd() -> Int? {
        if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) { return end }
        searched = pending.count
        return isAtEnd && start < pending.count ? pending.count : nil
    }

    private mutating func take(upTo end: Int, into portion: inout Portion) throws(Failure) {
        lineNumber += 1
        var line = pending[start..<end]
        if lineNumber == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard String(validating: line, as: UTF8.self) != nil else {
            if lineNumber == 1 { try refuseForeignContent(pending, name) }
            throw Failure(.badData, name, "line \(lineNumber) is not UTF-8 text")
        }
        if lineNumber == 1, hasHeading != false {
            let text = String(decoding: line, as: UTF8.self)
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
            if hasHeading == true || ColumnSelection.areNames(fields.map(String.init)) {
                heading = text
                start = min(end + 1, pending.count)
                searched = start
                return
            }
        }
        let first = portion.bytes.count
        let tabs = line.indices.filter { line[$0] == UInt8(ascii: "\t") }
            .map { $0 - line.startIndex + first }
        portion.bytes += line
        let stop = portion.bytes.count
        switch tabs.count {
        case 0: portion.lines.append(.init(text: first..<stop))
        case 1: portion.lines.append(.init(text: first..<tabs[0], pair: tabs[0] + 1..<stop))
        default:
            throw Failure(
                .badData,
                name,
                "line \(lineNumber) has \(tabs.count) tabs; expected one text, or two with one tab "
                    + "between"
            )
        }
        start = min(end + 1, pending.count)
        searched = start
    }

    private mutating func readMore() throws(Failure) {
        pending.removeFirst(start)
        searched -= start
        start = 0
        guard pending.count <= Self.longestLine else {
            throw Failure(.badData, name, "line \(lineNumber + 1) is longer than 16 MB")
        }
        var problem: String?
        let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { buffer, count in
            while true {
                let result = read(descriptor, buffer.baseAddress, buffer.count)
                if result < 0, errno == EINTR { continue }
                if result < 0 { problem = Self.problem() }
                count = max(0, result)
                return
            }
        }
        if let problem { throw Failure(.inputOutput, name, "cannot be read: \(problem)") }
        isAtEnd = chunk.isEmpty
        pending += chunk
    }

    /// Whether reading would return at once.
    private func isReadable() -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) != 0
    }

    private static func problem() -> String { String(cString: strerror(errno)) }
}
