import Diagnostics

/// What the columns of a tab-separated file are, decided from its first line and the selection.
struct ColumnLayout {
    let hasHeader: Bool
    let columns: ResolvedColumns
    /// How many columns each row must have.
    let count: Int
    private let names: [String]

    init(
        firstLine: [String],
        selection: ColumnSelection,
        labels: TaskFile.LabelUse,
        file: String
    ) throws(Failure) {
        switch selection.header {
        case .present: hasHeader = true
        case .absent: hasHeader = false
        case .automatic:
            hasHeader = selection.namesAColumn || UsualNames.texts(in: firstLine) != nil
        }
        count = firstLine.count
        names = hasHeader ? firstLine : []
        let resolver = ColumnResolver(fields: firstLine, hasHeader: hasHeader, file: file)
        columns = try resolver.resolve(selection, labels)
    }

    /// What to call a column when speaking to a user.
    func title(_ index: Int) -> String { hasHeader ? names[index] : "column \(index)" }
}

private struct ColumnResolver {
    let fields: [String]
    let hasHeader: Bool
    let file: String

    func resolve(
        _ selection: ColumnSelection,
        _ labels: TaskFile.LabelUse
    ) throws(Failure) -> ResolvedColumns {
        var columns: ResolvedColumns
        var usualLabel = hasHeader ? UsualNames.label(in: fields) : nil
        if let text = selection.text {
            columns = ResolvedColumns(text: try position(text, "text"))
        } else if hasHeader {
            guard let usual = UsualNames.texts(in: fields) else { throw noTextColumn() }
            columns = ResolvedColumns(text: usual.text, pair: usual.pair)
        } else {
            let usual = try withoutHeader(labels)
            columns = usual
            usualLabel = usual.label
        }
        if let pair = selection.textPair { columns.pair = try position(pair, "second text") }
        columns.label = nil
        if labels != .ignored {
            columns.label =
                try selection.label.map { column throws(Failure) in
                    try position(column, "label")
                } ?? usualLabel
            if columns.label == nil, labels == .required { throw noLabelColumn() }
        }
        let used = [columns.text, columns.pair, columns.label].compactMap { $0 }
        guard Set(used).count == used.count else {
            throw Failure(.usage, file, "one column is chosen for two purposes")
        }
        return columns
    }

    /// CoLA's shape; or plain lines and pairs when no column can be the label.
    private func withoutHeader(_ labels: TaskFile.LabelUse) throws(Failure) -> ResolvedColumns {
        if fields.count == 4, fields[1] == "0" || fields[1] == "1" {
            return ResolvedColumns(text: 3, label: 1)
        }
        if labels != .required, fields.count == 1 { return ResolvedColumns(text: 0) }
        if labels == .ignored, fields.count == 2 { return ResolvedColumns(text: 0, pair: 1) }
        throw noTextColumn()
    }

    private func position(
        _ column: ColumnSelection.Column,
        _ purpose: String
    ) throws(Failure) -> Int {
        switch column {
        case .index(let index):
            guard fields.indices.contains(index) else {
                throw Failure(
                    .usage,
                    file,
                    "the \(purpose) column \(index) is not there: the first line has "
                        + "\(counted(fields.count, "column")), counted from 0"
                )
            }
            return index
        case .name(let name):
            guard hasHeader else {
                throw Failure(
                    .usage,
                    file,
                    "the \(purpose) column is chosen by name, '\(printable(name))', but the file "
                        + "is said to have no header"
                )
            }
            let found = fields.indices.filter { fields[$0].utf8.elementsEqual(name.utf8) }
            guard let first = found.first else {
                throw Failure(
                    .usage,
                    file,
                    "no column '\(printable(name))' for the \(purpose); " + known()
                )
            }
            guard found.count == 1 else {
                throw Failure(
                    .usage,
                    file,
                    "\(found.count) columns are called '\(printable(name))'",
                    remedy: "Choose the \(purpose) column by its index"
                )
            }
            return first
        }
    }

    private func noTextColumn() -> Failure {
        let isCSV = fields.count == 1 && fields[0].contains(",")
        return Failure(
            .badData,
            file,
            "cannot tell which column is the text; " + known(),
            remedy: isCSV
                ? "Columns must be separated by tabs, not commas"
                : "Choose the columns by name or index"
        )
    }

    private func noLabelColumn() -> Failure {
        Failure(
            .badData,
            file,
            "cannot tell which column is the label; " + known(),
            remedy: "Choose the label column by name or index"
        )
    }

    private func known() -> String {
        "the first line has " + listed(fields)
    }
}

/// Names for an error sentence: `'sentence', 'label'`, at most a dozen.
func listed(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "'\(printable($0))'" }.joined(separator: ", ")
    return names.count > 12 ? shown + ", … (\(names.count) in all)" : shown
}
