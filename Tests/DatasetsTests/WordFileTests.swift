import Datasets
import Diagnostics
import TestSupport
import Testing
import Tokenization

@Suite("Files of labelled words")
struct WordFileTests {
    private func read(
        _ text: String,
        _ name: String = "words.txt",
        _ options: TaskFile.Options = .init()
    ) throws(Failure) -> WordFile {
        try WordFile(bytes: Array(text.utf8), name: name, options: options)
    }

    /// Every sentence as `word|label` between spaces.
    private func summary(_ file: WordFile) -> [String] {
        (0..<file.count).map { sentence in
            (file.offsets[sentence]..<file.offsets[sentence + 1]).map { word in
                file.hasLabels
                    ? "\(file.words[word])|\(file.labelNames[file.labels[word]])"
                    : file.words[word]
            }.joined(separator: " ")
        }
    }

    private static let columns = TaskFile.Options(
        columns: ColumnSelection(text: .index(1), label: .index(0))
    )

    @Test func `columns between tabs or spaces`() throws {
        let tabs = try read("\u{FEFF}EU\tx\tB-ORG\r\nNew York\ty\tO\r\n\r\n \n#\tz\tO")
        #expect(tabs.format == .columns)
        #expect(summary(tabs) == ["EU|B-ORG New York|O", "#|O"])
        #expect(tabs.labelNames == ["B-ORG", "O"] && tabs.lines == [1, 2, 5] && tabs.line(1) == 5)
        let spaces = try read("-DOCSTART- -X- O O\n\nEU NNP  B-ORG\nsays VBZ O\n\nno DT O\n")
        #expect(summary(spaces) == ["EU|B-ORG says|O", "no|O"])
        let chosen = try read("O NNP EU\n\nO VBZ says\n", "w.txt", Self.columns)
        #expect(summary(chosen) == ["NNP|O", "VBZ|O"])
    }

    @Test func `CoNLL-U passes over comments, ranges and empty nodes`() throws {
        let rest = "\t_\t_\t_\t_\t_\t_"
        let text = """
            # sent_id = 1
            1-2\tdon't\t_\t_\(rest)
            1\tdo\tdo\tAUX\(rest)
            2\tn't\tnot\tPART\(rest)
            2.1\tgo\tgo\tVERB\(rest)
            3\t#\t#\tSYM\(rest)

            # sent_id = 2
            1\tyes\tyes\tINTJ\(rest)
            """
        let file = try read(text)
        #expect(file.format == .conllU)
        #expect(summary(file) == ["do|AUX n't|PART #|SYM", "yes|INTJ"])
        let options = TaskFile.Options(columns: ColumnSelection(label: .index(2)))
        #expect(summary(try read(text, "a.conllu", options)) == ["do|do n't|not #|#", "yes|yes"])
    }

    @Test func `tagged lines take the last slash`() throws {
        let file = try read("The/DET 1\\/2/NUM and/or/CCONJ\n\nok/INTJ\n")
        #expect(file.format == .taggedLines)
        #expect(summary(file) == ["The|DET 1/2|NUM and/or|CCONJ", "ok|INTJ"])
        #expect(file.lines == [1, 1, 1, 3])
    }

    @Test func `JSON lines have names or numbers of classes`() throws {
        let text = """
            {"id": "0", "tokens": ["EU", "s\\u00e9"], "pos_tags": [1, 2], "ner_tags": [3, 0]}
            {"ner_tags": [], "tokens": []}
            {"tokens": ["a"], "ner_tags": [10]}
            """
        let file = try read(text, "a.jsonl")
        #expect(file.format == .jsonLines)
        #expect(summary(file) == ["EU|3 sé|0", "a|10"])
        #expect(file.lines == [1, 1, 3])
        #expect(try file.labelSet() == ["0", "3", "10"])
        let named = try read("{\"words\":[\"a\",\"b\"],\"labels\":[\"x\",\"O\"]}")
        #expect(summary(named) == ["a|x b|O"])
        let options = TaskFile.Options(
            columns: ColumnSelection(text: .name("w"), label: .name("l"))
        )
        #expect(summary(try read("{\"w\":[\"a\"],\"l\":[\"x\"]}", "a", options)) == ["a|x"])
    }

    @Test func `words alone are read where no labels are needed`() throws {
        let options = TaskFile.Options(labels: .ifPresent)
        #expect(summary(try read("a\nb\n\nc\n", "w.conll", options)) == ["a b", "c"])
        #expect(summary(try read("{\"tokens\":[\"a\"]}", "w", options)) == ["a"])
        let ignored = TaskFile.Options(labels: .ignored)
        #expect(summary(try read("a\tX\n\nb\tY\n", "w", ignored)) == ["a", "b"])
    }

    struct Bad: CustomTestStringConvertible, Sendable {
        var text: String
        var says: String
        var kind = Failure.Kind.badData
        var options = TaskFile.Options()
        var testDescription: String { says }
    }

    private static let tenth = String(repeating: "\t_", count: 6)

    @Test(arguments: [
        Bad(text: "a\tX\n\nb\n", says: "line 3: expected 2 columns as in the first line of words"),
        Bad(text: "a\tX\nb\t\n", says: "line 2: the label of 'b' is empty"),
        Bad(text: "a\tX\n\tY\n", says: "line 2: the word is empty"),
        Bad(text: "a\nb\n\nc\n", says: "line 1: there is a word alone, and no label"),
        Bad(
            text: String(repeating: "a/X b/Y\n", count: 9) + "c/Z /W\n",
            says: "line 10: the word is empty"
        ),
        Bad(
            text: "a/X b/Y\n",
            says: "a column is chosen, and its lines are words with slashes",
            kind: .usage,
            options: .init(columns: ColumnSelection(label: .index(1)))
        ),
        Bad(
            text: String(repeating: "a/X b/Y\n", count: 20) + "c\n",
            says: "line 21: 'c' is no word/TAG"
        ),
        Bad(
            text: "1\ta\ta\tX\(tenth)\nx\ta\ta\tX\(tenth)\n",
            says: "line 2: 'x' is no number of a word"
        ),
        Bad(text: "{\"tokens\":[\"a\"],\"tags\":[]}", says: "1 word, and 0 labels"),
        Bad(text: "{\"tokens\":[\"a\"]}", says: "there is no array of labels"),
        Bad(text: "{\"text\":\"a\"}", says: "there is no array of words"),
        Bad(text: "{\"tokens\":[\"a\",\"\"],\"tags\":[1,2]}", says: "'tokens' has an empty text"),
        Bad(text: "{\"tokens\":[\"a\",2],\"tags\":[1,2]}", says: "a number among its texts"),
        Bad(text: "{\"tokens\":[\"a\"],\"tags\":[null]}", says: "'tags' has null among its texts"),
        Bad(
            text: "{\"tokens\":[\"a\"],\"tags\":[1]}\n{\"tokens\":\"a\",\"tags\":[1]}",
            says: "line 2, byte 11: the field 'tokens' holds no array"
        ),
        Bad(
            text: "a\tX\n",
            says: "column 2 is chosen",
            kind: .usage,
            options: .init(
                columns: ColumnSelection(label: .index(2))
            )
        ),
        Bad(
            text: "a\tX\n",
            says: "columns of words have no names",
            kind: .usage,
            options: .init(
                columns: ColumnSelection(label: .name("tag"))
            )
        ),
        Bad(
            text: "a\tX\n",
            says: "there is no header",
            kind: .usage,
            options: .init(
                columns: ColumnSelection(header: .present)
            )
        ),
        Bad(text: "-DOCSTART- -X- O\n\n", says: "the file has no words"),
        Bad(
            text: String(repeating: "a\tX\n", count: 513),
            says: "no empty line ends a sentence: all 513 words would be one"
        ),
    ])
    func `a bad line is named`(_ bad: Bad) {
        do {
            _ = try read(bad.text, "words.txt", bad.options)
            Issue.record("read: \(bad.says)")
        } catch {
            #expect(error.description.contains(bad.says), "\(error)")
            #expect(error.kind == bad.kind)
        }
    }

    @Test func `sentences with a bad line are left out and counted`() throws {
        let options = TaskFile.Options(skipBadRows: true)
        let file = try read("a\tX\nb\nc\td\te\n\nd\tY\n\ne\tZ\nf\n", "w", options)
        #expect(summary(file) == ["d|Y"] && file.skippedSentences == 2)
        #expect(file.remarks == ["2 sentences with a bad line skipped, the first on line 2"])
        let failure = #expect(throws: Failure.self) { try read("a\tX\nb\n", "w", options) }
        #expect(failure?.description.contains("no sentence is left") == true)
    }

    @Test(arguments: [
        ("a X\nb Y\n\nc Z\n", "w.txt", true), ("a\tX\n", "w.conll", true),
        ("a/X b/Y\n", "w.txt", true), ("{\"tokens\": [\"a\"]}", "w.jsonl", true),
        ("{\"text\": \"a\", \"label\": 1}", "w.jsonl", false),
        ("{\"tokens\": \"a b\", \"label\": 1}", "w.jsonl", false),
        ("sentence\tlabel\na b\t1\n", "w.tsv", false), ("a b\nc d e\n\nf g\n", "w.txt", false),
        ("a X\nb Y\n", "w.txt", false), ("a\nb\n\nc\n", "w.txt", false),
        ("and/or is/was one\n", "w.txt", false),
    ])
    func `what a file holds is seen`(_ text: String, _ name: String, _ areWords: Bool) throws {
        var options = TaskFile.Options(labels: .ifPresent, skipBadRows: true)
        options.columns.header = .absent
        options.columns.text =
            name.hasSuffix("jsonl") && text.contains("b\"") ? .name("tokens") : nil
        if !areWords, !name.hasSuffix("jsonl") { options.columns.text = .index(0) }
        let file = try LabelledFile(
            bytes: Array(text.utf8),
            name: name,
            kind: nil,
            options: options
        )
        #expect(file.kind == (areWords ? .words : .texts))
    }

    // MARK: Encoded

    private static func tokenizer() throws -> WordPieceTokenizer {
        WordPieceTokenizer(
            vocabulary: try Vocabulary(pieces: [
                "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##a", "##b",
            ]),
            configuration: TokenizerConfiguration(lowercase: true, modelMaximumLength: 64)
        )
    }

    @Test func `labels go to first pieces, and words behind the end are counted`() throws {
        let file = try read("ab\tX\n\u{200B}\tX\nc\tY\n\na\tY\nba\tX\nbab\tX\nc\tX\n")
        let data = try EncodedDataset(
            file,
            labels: ["Y", "X"],
            tokenizer: Self.tokenizer(),
            maximumLength: 6
        )
        // [CLS] a ##b c [SEP], [CLS] a b ##a b [SEP]
        #expect(data.ids == [2, 5, 9, 7, 3, 2, 5, 6, 8, 6, 3])
        let words = try #require(data.words)
        #expect(words.rows == [1, 3, 6, 7, 9] && words.offsets == [0, 2, 5])
        #expect(words.numbers == [0, 2, 0, 1, 2])
        #expect(words.cutWords == 1 && words.emptyWords == 1 && data.truncatedExamples == 1)
        #expect(data.targets == [1, 0, 0, 1, 1] && data.labelMatching == .byName)
        #expect(data.answerCount == 5 && data.answers([1, 0]) == [2, 3, 4, 0, 1])
        #expect((0..<5).map { data.example(of: $0) } == [0, 0, 1, 1, 1])
        let batch = data.batch([1, 0])
        #expect(batch.answered == [1, 2, 4, 7, 9] && batch.offsets == [0, 6, 11])
        #expect(data.targets([1]) == [0, 1, 1])
    }

    @Test func `labels are names or numbers of classes, and never both`() throws {
        let numbers = try read("a\t1\n\nb\t0\n")
        let (values, matching) = try numbers.targets(among: ["O", "X"])
        #expect(values == [1, 0] && matching == .byIndex)
        #expect(try numbers.targets(among: ["1", "0"]).matching == .byName)
        for (text, line) in [("a\tO\n\nb\t1\n", 3), ("a\t0\nb\t2\n", 2)] {
            let failure = #expect(throws: Failure.self) {
                try read(text).targets(among: ["O", "X"])
            }
            #expect(failure?.description.contains("line \(line): unknown label") == true)
        }
        let lone = #expect(throws: Failure.self) { try read("a\tX\n").labelSet() }
        #expect(lone?.description.contains("every word has the label 'X'") == true)
    }
}
