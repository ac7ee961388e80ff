public import Diagnostics
import Glibc

/// A regular file open for reading; closed when nobody holds it any more.
///
/// Reads name their place, so any number of threads may read at once.
public final class OpenFile: Sendable {
    /// As the user spelled it.
    public let path: String
    public let byteCount: Int
    private let descriptor: Int32

    /// Throws `missingInput` when there is no such regular file.
    public convenience init(path: String) throws(Failure) {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.unopened(path, errno: errno) }
        try self.init(path: path, descriptor: descriptor)
    }

    /// A file that is open already; the descriptor is closed with this, or when this throws.
    init(path: String, descriptor: Int32) throws(Failure) {
        var status = stat()
        let problem: Failure? =
            if fstat(descriptor, &status) != 0 {
                systemFailure(.inputOutput, path, "the file cannot be examined")
            } else if status.st_mode & S_IFMT == S_IFDIR {
                Failure(.missingInput, path, "this is a folder, not a file")
            } else if status.st_mode & S_IFMT != S_IFREG {
                Failure(.missingInput, path, "this is not a regular file")
            } else {
                nil
            }
        if let problem {
            close(descriptor)
            throw problem
        }
        self.path = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// - Precondition: `offset` is not negative.
    public func read(
        at offset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        precondition(offset >= 0, "reading at \(offset)")
        guard let base = buffer.baseAddress else { return }
        var count = 0
        while count < buffer.count {
            let answer = pread(
                descriptor,
                base + count,
                buffer.count - count,
                off_t(offset + count)
            )
            if answer < 0 && errno == EINTR { continue }
            guard answer > 0 else {
                throw answer < 0
                    ? systemFailure(.inputOutput, path, "the file cannot be read")
                    : Failure(.badData, path, "truncated: the file ends at byte \(offset + count)")
            }
            count += answer
        }
    }

    /// The bytes of a range.
    ///
    /// - Precondition: the range is small enough to be held in memory, which the caller has checked.
    public func bytes(_ range: Range<Int>) throws(Failure) -> [UInt8] {
        var failure: Failure?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(Failure) {
                try read(
                    at: range.lowerBound,
                    into: UnsafeMutableRawBufferPointer(
                        start: buffer.baseAddress,
                        count: range.count
                    )
                )
                count = range.count
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
