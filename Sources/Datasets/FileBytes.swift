package import Diagnostics
import Foundation

/// The bytes of a file, a pipe or a device, read whole.
package func readBytes(path: String) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw Failure.unopened(path, errno: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
        throw Failure(.inputOutput, path, "cannot examine the file: \(message(errno))")
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
        throw Failure(.missingInput, path, "expected a file, found a folder")
    }
    let expected = max(0, Int(status.st_size))
    let memory = ProcessInfo.processInfo.physicalMemory
    guard UInt64(expected) < memory else {
        throw Failure(
            .limit,
            path,
            "the file has \(expected) bytes, this machine \(memory) bytes of memory",
            remedy: "Split the file"
        )
    }
    // One byte more, so that the end of a file of the expected size is seen without growing.
    var bytes = [UInt8](repeating: 0, count: expected + 1)
    var used = 0
    while true {
        if used == bytes.count {
            guard UInt64(used) * 2 < memory else {
                throw Failure(.limit, path, "more than \(used) bytes: too much for this machine")
            }
            bytes.append(contentsOf: repeatElement(0, count: max(used, 1 << 16)))
        }
        let got = bytes.withUnsafeMutableBytes { buffer in
            read(descriptor, buffer.baseAddress?.advanced(by: used), buffer.count - used)
        }
        if got < 0 {
            if errno == EINTR { continue }
            throw Failure(
                .inputOutput,
                path,
                "reading failed after \(used) bytes: \(message(errno))"
            )
        }
        if got == 0 { break }
        used += got
    }
    bytes.removeLast(bytes.count - used)
    return bytes
}

private func message(_ code: Int32) -> String { String(cString: strerror(code)) }
