/// A table for people: columns as wide as their widest cell, two spaces between.
package struct TextTable {
    package enum Alignment: Sendable { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    /// - Parameter columns: Each column's heading and alignment.
    package init(_ columns: [(heading: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        rows = [columns.map(\.heading)]
    }

    package mutating func add(_ cells: [String]) {
        precondition(cells.count == alignments.count, "a row has as many cells as columns")
        rows.append(cells)
    }

    /// The lines, without trailing spaces; the headings are the first.
    package var lines: [String] {
        let widths = alignments.indices.map { column in
            rows.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(
                    repeating: " ",
                    count: widths[column] - cell.unicodeScalars.count
                )
                line += column > 0 ? "  " : ""
                line += alignments[column] == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
