/// A table for people, in a monospaced font: columns as wide as their widest cell.
///
/// Two shapes: plain, with the header underlined, and Markdown. Neither needs colour.
public struct TextTable: Sendable {
    public enum Alignment: Sendable, Hashable {
        case left
        case right
    }

    public struct Column: Sendable, Hashable {
        public var title: String
        public var alignment: Alignment

        public init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    public let columns: [Column]
    public private(set) var rows: [[String]] = []

    public init(_ columns: [Column]) {
        precondition(!columns.isEmpty)
        self.columns = columns
    }

    /// Adds a row, one cell for each column.
    public mutating func append(_ cells: [String]) {
        precondition(cells.count == columns.count, "a cell for each column")
        rows.append(cells)
    }

    /// The table with its header underlined; two spaces between columns, none at line ends, a
    /// newline after each line.
    public var plain: String {
        let cells = safeCells { printable($0) }
        let widths = widths(of: cells)
        var lines = cells.map { row in
            joined(row, widths, separator: "  ")
        }
        lines.insert(
            widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "),
            at: 1
        )
        return lines.map { trimmingEnd($0) + "\n" }.joined()
    }

    /// The table in GitHub's Markdown, aligned in its source too.
    public var markdown: String {
        let cells = safeCells { text in
            String(printable(text).flatMap { $0 == "|" ? "\\|" : String($0) })
        }
        let widths = widths(of: cells).map { max($0, 3) }
        var lines = cells.map { "| " + joined($0, widths, separator: " | ") + " |" }
        let rule = zip(columns, widths).map { column, width in
            switch column.alignment {
            case .left: String(repeating: "-", count: width)
            case .right: String(repeating: "-", count: width - 1) + ":"
            }
        }
        lines.insert("| " + rule.joined(separator: " | ") + " |", at: 1)
        return lines.map { $0 + "\n" }.joined()
    }

    /// Header and rows with each cell made safe to print.
    private func safeCells(_ transform: (String) -> String) -> [[String]] {
        ([columns.map(\.title)] + rows).map { $0.map(transform) }
    }

    private func widths(of cells: [[String]]) -> [Int] {
        columns.indices.map { column in
            cells.map { displayWidth($0[column]) }.max() ?? 0
        }
    }

    private func joined(_ row: [String], _ widths: [Int], separator: String) -> String {
        columns.indices.map { index in
            let padding = String(repeating: " ", count: widths[index] - displayWidth(row[index]))
            return columns[index].alignment == .left ? row[index] + padding : padding + row[index]
        }
        .joined(separator: separator)
    }

    private func trimmingEnd(_ line: String) -> String {
        let scalars = line.unicodeScalars
        guard let last = scalars.lastIndex(where: { $0 != " " }) else { return "" }
        return String(String.UnicodeScalarView(scalars[...last]))
    }
}

/// How many cells of a terminal a text fills: combining marks none, East Asian wide characters and
/// emoji two, all else one.
public func displayWidth(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return scalar.value < 0x20 ? 0 : 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    switch scalar.value {
    // Hangul initials; CJK radicals to Yi; Hangul syllables; compatibility and full-width forms;
    // the ideographic planes.
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
        return 2
    default: return scalar.properties.isEmojiPresentation ? 2 : 1
    }
}
