import Datasets
import Diagnostics
import Foundation
import Testing

/// Reads a task file from text.
func taskFile(
    _ text: String,
    name: String = "data.tsv",
    _ options: TaskFile.Options = TaskFile.Options()
) throws(Failure) -> TaskFile {
    try TaskFile(bytes: Array(text.utf8), name: name, options: options)
}

extension TaskFile {
    /// Every row as `text|pair|label`.
    var summary: [String] {
        (0..<count).map { row in
            [text(row), pair(row), label(row)].compactMap { $0 }.joined(separator: "|")
        }
    }
}

/// The failure that `body` throws.
func failure<Result>(of body: () throws(Failure) -> Result) -> Failure? {
    do throws(Failure) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

@Suite struct TaskFileTests {
    @Test(arguments: [
        ("sentence\tlabel\na b\t1\nc\t0\n", ["a b|1", "c|0"]),
        ("index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n", ["a|b|entailment"]),
        ("index\tquestion\tsentence\tlabel\n0\ta\tb\tnot_entailment\n", ["a|b|not_entailment"]),
        ("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\ta\tb\n", ["a|b|1"]),
        ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\t0\n", ["a|b|0"]),
        (
            "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
                + "0\tg\tf\ty\to\ts\ts\ta\tb\t3.200\n", ["a|b|3.200"]
        ),
        (
            "index\tpromptID\tpairID\tgenre\ts1_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
                + "0\tp\tq\tg\t(a)\ta\tb\tneutral\tcontradiction\n", ["a|b|contradiction"]
        ),
        ("premise\thypothesis\tlabel\na\tb\t2\n", ["a|b|2"]),
        ("label\ttext\n1\ta\n", ["a|1"]),
        ("Text\tText_Pair\tLABEL\na\tb\tx\n", ["a|b|x"]),
        (
            "gj04\t1\t\tA sentence.\ngj04\t0\t*\tOne another.\n",
            ["A sentence.|1", "One another.|0"]
        ),
    ])
    func `GLUE's shapes are known by their headers`(text: String, rows: [String]) throws {
        let file = try taskFile(text)
        #expect(file.summary == rows)
        #expect(file.skippedRows == 0 && file.emptyTexts == 0 && file.remarks.isEmpty)
    }

    @Test func `quotes backslashes and exotic line ends are ordinary characters`() throws {
        let odd = "\"She\\n said \u{2028}\u{85}\u{0B}\r \"\"x\" 'y"
        let file = try taskFile("sentence\tlabel\n\(odd)\t1\n\"\t0\n")
        #expect(file.count == 2)
        #expect(Array(file.text(0).utf8) == Array(odd.utf8))
        #expect(file.text(1) == "\"")
    }

    @Test(arguments: [
        "\u{FEFF}sentence\tlabel\na\t1\nb\t0\n",
        "sentence\tlabel\r\na\t1\r\nb\t0\r\n",
        "sentence\tlabel\na\t1\nb\t0",
        "sentence\tlabel\na\t1\nb\t0\n\n\r\n\n",
        "\u{FEFF}sentence\tlabel\r\na\t1\nb\t0\r\n\r\n",
    ])
    func `marks line ends and empty lines at the end do not matter`(text: String) throws {
        let file = try taskFile(text)
        #expect(file.summary == ["a|1", "b|0"])
        #expect(file.hasHeader)
        #expect(file.line(1) == 3)
        #expect(file.textColumn == "sentence" && file.labelColumn == "label")
    }

    @Test func `a byte order mark inside the file is text`() throws {
        let file = try taskFile("sentence\tlabel\n\u{FEFF}a\t1\n")
        #expect(file.text(0).unicodeScalars.first == "\u{FEFF}")
    }

    @Test func `columns are chosen by name or by index`() throws {
        let text = "id\tphrase\tother\tmood\n1\ta\tb\tgood\n"
        var options = TaskFile.Options()
        options.columns = ColumnSelection(
            text: .name("other"),
            textPair: .name("phrase"),
            label: .index(3)
        )
        #expect(try taskFile(text, options).summary == ["b|a|good"])
        options.columns = ColumnSelection(text: .index(1), label: .index(3), header: .present)
        let second = try taskFile(text, options)
        #expect(second.summary == ["a|good"] && second.textColumn == "phrase")
        options.columns.header = .absent
        let third = try taskFile(text, options)
        #expect(third.summary == ["phrase|mood", "a|good"] && third.textColumn == "column 1")
        #expect(ColumnSelection.Column("3") == .index(3))
        #expect(ColumnSelection.Column("-3") == .name("-3"))
        #expect(ColumnSelection.Column("label") == .name("label"))
    }

    @Test func `choosing the text alone leaves the usual pair out`() throws {
        let options = TaskFile.Options(columns: ColumnSelection(text: .name("sentence2")))
        let file = try taskFile("sentence1\tsentence2\tlabel\na\tb\t1\n", options)
        #expect(file.summary == ["b|1"] && !file.hasPairs)
    }

    @Test func `plain lines and pairs need no header when labels are ignored`() throws {
        let ignored = TaskFile.Options(labels: .ignored)
        let lines = try taskFile("one\n\nthree\n", ignored)
        #expect(lines.summary == ["one", "", "three"])
        #expect(lines.emptyTexts == 1 && lines.remarks == ["1 rows with an empty text"])
        #expect(try taskFile("a\tb\nc\td", ignored).summary == ["a|b", "c|d"])
        #expect(try taskFile("index\tsentence\n0\ta\n", ignored).summary == ["a"])
        #expect(try taskFile("sentence\tlabel\na\t1\n", ignored).labelColumn == nil)
        let optional = TaskFile.Options(labels: .ifPresent)
        #expect(try taskFile("one\ntwo", optional).summary == ["one", "two"])
        #expect(try taskFile("sentence\tlabel\na\t1\n", optional).summary == ["a|1"])
    }

    @Test func `lines are counted on for text read in portions`() throws {
        let options = TaskFile.Options(labels: .ignored, firstLine: 501)
        #expect(try taskFile("a\nb", options).line(1) == 502)
        let problem = failure { () throws(Failure) in try taskFile("a\nb\tc", options) }
        #expect(problem?.reason.contains("line 502") == true)
    }

    @Test func `texts are handed out as their bytes`() throws {
        let file = try taskFile("sentence1\tsentence2\tlabel\né\tb\t1\n")
        let (text, pair) = file.withTexts(0) { (Array($0), $1.map { Array($0) }) }
        #expect(text == [0xC3, 0xA9] && pair == [0x62])
    }

    @Test func `a file is read from disk and named as the user spelled it`() throws {
        let folder = FileManager.default.temporaryDirectory
        let url = folder.appending(path: "taskfile-\(UUID().uuidString).tsv")
        try Data("sentence\tlabel\na\t1\n".utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        #expect(try TaskFile(contentsOf: url).summary == ["a|1"])
        let missing = failure { () throws(Failure) in
            try TaskFile(contentsOf: URL(filePath: "no/such/train.tsv"))
        }
        #expect(missing?.kind == .missingInput)
        #expect(missing?.description == "no/such/train.tsv: there is no such file.")
        let isFolder = failure { () throws(Failure) in try TaskFile(contentsOf: folder) }
        #expect(isFolder?.kind == .missingInput)
        #expect(isFolder?.reason == "expected a file, found a folder")
    }
}
