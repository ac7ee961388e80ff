internal import CHDF5
import Diagnostics
import Glibc

/// The C library, which only writes, behind one lock.
///
/// Debian's build has a lock of its own, but its error stack and its error printing belong to the
/// calling thread; taking our lock once per public operation keeps an operation and the error it
/// leaves together, whatever the build.
enum Library {
    private final class Lock: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        /// Both are guarded by the mutex itself.
        var isStarted = false
        var errorDescription = ""

        init() {
            pthread_mutex_init(mutex, nil)
        }
    }

    private static let lock = Lock()

    /// Runs `body` as the only user of the library.
    ///
    /// - Precondition: the calling thread is not inside another `exclusively`.
    static func exclusively<Result: ~Copyable, E: Error>(
        _ body: () throws(E) -> Result
    ) throws(E) -> Result {
        pthread_mutex_lock(lock.mutex)
        defer { pthread_mutex_unlock(lock.mutex) }
        if !lock.isStarted {
            // HDF5's exit handler crashes after a close that failed, so it is never installed.
            H5dont_atexit()
            H5open()
            lock.isStarted = true
        }
        H5Eset_auto2(hid_t(H5E_DEFAULT), nil, nil)
        H5Eclear2(hid_t(H5E_DEFAULT))
        lock.errorDescription = ""
        return try body()
    }

    /// Whether a call succeeded. When it did not, its error stack is kept, because the next call,
    /// the closing of a handle included, empties it.
    static func succeeded(_ answer: some SignedInteger) -> Bool {
        guard answer < 0 else { return true }
        lock.errorDescription = errorStackDescription()
        return false
    }

    /// A failure because of the last call that did not succeed.
    static func failure(_ kind: Failure.Kind, _ path: String, _ what: String) -> Failure {
        let cause = lock.errorDescription
        // A file that could be created but whose first bytes could not be written: the disk is full.
        let isWriting = [ENOSPC, EDQUOT, EFBIG, EIO].contains {
            cause.contains(String(cString: strerror($0)))
        }
        return Failure(
            kind == .cannotCreate && isWriting ? .inputOutput : kind,
            path,
            what + cause
        )
    }
}

/// One identifier of the library, closed when it goes out of scope.
struct Handle: ~Copyable {
    let id: hid_t
    private let close: (hid_t) -> herr_t

    /// `nil` when the call that made the identifier failed.
    init?(_ id: hid_t, _ close: @escaping (hid_t) -> herr_t) {
        guard Library.succeeded(id) else { return nil }
        self.id = id
        self.close = close
    }

    deinit {
        _ = close(id)
    }
}

/// What the calling thread's error stack says, as the end of a sentence: the outermost frame and
/// the innermost one, which names the cause. Empty when the stack is.
private func errorStackDescription() -> String {
    final class Frames {
        var frames: [(function: String, text: String)] = []
    }
    let frames = Frames()
    let context = Unmanaged.passUnretained(frames).toOpaque()
    H5Ewalk2(
        hid_t(H5E_DEFAULT),
        H5E_WALK_DOWNWARD,
        { _, frame, context in
            guard let frame, let context else { return -1 }
            let function = frame.pointee.func_name.map { String(cString: $0) } ?? "?"
            let text = frame.pointee.desc.map { String(cString: $0) } ?? "?"
            Unmanaged<Frames>.fromOpaque(context).takeUnretainedValue().frames
                .append((function, text))
            return 0
        },
        context
    )
    guard let top = frames.frames.first, let bottom = frames.frames.last else { return "" }
    let cause = "\"\(systemMessage(in: bottom.text) ?? bottom.text)\" (\(bottom.function))"
    guard frames.frames.count > 1 else { return ": HDF5 says \(cause)" }
    return ": HDF5 says \"\(top.text)\" (\(top.function)), because of \(cause)"
}

/// The operating system's words inside a frame such as `file write failed: time = …, errno = 28,
/// error message = 'No space left on device', …`; the rest changes from run to run.
private func systemMessage(in text: String) -> String? {
    guard let start = text.firstRange(of: "error message = '") else { return nil }
    let rest = text[start.upperBound...]
    guard let end = rest.firstIndex(of: "'") else { return nil }
    return String(rest[..<end])
}
