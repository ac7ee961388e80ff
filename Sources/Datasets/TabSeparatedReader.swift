import Diagnostics

/// Cuts tab-separated text into rows; splits at bytes, so that quotes and exotic line ends are
/// ordinary characters.
struct TabSeparatedReader {
    let source: SourceText
    let options: TaskFile.Options

    init(_ source: SourceText, _ options: TaskFile.Options) {
        self.source = source
        self.options = options
    }

    func read() throws(Failure) -> ParsedRows {
        let first = firstLine()
        let layout = try ColumnLayout(
            firstLine: first.fields,
            selection: options.columns,
            labels: options.labels,
            file: source.name
        )
        var parsed = ParsedRows(
            rows: Rows(),
            bytes: source.bytes,
            hasHeader: layout.hasHeader,
            textColumn: layout.title(layout.columns.text),
            pairColumn: layout.columns.pair.map(layout.title),
            labelColumn: layout.columns.label.map(layout.title),
            skippedRows: 0,
            firstSkippedLine: nil
        )
        let start = layout.hasHeader ? first.end : source.start
        let line = options.firstLine + (layout.hasHeader ? 1 : 0)
        try source.bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
            try readRows(bytes, from: start, line: line, layout: layout, into: &parsed)
        }
        return parsed
    }

    private func readRows(
        _ bytes: UnsafeBufferPointer<UInt8>,
        from start: Int,
        line firstLine: Int,
        layout: ColumnLayout,
        into parsed: inout ParsedRows
    ) throws(Failure) {
        let columns = layout.columns
        var position = start
        var line = firstLine
        var fields = [Range<Int>](repeating: 0..<0, count: layout.count)
        while position < source.end {
            var found = 0
            var fieldStart = position
            while true {
                if position < source.end, bytes[position] != 0x0A, bytes[position] != 0x09 {
                    position += 1
                    continue
                }
                let isLast = position >= source.end || bytes[position] == 0x0A
                var fieldEnd = position
                if isLast, fieldEnd > fieldStart, bytes[fieldEnd - 1] == 0x0D { fieldEnd -= 1 }
                if found < layout.count { fields[found] = fieldStart..<fieldEnd }
                found += 1
                position += 1
                fieldStart = position
                if isLast { break }
            }
            if found == layout.count {
                parsed.rows.texts.append(fields[columns.text])
                if let pair = columns.pair { parsed.rows.pairs.append(fields[pair]) }
                if let label = columns.label { parsed.rows.labels.append(fields[label]) }
                parsed.rows.lines.append(line)
            } else {
                guard options.skipBadRows else {
                    throw wrongCount(found, line: line, layout: layout)
                }
                parsed.skippedRows += 1
                parsed.firstSkippedLine = parsed.firstSkippedLine ?? line
            }
            line += 1
        }
    }

    private func wrongCount(_ found: Int, line: Int, layout: ColumnLayout) -> Failure {
        Failure(
            .badData,
            source.name,
            "line \(line): expected \(counted(layout.count, "column")) as in the "
                + "\(layout.hasHeader ? "header" : "first row"), found \(found)",
            remedy: "Correct the line, or have bad rows skipped"
        )
    }

    /// The fields of the first line, and where the next one starts.
    private func firstLine() -> (fields: [String], end: Int) {
        let text = source.bytes[source.start..<source.end]
        let lineEnd = text.firstIndex(of: 0x0A) ?? source.end
        var line = text[..<lineEnd]
        if line.last == 0x0D { line.removeLast() }
        let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
        return (fields.map { String(decoding: $0, as: UTF8.self) }, lineEnd + 1)
    }
}

/// `1 column`, `2 columns`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
