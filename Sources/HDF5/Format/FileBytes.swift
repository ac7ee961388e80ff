import Diagnostics
import Glibc

/// The bytes of a file that was opened once, or of memory; nothing outside them is ever read.
final class FileBytes: Sendable {
    private enum Source {
        case descriptor(Int32)
        case memory([UInt8])
    }

    private let source: Source
    let byteCount: Int

    init(_ bytes: [UInt8]) {
        (source, byteCount) = (.memory(bytes), bytes.count)
    }

    /// Throws: `missingInput` when there is no such regular file.
    init(path: String) throws(Failure) {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.unopened(path, errno: errno) }
        var status = stat()
        let problem: Failure? =
            if fstat(descriptor, &status) != 0 {
                Failure(.inputOutput, path, "the file's size cannot be read")
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
        (source, byteCount) = (.descriptor(descriptor), Int(status.st_size))
    }

    deinit {
        if case .descriptor(let descriptor) = source { close(descriptor) }
    }

    /// Another descriptor of the same open file, which the caller closes; `nil` when there is none.
    func duplicateDescriptor() -> Int32? {
        guard case .descriptor(let descriptor) = source else { return nil }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return copy >= 0 ? copy : nil
    }

    /// Fills `buffer` with the bytes from `offset` on.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Damage) {
        guard offset >= 0, offset <= byteCount, buffer.count <= byteCount - offset else {
            throw Damage("something at \(offset) reaches past the end of the file")
        }
        guard let target = buffer.baseAddress else { return }
        switch source {
        case .memory(let bytes):
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: .init(rebasing: $0[offset..<offset + buffer.count]))
            }
        case .descriptor(let descriptor):
            var filled = 0
            while filled < buffer.count {
                let answer = pread(
                    descriptor,
                    target + filled,
                    buffer.count - filled,
                    off_t(offset + filled)
                )
                if answer < 0 && errno == EINTR { continue }
                guard answer >= 0 else {
                    throw Damage.unread("reading failed: \(String(cString: strerror(errno)))")
                }
                guard answer > 0 else {
                    throw Damage.refused("the file became shorter while it was read")
                }
                filled += answer
            }
        }
    }

    /// The bytes from `offset` on.
    func bytes(at offset: Int, count: Int) throws(Damage) -> [UInt8] {
        guard count >= 0, count <= byteCount else {
            throw Damage("something at \(offset) is larger than the file")
        }
        var buffer = [UInt8](repeating: 0, count: count)
        try buffer.withUnsafeMutableBufferPointer { (buffer) throws(Damage) in
            try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
        return buffer
    }
}
