import Datasets
import Diagnostics
import Testing

@Suite struct JSONLinesTests {
    @Test func `fields are found by the usual names`() throws {
        let text = """
            {"idx": 7, "sentence1": "a", "sentence2": "b", "label": "x"}
            {"label": 1, "sentence2": "d", "more": {"k": [1, {"z": "]}"}]}, "sentence1": "c"}

            """
        let file = try taskFile(text, name: "a.jsonl")
        #expect(file.format == .jsonLines && !file.hasHeader)
        #expect(file.summary == ["a|b|x", "c|d|1"])
        #expect(file.textColumn == "sentence1" && file.pairColumn == "sentence2")
    }

    @Test func `the format is seen without a name's ending`() throws {
        let file = try taskFile("{\"text\": \"a\", \"label\": 0} \r\n", name: "standard input")
        #expect(file.format == .jsonLines && file.summary == ["a|0"])
        let lines = try taskFile("{not json\n", name: "-", TaskFile.Options(labels: .ignored))
        #expect(lines.format == .tabSeparated && lines.summary == ["{not json"])
    }

    @Test(arguments: [
        ("1", "1"), ("-2.50", "-2.50"), ("1.0", "1"), ("2e1", "20"), ("\"yes\"", "yes"), ("0", "0"),
    ])
    func `a label may be text or a number`(written: String, read: String) throws {
        let file = try taskFile("{\"text\": \"a\", \"label\": \(written)}", name: "a.json")
        #expect(file.label(0) == read)
    }

    @Test func `escapes are undone`() throws {
        let line = #"{"text": "q\" s\\ \/ \b\f\n\r\t \u00e9 \uD83D\uDE00 é", "label": 1}"#
        let file = try taskFile(line, name: "a.jsonl")
        #expect(file.text(0) == "q\" s\\ / \u{8}\u{C}\n\r\t \u{E9} \u{1F600} é")
        let name = try taskFile(#"{"t\u0065xt": "a", "label": 1}"#, name: "a.jsonl")
        #expect(name.text(0) == "a")
    }

    @Test func `fields are chosen by name and never by index`() throws {
        var options = TaskFile.Options()
        options.columns = ColumnSelection(text: .name("review"), label: .name("stars"))
        let text = "{\"stars\": 4, \"review\": \"a\"}\n"
        #expect(try taskFile(text, name: "a.jsonl", options).summary == ["a|4"])
        options.columns.label = .index(0)
        let problem = failure { () throws(Failure) in
            try taskFile(text, name: "a.jsonl", options)
        }
        #expect(problem?.kind == .usage)
        #expect(problem?.reason.contains("fields of JSON lines have no order") == true)
    }

    @Test(arguments: [
        ("{\"text\": \"b\"}", "the field 'label' is missing"),
        ("{\"label\": 1}", "the field 'text' is missing"),
        ("{\"text\": 3, \"label\": 1}", "the field 'text' holds a number, not text"),
        (
            "{\"text\": \"b\", \"label\": null}",
            "the field 'label' holds null, not text or a number"
        ),
        ("{\"text\": [\"b\"], \"label\": 1}", "the field 'text' holds an array, not text"),
        ("{\"text\": \"b\", \"label\": 1, \"label\": 2}", "the field 'label' is there twice"),
        ("{\"text\": \"b\", \"label\": 1} x", "something follows the object"),
        ("{\"text\": \"b\", \"label\": 1,}", "'\"' is missing"),
        ("{\"text\": \"b\" \"label\": 1}", "'}' is missing"),
        ("{\"text\": \"b\", \"label\" 1}", "':' is missing"),
        ("{\"text\": \"b\", \"label\": 01}", "'}' is missing"),
        ("{\"text\": \"b\", \"label\": 1.}", "a digit is missing"),
        ("{\"text\": \"b\", \"label\": -}", "a digit is missing"),
        ("{\"text\": \"b\", \"label\": NaN}", "a value is missing"),
        ("{\"text\": \"b\", \"label\": tru}", "an unknown word"),
        ("{\"text\": \"b", "a string is not closed"),
        ("{\"text\": \"b\tc\", \"label\": 1}", "a control character inside a string"),
        (#"{"text": "\x", "label": 1}"#, "an unknown escape"),
        (#"{"text": "\u12G4", "label": 1}"#, "too few hexadecimal digits"),
        (#"{"text": "\ud800", "label": 1}"#, "half a surrogate pair"),
        (#"{"text": "\udc00", "label": 1}"#, "half a surrogate pair"),
        (#"{"text": "\ud800\u0041", "label": 1}"#, "half a surrogate pair"),
        (#"{"text": "\u0000", "label": 1}"#, "a NUL character"),
        ("{\"text\": \"b\", \"label\": 1, \"x\": [1}", "a closing bracket of the wrong kind"),
        ("{\"text\": \"b\", \"label\": 1, \"x\": [[", "the line ends inside"),
        ("[1, 2]", "expected an object"), ("", "expected an object"),
        ("\"a\"", "expected an object"),
    ])
    func `a bad line is named or skipped`(line: String, says: String) throws {
        let good = "{\"text\": \"a\", \"label\": 1}"
        let text = "\(good)\n\(line)\n\(good)\n"
        let problem = failure { () throws(Failure) in try taskFile(text, name: "a.jsonl") }
        #expect(problem?.kind == .badData)
        #expect(problem?.reason.hasPrefix("line 2, byte ") == true)
        #expect(problem?.reason.contains(says) == true, "\(problem?.description ?? "")")
        let skipping = try taskFile(text, name: "a.jsonl", TaskFile.Options(skipBadRows: true))
        #expect(skipping.summary == ["a|1", "a|1"])
        #expect(skipping.skippedRows == 1 && skipping.firstSkippedLine == 2)
    }

    @Test func `deep nesting and an array of objects are no trap`() throws {
        let deep = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
        let file = try taskFile("{\"x\": \(deep), \"text\": \"a\", \"label\": 1}", name: "a.jsonl")
        #expect(file.summary == ["a|1"])
        let array = failure { () throws(Failure) in
            try taskFile("[{\"text\": \"a\"}]", name: "a.json")
        }
        #expect(array?.reason == "expected JSON lines, found a JSON array")
        let nameless = failure { () throws(Failure) in try taskFile("{\"x\": 1}", name: "a.json") }
        #expect(nameless?.reason.contains("cannot tell which column is the text") == true)
    }
}
