import Diagnostics

/// Reads one object a line; the fields in use are decided by the first object's names.
struct JSONLinesReader {
    let source: SourceText
    let options: TaskFile.Options

    init(_ source: SourceText, _ options: TaskFile.Options) {
        self.source = source
        self.options = options
    }

    func read() throws(Failure) -> ParsedRows {
        try source.bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
            try read(bytes)
        }
    }

    private func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) -> ParsedRows {
        guard bytes[source.start] != 0x5B else {
            throw Failure(
                .badData,
                source.name,
                "expected JSON lines, found a JSON array",
                remedy: "Write one object a line"
            )
        }
        var position = source.start
        let fields = try firstNames(bytes).map { names throws(Failure) in try chooseFields(names) }
        var parsed = ParsedRows(
            rows: Rows(),
            bytes: [],
            hasHeader: false,
            textColumn: fields?.text ?? "",
            pairColumn: fields?.pair,
            labelColumn: fields?.label,
            skippedRows: 0,
            firstSkippedLine: nil
        )
        parsed.bytes.reserveCapacity(bytes.count)
        var line = options.firstLine
        while position < source.end {
            let lineEnd = endOfLine(bytes, from: position)
            let kept = parsed.bytes.count
            var object = JSONScanner(bytes, position..<lineEnd)
            do throws(JSONScanner.Malformed) {
                if let fields {
                    parsed.rows.append(try object.row(fields, into: &parsed.bytes), line: line)
                } else {
                    _ = try object.fieldNames()
                }
            } catch {
                guard options.skipBadRows else {
                    throw Failure(
                        .badData,
                        source.name,
                        "line \(line), byte \(error.position - position + 1): \(error.problem)",
                        remedy: "Correct the line, or have bad rows skipped"
                    )
                }
                parsed.bytes.removeLast(parsed.bytes.count - kept)
                parsed.skippedRows += 1
                parsed.firstSkippedLine = parsed.firstSkippedLine ?? line
            }
            position = lineEnd + 1
            line += 1
        }
        return parsed
    }

    private func endOfLine(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var position = start
        while position < source.end, bytes[position] != 0x0A { position += 1 }
        return position
    }

    /// The field names of the first line that is an object.
    private func firstNames(_ bytes: UnsafeBufferPointer<UInt8>) -> [String]? {
        var position = source.start
        while position < source.end {
            let lineEnd = endOfLine(bytes, from: position)
            var object = JSONScanner(bytes, position..<lineEnd)
            if let names = try? object.fieldNames() { return names }
            position = lineEnd + 1
        }
        return nil
    }

    private func chooseFields(_ names: [String]) throws(Failure) -> JSONFields {
        let selection = options.columns
        for case .index(let index)? in [selection.text, selection.textPair, selection.label] {
            throw Failure(
                .usage,
                source.name,
                "column \(index) is chosen by its index, but fields of JSON lines have no order",
                remedy: "Choose the fields by name"
            )
        }
        var named = selection
        named.header = .present
        let layout = try ColumnLayout(
            firstLine: names,
            selection: named,
            labels: options.labels,
            file: source.name
        )
        return JSONFields(
            text: layout.title(layout.columns.text),
            pair: layout.columns.pair.map(layout.title),
            label: layout.columns.label.map(layout.title),
            mayLackLabel: options.labels == .partial
        )
    }
}

/// The names of the fields in use.
private struct JSONFields {
    var text: String
    var pair: String?
    var label: String?
    /// Whether an object may be without its label.
    var mayLackLabel: Bool
}

private struct JSONRow {
    var text: Range<Int>
    var pair: Range<Int>?
    var label: Range<Int>?
}

extension Rows {
    fileprivate mutating func append(_ row: JSONRow, line: Int) {
        texts.append(row.text)
        if let pair = row.pair { pairs.append(pair) }
        if let label = row.label { labels.append(label) }
        lines.append(line)
    }
}

extension JSONScanner {
    /// The names of an object's fields, in order.
    fileprivate mutating func fieldNames() throws(Malformed) -> [String] {
        var names: [String] = []
        var unused: [UInt8] = []
        try forEachField { (scanner, name) throws(Malformed) in
            names.append(String(decoding: name, as: UTF8.self))
            _ = try scanner.value(into: &unused)
        }
        return names
    }

    /// The fields in use of an object; `output` receives their unescaped bytes.
    fileprivate mutating func row(
        _ fields: JSONFields,
        into output: inout [UInt8]
    ) throws(Malformed) -> JSONRow {
        var text: Range<Int>?
        var pair: Range<Int>?
        var label: Range<Int>?
        func isNamed(_ name: [UInt8], _ field: String?) -> Bool {
            field.map { $0.utf8.elementsEqual(name) } ?? false
        }
        try forEachField { (scanner, name) throws(Malformed) in
            if isNamed(name, fields.text) {
                text = try scanner.field(name, once: text, isLabel: false, into: &output)
            } else if isNamed(name, fields.pair) {
                pair = try scanner.field(name, once: pair, isLabel: false, into: &output)
            } else if isNamed(name, fields.label) {
                if fields.mayLackLabel, try scanner.takeNull(into: &output) { return }
                label = try scanner.field(name, once: label, isLabel: true, into: &output)
            } else {
                let kept = output.count
                _ = try scanner.value(into: &output)
                output.removeLast(output.count - kept)
            }
        }
        guard let text else { throw missing(fields.text) }
        if let name = fields.pair, pair == nil { throw missing(name) }
        if let name = fields.label, label == nil {
            guard fields.mayLackLabel else { throw missing(name) }
            label = output.count..<output.count
        }
        return JSONRow(text: text, pair: pair, label: label)
    }

    private func missing(_ name: String) -> Malformed {
        malformed("the field '\(printable(name))' is missing")
    }

    /// Passes over the value `null`; false, and nothing passed over, for any other.
    private mutating func takeNull(into output: inout [UInt8]) throws(Malformed) -> Bool {
        skipSpace()
        guard current == 0x6E else { return false }
        _ = try value(into: &output)
        return true
    }

    private mutating func field(
        _ name: [UInt8],
        once earlier: Range<Int>?,
        isLabel: Bool,
        into output: inout [UInt8]
    ) throws(Malformed) -> Range<Int> {
        let title = printable(String(decoding: name, as: UTF8.self))
        guard earlier == nil else { throw malformed("the field '\(title)' is there twice") }
        switch try value(into: &output) {
        case .text(let range): return range
        case .number(let digits) where isLabel:
            let start = output.count
            output += plainNumber(bytes[digits])
            return start..<output.count
        case .number: throw malformed("the field '\(title)' holds a number, not text")
        case .other(let kind):
            let expected = isLabel ? "text or a number" : "text"
            throw malformed("the field '\(title)' holds \(kind), not \(expected)")
        }
    }

    /// A number's digits; whole numbers without a fraction, since `1` and `1.0` are one number.
    private func plainNumber(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        guard digits.contains(where: { $0 == 0x2E || $0 | 0x20 == 0x65 }) else {
            return Array(digits)
        }
        guard let value = Double(String(decoding: digits, as: UTF8.self)),
            let whole = Int(exactly: value)
        else { return Array(digits) }
        return Array(String(whole).utf8)
    }

    /// Calls `body` with each field's name, the scanner standing at its value.
    mutating func forEachField(
        _ body: (inout JSONScanner, [UInt8]) throws(Malformed) -> Void
    ) throws(Malformed) {
        guard take(0x7B) else { throw malformed("expected an object") }
        var name: [UInt8] = []
        if !take(0x7D) {
            repeat {
                name.removeAll(keepingCapacity: true)
                skipSpace()
                _ = try string(into: &name)
                try expect(0x3A)
                try body(&self, name)
            } while take(0x2C)
            try expect(0x7D)
        }
        skipSpace()
        guard current == nil else { throw malformed("something follows the object") }
    }
}
