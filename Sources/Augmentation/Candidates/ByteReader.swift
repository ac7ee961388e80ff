import Diagnostics
import Glibc

/// A regular file, read once from its beginning, some of it in memory at a time.
final class ByteReader {
    let path: String
    let byteCount: Int
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var next = 0
    private var readCount = 0

    private static let step = 1 << 20

    init(_ path: String) throws(Failure) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw Failure(
                .missingInput,
                path,
                code == ENOENT
                    ? "the file does not exist"
                    : "cannot open the file: \(String(cString: strerror(code)))"
            )
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(.missingInput, path, "is not a regular file")
        }
        (self.descriptor, byteCount) = (descriptor, Int(status.st_size))
    }

    deinit { close(descriptor) }

    /// How many bytes have been taken.
    var position: Int { readCount - (buffer.count - next) }

    /// Reads on, until so many bytes are there that nobody has taken; false at the end of the file.
    private func fill(_ wanted: Int) throws(Failure) -> Bool {
        while buffer.count - next < wanted {
            if next > 0 {
                buffer.removeFirst(next)
                next = 0
            }
            let start = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: max(Self.step, wanted - start)))
            let got = buffer.withUnsafeMutableBytes { bytes in
                Glibc.read(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
            }
            let code = errno
            buffer.removeLast(buffer.count - start - max(0, got))
            if got < 0, code == EINTR { continue }
            guard got >= 0 else {
                throw Failure(
                    .inputOutput,
                    path,
                    "reading failed after \(readCount) bytes: \(String(cString: strerror(code)))"
                )
            }
            if got == 0 { return false }
            readCount += got
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
