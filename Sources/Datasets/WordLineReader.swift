import Diagnostics

/// Reads words and labels from columns, CoNLL-U or tagged lines.
struct WordLineReader {
    let source: SourceText
    let options: TaskFile.Options
    let format: WordFile.Format
    /// What stands between columns: a tab, or any number of spaces.
    private let hasTabs: Bool

    init(_ source: SourceText, _ options: TaskFile.Options) {
        self.source = source
        self.options = options
        let lines = Self.firstLines(source, count: 1_000)
        hasTabs = lines.contains { $0.contains(0x09) }
        if Self.isCoNLLU(lines, source.name) {
            format = .conllU
        } else if !hasTabs, Self.areTagged(lines.prefix(20), share: 0.9) {
            format = .taggedLines
        } else {
            format = .columns
        }
    }

    func read(into content: inout WordContent) throws(Failure) {
        let columns = options.columns
        if format == .taggedLines, columns.text != nil || columns.label != nil {
            throw Failure(
                .usage,
                source.name,
                "a column is chosen, and its lines are words with slashes before their labels"
            )
        }
        var position = source.start
        var line = options.firstLine
        var columnCount: Int?
        while position < source.end {
            let end = source.bytes[position..<source.end].firstIndex(of: 0x0A) ?? source.end
            let text = Self.trimmed(source.bytes[position..<end])
            defer {
                position = end + 1
                line += 1
            }
            if text.allSatisfy(Self.isSpace) {
                if format != .taggedLines { content.endSentence() }
                continue
            }
            if isPassedOver(text) { continue }
            do throws(BadLine) {
                if format == .taggedLines {
                    try readTagged(text, line, into: &content)
                } else {
                    try readColumns(text, line, &columnCount, into: &content)
                }
            } catch {
                if error.isUsage { throw Failure(.usage, source.name, error.problem) }
                guard options.skipBadRows else {
                    throw Failure(
                        .badData,
                        source.name,
                        "line \(line): \(error.problem)",
                        remedy: "Correct the line, or have bad rows skipped"
                    )
                }
                content.spoil(line: line)
            }
            if format == .taggedLines { content.endSentence() }
        }
        content.endSentence()
    }

    private struct BadLine: Error {
        let problem: String
        var isUsage = false
    }

    // MARK: Columns

    private func isPassedOver(_ text: ArraySlice<UInt8>) -> Bool {
        text.starts(with: Array("-DOCSTART-".utf8)) || (format == .conllU && text.first == 0x23)
    }

    private func readColumns(
        _ text: ArraySlice<UInt8>,
        _ line: Int,
        _ expected: inout Int?,
        into content: inout WordContent
    ) throws(BadLine) {
        let fields = hasTabs ? Self.tabbed(text) : Self.spaced(text)
        let count = expected ?? (format == .conllU ? 10 : fields.count)
        let (word, label) = try columns(count)
        guard fields.count == count else {
            throw BadLine(
                problem: "expected \(counted(count, "column"))"
                    + (format == .conllU ? "" : " as in the first line of words")
                    + ", found \(fields.count)"
            )
        }
        expected = count
        if format == .conllU, !fields[0].allSatisfy({ (0x30...0x39).contains($0) }) {
            let isOther = fields[0].contains { $0 == 0x2D || $0 == 0x2E }
            guard isOther else {
                throw BadLine(problem: "'\(Self.shown(fields[0]))' is no number of a word")
            }
            readRange(fields, form: fields[word], into: &content)
            return
        }
        if format == .conllU, Self.saysNoSpace(fields[9]) {
            content.wordsWithoutSpace.append(content.words.count)
        }
        try append(fields[word], label.map { fields[$0] }, line, into: &content)
    }

    /// The line of a range of words, `3-4`: how the next ones are written together.
    private func readRange(
        _ fields: [ArraySlice<UInt8>],
        form: ArraySlice<UInt8>,
        into content: inout WordContent
    ) {
        let ends = fields[0].split(separator: 0x2D).map { Int(String(decoding: $0, as: UTF8.self)) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first < last,
            last - first < 64, !form.isEmpty
        else { return }
        let start = content.words.count
        content.writtenForms.append(
            WordFile.WrittenForm(
                words: start..<start + last - first + 1,
                text: String(decoding: form, as: UTF8.self),
                isWithoutSpace: Self.saysNoSpace(fields[9])
            )
        )
    }

    /// Whether CoNLL-U's last column has `SpaceAfter=No` among its entries.
    private static func saysNoSpace(_ column: ArraySlice<UInt8>) -> Bool {
        column.split(separator: 0x7C).contains { $0.elementsEqual("SpaceAfter=No".utf8) }
    }

    private func append(
        _ word: ArraySlice<UInt8>,
        _ label: ArraySlice<UInt8>?,
        _ line: Int,
        into content: inout WordContent
    ) throws(BadLine) {
        guard !word.allSatisfy(Self.isSpace) else { throw BadLine(problem: "the word is empty") }
        if let label, label.allSatisfy(Self.isSpace) {
            throw BadLine(problem: "the label of '\(Self.shown(word))' is empty")
        }
        content.append(
            String(decoding: word, as: UTF8.self),
            label: label.map { String(decoding: $0, as: UTF8.self) },
            line: line
        )
    }

    /// The columns of the word and of the label.
    private func columns(_ count: Int) throws(BadLine) -> (word: Int, label: Int?) {
        func index(_ column: ColumnSelection.Column?) throws(BadLine) -> Int? {
            switch column {
            case nil: return nil
            case .name(let name):
                throw BadLine(
                    problem: "columns of words have no names: choose '\(printable(name))' by its "
                        + "number from 0",
                    isUsage: true
                )
            case .index(let index):
                guard index < count else {
                    throw BadLine(
                        problem:
                            "column \(index) is chosen, and there are \(count), counted from 0",
                        isUsage: true
                    )
                }
                return index
            }
        }
        let word = try index(options.columns.text) ?? (format == .conllU ? 1 : 0)
        if options.labels == .ignored { return (word, nil) }
        let usual = format == .conllU ? 3 : count - 1
        if let label = try index(options.columns.label) ?? (usual == word ? nil : usual) {
            return (word, label)
        }
        guard options.labels != .required else {
            throw BadLine(problem: "there is a word alone, and no label")
        }
        return (word, nil)
    }

    // MARK: Tagged lines

    private func readTagged(
        _ text: ArraySlice<UInt8>,
        _ line: Int,
        into content: inout WordContent
    ) throws(BadLine) {
        for token in Self.spaced(text) {
            guard let slash = token.lastIndex(of: 0x2F) else {
                throw BadLine(problem: "'\(Self.shown(token))' is no word/TAG")
            }
            let word = Self.unescaped(token[..<slash])
            let label = options.labels == .ignored ? nil : token[(slash + 1)...]
            try append(word[...], label, line, into: &content)
        }
    }

    /// `\/` as a slash.
    private static func unescaped(_ word: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in word {
            if byte == 0x2F, result.last == 0x5C { result.removeLast() }
            result.append(byte)
        }
        return result
    }
}

extension WordLineReader {
    /// Whether a file without an object in its first line looks like labelled words, and not like
    /// examples that are labelled whole.
    static func areLikely(_ source: SourceText) -> Bool {
        let ending = source.name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        if ["conll", "conllu", "iob", "iob2", "bio"].contains(ending) { return true }
        let lines = firstLines(source, count: 1_000)
        guard let first = lines.first(where: { !$0.isEmpty }) else { return false }
        if first.starts(with: Array("-DOCSTART-".utf8)) || isCoNLLU(lines, "") { return true }
        let hasTabs = lines.contains { $0.contains(0x09) }
        if !hasTabs, areTagged(lines.prefix(20), share: 1) { return true }
        let counts = Set(
            lines.filter { !$0.isEmpty }.map { (hasTabs ? tabbed($0) : spaced($0)).count }
        )
        return lines.contains { $0.isEmpty } && counts.count == 1 && counts.first ?? 0 > 1
    }

    /// Whether there are lines of ten columns, the first a word's number.
    private static func isCoNLLU(_ lines: [ArraySlice<UInt8>], _ name: String) -> Bool {
        if name.lowercased().hasSuffix(".conllu") { return true }
        guard let first = lines.first(where: { !$0.isEmpty && $0.first != 0x23 }) else {
            return false
        }
        let fields = tabbed(first)
        return fields.count == 10 && fields[0].first.map { (0x30...0x39).contains($0) } ?? false
    }

    /// Whether so many tokens are a word, a slash and a label.
    private static func areTagged(_ lines: ArraySlice<ArraySlice<UInt8>>, share: Double) -> Bool {
        let tokens = lines.flatMap { spaced($0) }
        let tagged = tokens.count { token in
            guard let slash = token.lastIndex(of: 0x2F) else { return false }
            return slash > token.startIndex && slash < token.endIndex - 1
        }
        return tagged > 0 && Double(tagged) >= share * Double(tokens.count)
    }

    private static func firstLines(_ source: SourceText, count: Int) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var position = source.start
        while position < source.end, lines.count < count {
            let end = source.bytes[position..<source.end].firstIndex(of: 0x0A) ?? source.end
            lines.append(trimmed(source.bytes[position..<end]))
            position = end + 1
        }
        return lines
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == 0x0D ? line.dropLast() : line
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func tabbed(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split(separator: 0x09, omittingEmptySubsequences: false)
    }

    private static func spaced(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split(whereSeparator: isSpace)
    }

    private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        printable(String(decoding: bytes, as: UTF8.self))
    }
}
