public import Diagnostics
public import Foundation
import Glibc

/// The whole content of a file.
///
/// - Parameter limit: the most bytes that such a file may have.
public func readFile(_ url: URL, limit: Int = 64 << 20) throws(Failure) -> [UInt8] {
    let path = url.relativePath
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure.unopened(path, errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
        throw systemFailure(.inputOutput, path, "the file cannot be examined")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw Failure(.missingInput, path, "this is not a regular file")
    }
    let size = Int(status.st_size)
    guard size <= limit else {
        throw Failure(
            .badData,
            path,
            "it has \(size) bytes, more than the \(limit) that such a file may have"
        )
    }
    var problem: Failure?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
            let answer = pread(descriptor, buffer.baseAddress! + count, size - count, off_t(count))
            if answer < 0 && errno == EINTR { continue }
            guard answer > 0 else {
                problem =
                    answer < 0
                    ? systemFailure(.inputOutput, path, "the file cannot be read")
                    : Failure(.inputOutput, path, "the file became shorter while it was read")
                return
            }
            count += answer
        }
    }
    if let problem { throw problem }
    return bytes
}

/// Creates a file that must not exist yet and writes all bytes.
public func writeNewFile(_ bytes: some ContiguousBytes, to url: URL) throws(Failure) {
    let path = url.relativePath
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
        throw systemFailure(.cannotCreate, path, "the file cannot be created")
    }
    let problem = bytes.withUnsafeBytes { bytes -> Int32 in
        var written = 0
        while written < bytes.count {
            let answer = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if answer < 0 && errno == EINTR { continue }
            guard answer > 0 else { return errno }
            written += answer
        }
        return 0
    }
    // Some file systems report a failed write only here.
    let isClosed = close(descriptor) == 0
    if problem != 0 { errno = problem }
    guard problem == 0, isClosed else {
        throw systemFailure(.inputOutput, path, "the file cannot be written")
    }
}

/// A failure with the reason the operating system gave in `errno`.
func systemFailure(_ kind: Failure.Kind, _ path: String, _ what: String) -> Failure {
    let number = errno
    // A full disk is one whatever was to be done on it.
    let isFull = [ENOSPC, EDQUOT, EIO].contains(number)
    return Failure(
        isFull ? .inputOutput : kind,
        path,
        "\(what): \(String(cString: strerror(number)))"
    )
}

/// Asks the file system to put a file's or a folder's content on the disk.
func synchronize(_ path: String) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw systemFailure(.inputOutput, path, "it cannot be opened to be synchronized")
    }
    defer { close(descriptor) }
    // Some file systems cannot synchronize a folder and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
        throw systemFailure(.inputOutput, path, "it cannot be put on the disk")
    }
}
