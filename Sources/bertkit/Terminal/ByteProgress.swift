import Synchronization

/// How far a stretch of reading and writing is, told from any thread: a bar on a terminal, and
/// nothing elsewhere, or when there is too little to wait for.
final class ByteProgress: Sendable {
    /// Less is done before a bar could be read.
    private static let least = 32 << 20
    private static let megabyte = 1_000_000

    private let state: Mutex<(bar: ProgressBar?, megabytes: Int)>

    init(_ label: String, byteCount: Int, isQuiet: Bool, terminal: Terminal = .standardError) {
        let isShown = !isQuiet && terminal.isInteractive && byteCount >= Self.least
        state = Mutex(
            (
                isShown
                    ? ProgressBar(
                        label,
                        total: byteCount / Self.megabyte,
                        unit: "MB",
                        terminal: terminal
                    ) : nil,
                0
            )
        )
    }

    /// - Parameter byteCount: the bytes done so far; reports may overtake each other.
    func update(_ byteCount: Int) {
        state.withLock { state in
            guard byteCount / Self.megabyte > state.megabytes else { return }
            state.megabytes = byteCount / Self.megabyte
            state.bar?.update(state.megabytes)
        }
    }

    /// Takes the bar away.
    func end() { state.withLock { $0.bar?.cancel() } }
}
