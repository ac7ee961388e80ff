import Checkpoints
import Diagnostics

/// A regular file, read once from its beginning, some of it in memory at a time.
final class ByteReader {
    private let file: OpenFile
    private var buffer: [UInt8] = []
    private var next = 0
    private var readCount = 0

    private static let step = 1 << 20

    init(_ path: String) throws(Failure) { file = try OpenFile(path: path) }

    var path: String { file.path }
    var byteCount: Int { file.byteCount }

    /// How many bytes have been taken.
    var position: Int { readCount - (buffer.count - next) }

    /// Reads on, until so many bytes are there that nobody has taken; false at the end of the file.
    private func fill(_ wanted: Int) throws(Failure) -> Bool {
        while buffer.count - next < wanted {
            let count = min(max(Self.step, wanted), byteCount - readCount)
            guard count > 0 else { return false }
            buffer.removeFirst(next)
            next = 0
            buffer += try file.bytes(readCount..<readCount + count)
            readCount += count
        }
        return true
    }

    /// The next bytes, which stay to be taken; fewer at the end of the file.
    func look(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        _ = try fill(count)
        return buffer[next..<min(next + count, buffer.count)]
    }

    func skip(_ count: Int) {
        precondition(count <= buffer.count - next, "skipping what was not looked at")
        next += count
    }

    /// Bytes up to a separator, which is taken too; nil at the end of the file.
    ///
    /// - Parameter limit: the most bytes before the separator; more are a `Failure` of what `what` names.
    func take(
        upTo separator: UInt8,
        limit: Int,
        _ what: () -> String
    ) throws(Failure) -> (bytes: ArraySlice<UInt8>, isEnded: Bool)? {
        var searched = 0
        while true {
            let start = next
            if let end = buffer[(start + searched)...].firstIndex(of: separator) {
                next = end + 1
                return (buffer[start..<end], true)
            }
            searched = buffer.count - start
            guard searched <= limit else {
                throw Failure(.badData, path, "\(what()) has more than \(limit) bytes")
            }
            if try fill(searched + 1) { continue }
            if searched == 0 { return nil }
            let rest = buffer[next...]
            next = buffer.count
            return (rest, false)
        }
    }
}
