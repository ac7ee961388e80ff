import Bert
import Diagnostics
import Tensors

extension ConversionPlan {
    /// The plan as a table for people, with what is left out below it.
    public var text: String {
        var table = TextTable([
            .init("from"), .init("to"), .init("shape"), .init("change"), .init("bytes", .right),
        ])
        let files = Set(rows.map(\.file))
        for row in rows {
            table.append([
                row.from ?? "(new)",
                files.count > 1 ? "\(row.file): \(row.to)" : row.to,
                row.shape.description,
                row.changes.isEmpty ? "–" : row.changes.joined(separator: ", "),
                String(row.byteCount),
            ])
        }
        var text = "\(source.layout) to \(options.format.phrase)\n\n" + table.plain
        text +=
            "\n\(rows.count) tensors, \(byteCount) bytes, in \(files.sorted().joined(separator: ", "))\n"
        for (name, rule) in ignored { text += "not written: \(printable(name)) (\(rule))\n" }
        for approximation in approximations { text += "approximation: \(approximation)\n" }
        return text
    }
}
