import Diagnostics
import Foundation

/// The bytes of a regular file. A pipe or device is refused rather than waited for.
func readFile(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw Failure.unopened(path, errno: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw Failure(.missingInput, path, "is not a regular file")
    }
    guard status.st_size <= limit else {
        throw Failure(
            .badData,
            path,
            "holds \(status.st_size) bytes, more than the \(limit) such a file may have"
        )
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
        let count = bytes.withUnsafeMutableBytes { bytes in
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
            return read(descriptor, room.baseAddress, room.count)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
            let cause = count < 0 ? String(cString: strerror(errno)) : "the file became shorter"
            throw Failure(.inputOutput, path, "cannot be read: \(cause)")
        }
        filled += count
    }
    return bytes
}
