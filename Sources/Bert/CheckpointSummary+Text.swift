import Checkpoints
import Diagnostics

extension CheckpointSummary {
    /// The summary as lines of text.
    public var lines: [String] {
        var lines = [
            "path            \(printable(path))",
            "layout          \(layout)",
            "head            \(head)",
        ]
        if !labels.isEmpty {
            lines.append("labels          \(labels.map(printable).joined(separator: ", "))")
        }
        if let configurationProblem {
            lines.append("configuration   none: \(configurationProblem)")
        }
        lines += [
            "tensors         \(tensors.count), \(Self.grouped(tensorBytes)) bytes",
            "file            \(Self.grouped(fileBytes)) bytes",
            "parameters      \(Self.grouped(parameters.total)), all",
            "                \(Self.grouped(parameters.withoutHead)) without the head",
            "                \(Self.grouped(parameters.withoutHeadAndEmbeddings)) without the head "
                + "and the embeddings (tables and their LayerNorm)",
        ]
        if parameters.notCounted > 0 {
            lines.append(
                "                \(Self.grouped(parameters.notCounted)) more elements in tensors that "
                    + "are not counted"
            )
        }
        if !unknownConfigurationKeys.isEmpty {
            lines.append(
                "unknown keys    \(unknownConfigurationKeys.map(printable).joined(separator: ", "))"
            )
        }
        lines += notes.map { "note            \($0)" }
        if case .object(let members)? = configuration {
            lines += ["", "configuration"]
            let keys = members.keys.sorted()
            let width = keys.map(\.count).max() ?? 0
            for key in keys {
                guard let value = members[key], key != "id2label", key != "label2id",
                    value != .array([])
                else { continue }
                lines.append("  \(Self.padded(key, width))  \(Self.inline(value))")
            }
        }
        lines += ["", "tensors"]
        return lines + tensorLines
    }

    /// One line per tensor: what it is, shape, element type, bytes, stored name, and what is odd.
    private var tensorLines: [String] {
        let cells = tensors.map { tensor in
            [
                tensor.canonicalName ?? tensor.ignoredBecause.map { "(\($0))" } ?? "(unknown)",
                tensor.shape.description,
                ([tensor.elementType] + (tensor.storage.map { [$0] } ?? [])).joined(
                    separator: ", "
                ),
                Self.grouped(tensor.bytes),
                printable(tensor.name)
                    + (tensor.oddities.isEmpty
                        ? "" : "  ! " + tensor.oddities.map(printable).joined(separator: ", ")),
            ]
        }
        let widths = (0..<5).map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { cell in
            let bytes =
                String(repeating: " ", count: widths[3] - cell[3].count) + cell[3]
            return "  \(Self.padded(cell[0], widths[0]))  \(Self.padded(cell[1], widths[1]))  "
                + "\(Self.padded(cell[2], widths[2]))  \(bytes)  \(cell[4])"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func inline(_ value: JSONValue) -> String {
        switch value {
        case .array(let elements): elements.map(inline).joined(separator: ", ")
        case .object(let members):
            members.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }
                .map { "\(printable($0.key)): \(inline($0.value))" }.joined(separator: "; ")
        default: printable(value.text())
        }
    }

    /// 22713216 as `22,713,216`.
    private static func grouped(_ number: Int) -> String {
        var digits = String(number)
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
            index -= 3
        }
        return digits
    }
}
