import Diagnostics

/// The state of long work, on standard error: a redrawn line on a terminal (of training a few lines),
/// now and then a plain line elsewhere, nothing when quiet.
///
/// Used from one thread.
package final class ProgressBar {
    private let label: String
    private let total: Int
    private let unit: String
    private let terminal: Terminal
    private let isQuiet: Bool
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?
    private var lastTenth = 0
    /// Lines that are on the terminal now.
    private var openLines = 0
    private var state: ProgressLine

    /// - Parameters:
    ///   - label: What is being done, in a word or two.
    ///   - total: How many units the whole work has.
    ///   - unit: The units' name in the plural, for the rate.
    package init(
        _ label: String,
        total: Int,
        unit: String = "examples",
        isQuiet: Bool = false,
        terminal: Terminal = .standardError
    ) {
        self.label = label
        self.total = total
        self.unit = unit
        self.isQuiet = isQuiet
        self.terminal = terminal
        state = ProgressLine(label: label, unit: unit, total: total)
    }

    /// Shows how far the work is, if it is time to.
    ///
    /// - Parameter training: how training stands, where that is the work.
    package func update(_ completed: Int, training: TrainingState? = nil) {
        guard !isQuiet else { return }
        state.completed = completed
        state.training = training ?? state.training
        let now = ContinuousClock.now
        let sinceDrawn = now - (lastDrawn ?? start)
        if terminal.isInteractive {
            guard lastDrawn == nil || sinceDrawn >= .milliseconds(100) else { return }
        } else {
            let tenth = state.fraction * 10
            let isNextTenth = Int(tenth) > lastTenth && sinceDrawn >= .seconds(1)
            guard isNextTenth || sinceDrawn >= .seconds(30) else { return }
            lastTenth = Int(tenth)
        }
        lastDrawn = now
        draw(at: now)
    }

    /// Writes a line of its own, above the bar.
    package func note(_ text: String) {
        guard !isQuiet else { return }
        let wasOpen = openLines > 0
        clear()
        terminal.write(text + "\n")
        if wasOpen { draw(at: .now) }
    }

    /// Ends with a line that stays: the units done, and the time taken.
    package func finish() {
        guard !isQuiet else { return }
        clear()
        terminal.write(state.summary(seconds: seconds(at: .now)) + "\n")
    }

    /// Takes the bar away without a closing line, as before an error.
    package func cancel() {
        guard !isQuiet else { return }
        clear()
    }

    private func draw(at now: ContinuousClock.Instant) {
        let seconds = seconds(at: now)
        if state.training != nil { state.memory = Machine.residentMemory }
        guard terminal.isInteractive else {
            terminal.write(state.plain(seconds: seconds) + "\n")
            return
        }
        let lines = state.lines(
            seconds: seconds,
            width: terminal.width - 1,
            isUnicode: terminal.isUnicode
        )
        terminal.write(erasing + lines.joined(separator: "\n"))
        openLines = lines.count
    }

    /// What takes the open lines away and leaves the cursor where the first began.
    private var erasing: String {
        openLines > 1 ? "\r\u{1b}[\(openLines - 1)A\u{1b}[J" : "\r\u{1b}[K"
    }

    private func clear() {
        if openLines > 0 { terminal.write(erasing) }
        openLines = 0
    }

    private func seconds(at now: ContinuousClock.Instant) -> Double { (now - start) / .seconds(1) }
}

/// The text of a progress line, from numbers alone.
package struct ProgressLine {
    package var label: String
    package var unit: String
    package var total: Int
    package var completed = 0
    package var training: TrainingState?
    /// Resident, in bytes.
    package var memory: Int?

    package init(label: String, unit: String, total: Int) {
        self.label = label
        self.unit = unit
        self.total = total
    }

    package var fraction: Double {
        total > 0 ? min(max(Double(completed) / Double(total), 0), 1) : 1
    }

    private var percent: String { Numbers.percent(fraction, 0) }

    /// What a terminal shows, each line of at most `width` columns: the bar, and of training at most
    /// two more. Parts that do not fit are left out whole.
    package func lines(seconds: Double, width: Int, isUnicode: Bool) -> [String] {
        var lines = [bar(seconds: seconds, width: width, isUnicode: isUnicode)]
        // A narrow terminal has room for the bar's line alone.
        guard let facts = training?.facts(), width >= 40 else { return lines }
        var line = ""
        for fact in facts {
            let longer = line.isEmpty ? "  " + fact : line + "  " + fact
            if longer.unicodeScalars.count <= width {
                line = longer
            } else {
                lines.append(line)
                line = "  " + fact
            }
        }
        lines.append(line)
        return Array(lines.filter { !$0.isEmpty && $0.unicodeScalars.count <= width }.prefix(3))
    }

    /// One line of at most `width` columns. What does not fit is left out: the bar first, then the
    /// memory, the rate, and last the time left.
    private func bar(seconds: Double, width: Int, isUnicode: Bool) -> String {
        let shortest = percent.unicodeScalars.count + 1
        let label = String(
            String.UnicodeScalarView(self.label.unicodeScalars.prefix(max(0, width - shortest)))
        )
        let left = remaining(seconds: seconds).map { "  \($0)" }
        let rate = rate(seconds: seconds).map { "  \($0)" }
        let memory = memory.map { "  \(Numbers.bytes($0))" }
        var room = width - label.unicodeScalars.count - shortest
        var kept: [String] = []
        for part in [left, rate, memory].compactMap(\.self) {
            guard part.unicodeScalars.count <= room else { break }
            room -= part.unicodeScalars.count
            kept.append(part)
        }
        // In the order of reading: rate, time left, memory.
        if kept.count > 1, left != nil, rate != nil { kept.swapAt(0, 1) }
        let back = " " + percent + kept.joined()
        let length = min(30, room - 1)
        guard length >= 8 else { return label + back }
        let filled = Int((fraction * Double(length)).rounded(.down))
        let (full, empty) = isUnicode ? ("█", "░") : ("#", ".")
        return "\(label) " + String(repeating: full, count: filled)
            + String(repeating: empty, count: length - filled) + back
    }

    /// A line for a log.
    package func plain(seconds: Double) -> String {
        var parts = ["\(label): \(percent)"]
        parts += training?.facts() ?? []
        parts += [
            rate(seconds: seconds), remaining(seconds: seconds), memory.map { Numbers.bytes($0) },
        ].compactMap(\.self)
        return parts.joined(separator: ", ")
    }

    /// The closing line.
    package func summary(seconds: Double) -> String {
        var parts = ["\(label): \(Numbers.count(completed)) \(unit)"]
        if let loss = training?.loss { parts.append("loss \(Numbers.fixed(loss, 4))") }
        parts.append(Numbers.duration(seconds: seconds))
        if let rate = rate(seconds: seconds) { parts.append(rate) }
        return parts.joined(separator: ", ")
    }

    private func remaining(seconds: Double) -> String? {
        guard completed > 0, completed < total else { return nil }
        let left = seconds / Double(completed) * Double(total - completed)
        return "\(Numbers.duration(seconds: left.rounded())) left"
    }

    private func rate(seconds: Double) -> String? {
        guard completed > 0, seconds > 0 else { return nil }
        let rate = min((Double(completed) / seconds).rounded(), 1e15)
        return "\(Numbers.count(Int(rate))) \(unit)/s"
    }
}
