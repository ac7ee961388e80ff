import Diagnostics

/// The state of long work, on standard error: one redrawn line on a terminal, now and then a plain
/// line elsewhere, nothing when quiet.
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
    private var isLineOpen = false
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
    package func update(_ completed: Int, loss: Double? = nil) {
        guard !isQuiet else { return }
        state.completed = completed
        state.loss = loss ?? state.loss
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
        clear()
        terminal.write(text + "\n")
        if isLineOpen { draw(at: .now) }
    }

    /// Ends with a line that stays: the units done, and the time taken.
    package func finish() {
        guard !isQuiet else { return }
        clear()
        isLineOpen = false
        terminal.write(state.summary(seconds: seconds(at: .now)) + "\n")
    }

    /// Takes the bar away without a closing line, as before an error.
    package func cancel() {
        guard !isQuiet else { return }
        clear()
        isLineOpen = false
    }

    private func draw(at now: ContinuousClock.Instant) {
        let seconds = seconds(at: now)
        guard terminal.isInteractive else {
            terminal.write(state.plain(seconds: seconds) + "\n")
            return
        }
        let text = state.bar(
            seconds: seconds,
            width: terminal.width - 1,
            isUnicode: terminal.isUnicode
        )
        terminal.write("\r\u{1b}[K" + text)
        isLineOpen = true
    }

    private func clear() {
        if isLineOpen { terminal.write("\r\u{1b}[K") }
    }

    private func seconds(at now: ContinuousClock.Instant) -> Double { (now - start) / .seconds(1) }
}

/// The text of a progress line, from numbers alone.
package struct ProgressLine {
    package var label: String
    package var unit: String
    package var total: Int
    package var completed = 0
    package var loss: Double?

    package init(label: String, unit: String, total: Int) {
        self.label = label
        self.unit = unit
        self.total = total
    }

    package var fraction: Double {
        total > 0 ? min(max(Double(completed) / Double(total), 0), 1) : 1
    }

    /// One line of at most `width` columns; parts that do not fit are left out, the bar first.
    package func bar(seconds: Double, width: Int, isUnicode: Bool) -> String {
        let percent = Numbers.percent(fraction, 0)
        let front = "\(label) "
        let back = ([" " + percent] + facts(seconds: seconds)).joined(separator: "  ")
        let room = min(30, width - front.unicodeScalars.count - back.unicodeScalars.count)
        guard room >= 8 else {
            return String(
                String.UnicodeScalarView((front + back).unicodeScalars.prefix(max(0, width)))
            )
        }
        let filled = Int((fraction * Double(room)).rounded(.down))
        let (full, empty) = isUnicode ? ("█", "░") : ("#", ".")
        return front + String(repeating: full, count: filled)
            + String(repeating: empty, count: room - filled) + back
    }

    /// A line for a log.
    package func plain(seconds: Double) -> String {
        let percent = Numbers.percent(fraction, 0)
        return (["\(label): \(percent)"] + facts(seconds: seconds)).joined(separator: ", ")
    }

    /// The closing line.
    package func summary(seconds: Double) -> String {
        var parts = ["\(label): \(Numbers.count(completed)) \(unit)"]
        if let loss { parts.append("loss \(Numbers.fixed(loss, 4))") }
        parts.append(Numbers.duration(seconds: seconds))
        if let rate = rate(seconds: seconds) { parts.append(rate) }
        return parts.joined(separator: ", ")
    }

    private func facts(seconds: Double) -> [String] {
        var facts: [String] = []
        if let loss { facts.append("loss \(Numbers.fixed(loss, 4))") }
        if let rate = rate(seconds: seconds) { facts.append(rate) }
        if completed > 0, completed < total {
            let left = seconds / Double(completed) * Double(total - completed)
            facts.append("\(Numbers.duration(seconds: left.rounded())) left")
        }
        return facts
    }

    private func rate(seconds: Double) -> String? {
        guard completed > 0, seconds > 0 else { return nil }
        let rate = min((Double(completed) / seconds).rounded(), 1e15)
        return "\(Numbers.count(Int(rate))) \(unit)/s"
    }
}
