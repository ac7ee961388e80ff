import Glibc

/// What one of the standard streams is connected to, and how much may be done to it.
package struct Terminal: Sendable {
    enum Style: String {
        case strong = "1"
        case faint = "2"
        case error = "1;31"
        case warning = "33"
    }

    let descriptor: Int32
    /// Whether a line may be redrawn.
    package let isInteractive: Bool
    let hasColor: Bool
    /// Whether its reader expects UTF-8, so that a bar may be drawn with block characters.
    let isUnicode: Bool

    package static let standardError = Terminal(descriptor: STDERR_FILENO)
    static let standardOutput = Terminal(descriptor: STDOUT_FILENO)

    /// Colour follows no-color.org: `NO_COLOR` (when not empty) forbids it, then `FORCE_COLOR`
    /// (when neither empty nor 0) demands it, else a terminal other than a dumb one has it.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        let isTerminal = isatty(descriptor) == 1
        let isDumb = Self.environment("TERM") == "dumb"
        isInteractive = isTerminal && !isDumb
        if Self.environment("NO_COLOR") != nil {
            hasColor = false
        } else if let force = Self.environment("FORCE_COLOR") {
            hasColor = force != "0"
        } else {
            hasColor = isInteractive
        }
        let locale =
            Self.environment("LC_ALL") ?? Self.environment("LC_CTYPE") ?? Self.environment("LANG")
        let charset = locale?.lowercased() ?? ""
        isUnicode = charset.contains("utf-8") || charset.contains("utf8")
    }

    /// Columns of a line: the terminal's, else `COLUMNS`, else 80.
    package var width: Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        guard let columns = Self.environment("COLUMNS").flatMap({ Int($0) }), columns > 0 else {
            return 80
        }
        return columns
    }

    func styled(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// Writes at once. What cannot be written is lost: nothing depends on progress and logs.
    func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = writeAll($0, to: descriptor) }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// Writes all bytes, whatever size of pieces the system takes them in; the error number on failure.
func writeAll(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        let count = write(descriptor, part.baseAddress, part.count)
        if count < 0 {
            if errno == EINTR { continue }
            return errno
        }
        rest = rest.dropFirst(count)
    }
    return nil
}
