import CSignals

/// SIGINT and SIGTERM as long work sees them: it asks, at places where it can stop, whether one has come.
///
/// Where nobody has called `handleSignals`, none is ever seen, and the system's own way is kept.
public enum Interruption {
    /// Takes SIGINT and SIGTERM over for the whole process, and ignores SIGHUP. Until `isDeferred`, a signal
    /// ends the process at once with 128 + its number.
    ///
    /// - Parameter leftovers: two files at most, and the folder that they are in, which such an end removes
    ///   where nothing else is in it.
    public static func handleSignals(removing leftovers: (files: [String], folder: String)?) {
        bk_signals_remove(
            leftovers?.files.first,
            leftovers?.files.dropFirst().first,
            leftovers?.folder
        )
        bk_signals_handle()
    }

    /// While true, the first signal is only remembered, for there is something to save; a second one ends
    /// the process.
    public static func setDeferred(_ isDeferred: Bool) { bk_signals_defer(isDeferred ? 1 : 0) }

    /// The remembered signal's number.
    public static var signal: Int32? {
        let number = bk_signals_received()
        return number == 0 ? nil : number
    }

    /// Whether a signal was remembered.
    public static func isRequested() -> Bool { bk_signals_received() != 0 }

    /// Stops work that can be stopped here.
    ///
    /// - Throws: `Failure` of kind `.interrupted` once a signal has come.
    public static func check() throws(Failure) {
        guard let signal else { return }
        throw Failure(.interrupted(signal: signal), name(of: signal), "the work was stopped")
    }

    public static func name(of signal: Int32) -> String {
        switch signal {
        case 2: "SIGINT"
        case 15: "SIGTERM"
        default: "signal \(signal)"
        }
    }
}
