public import Diagnostics
import Glibc
import Synchronization

/// A file that is being written, created by whoever writes it.
///
/// Writes name their place, so any number of threads may write at once. Every answer of the system
/// is checked; a file is good only after `close` has returned.
public final class OutputFile: Sendable {
    /// As the user spelled it.
    public let path: String
    private let descriptor: Int32
    private let isClosed = Mutex(false)
    /// The system lets one thread at a time write to a file, and the others spin; here they sleep.
    private let writing = Mutex(())

    /// Creates the file, which must not exist: no link is followed, nothing is replaced.
    ///
    /// Throws `cannotCreate`.
    public init(creating path: String) throws(Failure) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        self.path = path
        guard descriptor >= 0 else {
            throw systemFailure(.cannotCreate, path, "the file cannot be created")
        }
    }

    /// Opens a file that something else has created and given its length.
    ///
    /// Throws `inputOutput`.
    init(opening path: String) throws(Failure) {
        descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else {
            throw systemFailure(.inputOutput, path, "the file cannot be written")
        }
    }

    deinit {
        if !isClosed.withLock({ $0 }) { Glibc.close(descriptor) }
    }

    /// Gives the file its length, and asks for the room on the disk, so that a full one is found
    /// before anything is written.
    ///
    /// Throws `inputOutput`.
    public func reserve(byteCount: Int) throws(Failure) {
        guard byteCount > 0 else { return }
        let answer = posix_fallocate(descriptor, 0, off_t(byteCount))
        // Not every file system can reserve; the length alone is set then.
        guard answer == EOPNOTSUPP || answer == EINVAL || answer == ENOSYS else {
            errno = answer
            guard answer == 0 else {
                throw systemFailure(
                    .inputOutput,
                    path,
                    "\(byteCount) bytes cannot be reserved on the disk"
                )
            }
            return
        }
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw systemFailure(.inputOutput, path, "the file cannot be given its length")
        }
    }

    /// Writes bytes at a place.
    ///
    /// Throws `inputOutput`; the file is of no use then.
    ///
    /// - Precondition: `offset` is not negative, and the file is not closed.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Failure) {
        precondition(offset >= 0, "writing at \(offset)")
        guard let base = bytes.baseAddress else { return }
        let problem = writing.withLock { _ in write(base, bytes.count, at: offset) }
        guard problem == 0 else {
            errno = problem
            throw systemFailure(.inputOutput, path, "the file cannot be written")
        }
        if bytes.count >= 1 << 20 { Self.startWriting(descriptor, offset, bytes.count) }
    }

    /// Gives `errno`, 0 for success.
    private func write(_ base: UnsafeRawPointer, _ byteCount: Int, at offset: Int) -> Int32 {
        var count = 0
        while count < byteCount {
            let answer = pwrite(
                descriptor,
                base + count,
                byteCount - count,
                off_t(offset + count)
            )
            if answer < 0 && errno == EINTR { continue }
            guard answer > 0 else { return errno }
            count += answer
        }
        return 0
    }

    /// Asks the system to begin putting a stretch on the disk, so that little is left to be done
    /// when the whole file has to be there. A hint: nothing depends on it.
    private static func startWriting(_ descriptor: Int32, _ offset: Int, _ byteCount: Int) {
        typealias SyncFileRange = @convention(c) (Int32, Int64, Int64, UInt32) -> Int32
        // Linux's alone; glibc declares it only to C programs that ask for its extensions.
        guard let symbol = dlsym(nil, "sync_file_range") else { return }
        let startWrite: UInt32 = 2
        _ = unsafeBitCast(symbol, to: SyncFileRange.self)(
            descriptor,
            Int64(offset),
            Int64(byteCount),
            startWrite
        )
    }

    /// Writes bytes at a place.
    public func write(_ bytes: [UInt8], at offset: Int) throws(Failure) {
        var failure: Failure?
        bytes.withUnsafeBytes { bytes in
            do throws(Failure) {
                try write(bytes, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Closes the file, which some file systems answer with what went wrong before.
    ///
    /// - Precondition: the file is not closed, and no thread is writing.
    public func close() throws(Failure) {
        isClosed.withLock { isClosed in
            precondition(!isClosed, "\(path) is closed twice")
            isClosed = true
        }
        guard Glibc.close(descriptor) == 0 else {
            throw systemFailure(.inputOutput, path, "the file cannot be written")
        }
    }
}
