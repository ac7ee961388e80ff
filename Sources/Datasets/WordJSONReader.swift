import Diagnostics

/// Reads one sentence a line: an object with an array of words and, where wanted, one of labels.
struct WordJSONReader {
    static let wordFields = ["tokens", "words"]
    static let labelFields = ["ner_tags", "pos_tags", "chunk_tags", "tags", "labels"]

    let source: SourceText
    let options: TaskFile.Options

    init(_ source: SourceText, _ options: TaskFile.Options) {
        self.source = source
        self.options = options
    }

    func read(into content: inout WordContent) throws(Failure) {
        let (words, labels) = try fields()
        var line = options.firstLine
        try Self.forEachLine(source) { (object, start) throws(Failure) in
            var object = object
            defer { line += 1 }
            do throws(JSONScanner.Malformed) {
                let (found, tags) = try object.sentence(words: words, labels: labels)
                for (index, word) in found.enumerated() {
                    content.append(word, label: tags.map { $0[index] }, line: line)
                }
            } catch {
                guard options.skipBadRows else {
                    throw Failure(
                        .badData,
                        source.name,
                        "line \(line), byte \(error.position - start + 1): \(error.problem)",
                        remedy: "Correct the line, or have bad rows skipped"
                    )
                }
                content.spoil(line: line)
            }
            content.endSentence()
        }
    }

    /// Whether the first object has an array of words.
    static func isLikely(_ source: SourceText) -> Bool {
        guard let names = firstArrays(source) else { return false }
        return names.contains { wordFields.contains($0) }
    }

    /// The names of the fields in use, by the first object.
    private func fields() throws(Failure) -> (words: String, labels: String?) {
        let present = Self.firstArrays(source) ?? []
        func choose(
            _ column: ColumnSelection.Column?,
            _ usual: [String]
        ) throws(Failure) -> String? {
            switch column {
            case .name(let name): return name
            case .index(let index):
                throw Failure(
                    .usage,
                    source.name,
                    "column \(index) is chosen by its index, but fields of JSON lines have no order",
                    remedy: "Choose the fields by name"
                )
            case nil: return usual.first { present.contains($0) }
            }
        }
        guard let words = try choose(options.columns.text, Self.wordFields) else {
            throw Failure(
                .badData,
                source.name,
                "line \(options.firstLine): there is no array of words among the fields",
                remedy: "Choose its field by name; usual ones are tokens and words"
            )
        }
        if options.labels == .ignored { return (words, nil) }
        let labels = try choose(options.columns.label, Self.labelFields)
        guard labels != nil || options.labels != .required else {
            throw Failure(
                .badData,
                source.name,
                "line \(options.firstLine): there is no array of labels among the fields",
                remedy: "Choose its field by name; usual ones are "
                    + Self.labelFields.joined(separator: ", ")
            )
        }
        return (words, labels)
    }

    /// The names of the first object's fields that hold arrays; nil where that line is no object.
    private static func firstArrays(_ source: SourceText) -> [String]? {
        var names: [String]?
        try? forEachLine(source) { (object, _) throws(JSONScanner.Malformed) in
            var object = object
            guard names == nil else { return }
            var found: [String] = []
            var unused: [UInt8] = []
            try object.forEachField { (scanner, name) throws(JSONScanner.Malformed) in
                scanner.skipSpace()
                let isArray = scanner.current == 0x5B
                if isArray { found.append(String(decoding: name, as: UTF8.self)) }
                _ = try scanner.value(into: &unused)
            }
            names = found
        }
        return names
    }

    private static func forEachLine<Problem>(
        _ source: SourceText,
        _ body: (_ object: JSONScanner, _ start: Int) throws(Problem) -> Void
    ) throws(Problem) {
        try source.bytes.withUnsafeBufferPointer { (bytes) throws(Problem) in
            var position = source.start
            while position < source.end {
                let end = bytes[position..<source.end].firstIndex(of: 0x0A) ?? source.end
                try body(JSONScanner(bytes, position..<end), position)
                position = end + 1
            }
        }
    }
}

extension JSONScanner {
    fileprivate mutating func sentence(
        words wordField: String,
        labels labelField: String?
    ) throws(Malformed) -> (words: [String], labels: [String]?) {
        var words: [String]?
        var labels: [String]?
        var unused: [UInt8] = []
        try forEachField { (scanner, name) throws(Malformed) in
            if wordField.utf8.elementsEqual(name) {
                words = try scanner.texts(wordField, orNumbers: false)
            } else if labelField.map({ $0.utf8.elementsEqual(name) }) ?? false {
                labels = try scanner.texts(labelField ?? "", orNumbers: true)
            } else {
                unused.removeAll(keepingCapacity: true)
                _ = try scanner.value(into: &unused)
            }
        }
        guard let words else { throw missing(wordField) }
        if let labelField {
            guard let labels else { throw missing(labelField) }
            guard labels.count == words.count else {
                throw malformed("\(counted(words.count, "word")), and \(labels.count) labels")
            }
        }
        return (words, labels)
    }

    private func missing(_ field: String) -> Malformed {
        malformed("the field '\(printable(field))' is missing")
    }

    /// An array's texts, none of them empty.
    private mutating func texts(
        _ field: String,
        orNumbers: Bool
    ) throws(Malformed) -> [String] {
        let title = printable(field)
        guard take(0x5B) else { throw malformed("the field '\(title)' holds no array") }
        var result: [String] = []
        if take(0x5D) { return result }
        var text: [UInt8] = []
        repeat {
            text.removeAll(keepingCapacity: true)
            switch try value(into: &text) {
            case .text(let range):
                guard !range.isEmpty else { throw malformed("'\(title)' has an empty text") }
                result.append(String(decoding: text[range], as: UTF8.self))
            case .number(let digits) where orNumbers:
                result.append(String(decoding: bytes[digits], as: UTF8.self))
            case .number: throw malformed("'\(title)' has a number among its texts")
            case .other(let kind): throw malformed("'\(title)' has \(kind) among its texts")
            }
        } while take(0x2C)
        try expect(0x5D)
        return result
    }
}
