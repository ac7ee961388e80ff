import Synchronization

/// How far a stretch of reading and writing is, told from any thread: a bar on a terminal, and
/// nothing elsewhere, or when there is too little to wait for.
package final class ByteProgress: Sendable {
    /// Less is done before a bar could be read.
    private static let least = 32 << 20
    private static let megabyte = 1_000_000

    private let state: Mutex<(bar: ProgressBar?, megabytes: Int)>

    package init(
        _ label: String,
        byteCount: Int,
        isQuiet: Bool,
        terminal: Terminal = .standardError
    ) {
        let isShown = !isQuiet && terminal.isInteractive && byteCount >= Self.least
        let bar =
            isShown
            ? ProgressBar(
                label,
                total: byteCount / Self.megabyte,
                unit: "MB",
                terminal: terminal
            ) : nil
        // The first tensor may be long.
        bar?.update(0)
        state = Mutex((bar, 0))
    }

    /// Shows how far it is, if it is time to.
    ///
    /// - Parameter byteCount: the bytes done so far; reports may overtake each other.
    package func update(_ byteCount: Int) {
        state.withLock { state in
            guard byteCount / Self.megabyte > state.megabytes else { return }
            state.megabytes = byteCount / Self.megabyte
            state.bar?.update(state.megabytes)
        }
    }

    /// Takes the bar away.
    package func end() { state.withLock { $0.bar?.cancel() } }
}
