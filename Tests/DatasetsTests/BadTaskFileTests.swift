import Datasets
import Diagnostics
import Testing

/// Files that must be refused, each with one sentence that says where and what.
@Suite struct BadTaskFileTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var bytes: [UInt8]
        var kind: Failure.Kind = .badData
        var says: String
        var options = TaskFile.Options()
        var testDescription: String { says }

        init(
            _ text: String,
            _ says: String,
            kind: Failure.Kind = .badData,
            options: TaskFile.Options = TaskFile.Options()
        ) {
            self.init(Array(text.utf8), says, kind: kind, options: options)
        }

        init(
            _ bytes: [UInt8],
            _ says: String,
            kind: Failure.Kind = .badData,
            options: TaskFile.Options = TaskFile.Options()
        ) {
            self.bytes = bytes
            self.says = says
            self.kind = kind
            self.options = options
        }
    }

    static let ignored = TaskFile.Options(labels: .ignored)

    static func columns(_ selection: ColumnSelection) -> TaskFile.Options {
        TaskFile.Options(columns: selection)
    }

    static let cases: [Case] = [
        Case("", "the file is empty"),
        Case("\n\r\n\n", "only empty lines"),
        Case("\u{FEFF}", "only empty lines"),
        Case("sentence\tlabel\n", "a header but no rows"),
        Case("sentence\tlabel\na\t1\nb\n", "line 3: expected 2 columns as in the header, found 1"),
        Case("sentence\tlabel\na\t1\t\n", "line 2: expected 2 columns as in the header, found 3"),
        Case("sentence\tlabel\na\t1\n\nb\t0\n", "line 3: expected 2 columns"),
        Case(
            "a\nb\tc\n",
            "line 2: expected 1 column as in the first row, found 2",
            options: ignored
        ),
        Case(
            "sentence\tlabel\na\t1\n",
            "no column 'txt' for the text; the first line has 'sentence', "
                + "'label'",
            kind: .usage,
            options: columns(ColumnSelection(text: .name("txt")))
        ),
        Case(
            "sentence\tlabel\na\t1\n",
            "label column 2 is not there: the first line has 2 columns",
            kind: .usage,
            options: columns(ColumnSelection(label: .index(2)))
        ),
        Case(
            "sentence\tlabel\na\t1\n",
            "the file is said to have no header",
            kind: .usage,
            options: columns(ColumnSelection(text: .name("sentence"), header: .absent))
        ),
        Case(
            "x\tx\tlabel\na\tb\t1\n",
            "2 columns are called 'x'",
            kind: .usage,
            options: columns(ColumnSelection(text: .name("x")))
        ),
        Case(
            "sentence\tlabel\na\t1\n",
            "one column is chosen for two purposes",
            kind: .usage,
            options: columns(ColumnSelection(text: .name("label")))
        ),
        Case("sentence\tmood\na\t1\n", "cannot tell which column is the label"),
        Case("phrase\tmood\na\t1\n", "cannot tell which column is the text"),
        Case("text,label\na,1\n", "cannot tell which column is the text"),
        Case([0x61, 0x09, 0xFF, 0x0A], "line 1, byte 3: invalid UTF-8 (0xFF)"),
        Case(
            Array("sentence\tlabel\nab".utf8) + [0xC3, 0x09, 0x31],
            "line 2, byte 3: invalid UTF-8 (0xC3)"
        ),
        // Overlong, a surrogate, and a sequence cut at the end.
        Case([0x61, 0x0A, 0xC0, 0xAF], "line 2, byte 1: invalid UTF-8 (0xC0)"),
        Case([0xED, 0xA0, 0x80], "line 1, byte 1: invalid UTF-8 (0xED)"),
        Case([0x61, 0xE2, 0x82], "line 1, byte 2: invalid UTF-8 (0xE2)"),
        Case("sentence\tlabel\na\u{0}b\t1\n", "line 2, byte 2: a NUL byte"),
        Case([0x1F, 0x8B, 0x08, 0x00], "found a gzip file"),
        Case([0x28, 0xB5, 0x2F, 0xFD], "found a zstd file"),
        Case("PK\u{3}\u{4}", "found a zip file"),
        Case("BZh9", "found a bzip2 file"),
        Case([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "found an xz file"),
        Case([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A], "found an HDF5 file"),
        Case("PAR1", "found a Parquet file"),
        Case("version https://git-lfs.github.com/spec/v1\noid x\n", "found a Git LFS pointer"),
        Case([0xFF, 0xFE, 0x61, 0x00, 0x0A, 0x00], "found UTF-16"),
        Case([0xFE, 0xFF, 0x00, 0x61], "found UTF-16"),
        Case([0x61, 0x00, 0x62, 0x00, 0x0A, 0x00], "found UTF-16"),
        Case([0x00, 0x61, 0x00, 0x62], "found UTF-16"),
        Case("sentence\tlabel\ra\t1\rb\t0\r", "lines end with a carriage return only"),
    ]

    @Test(arguments: cases)
    func `is refused`(_ example: Case) {
        let problem = failure { () throws(Failure) in
            try TaskFile(bytes: example.bytes, name: "train.tsv", options: example.options)
        }
        #expect(problem?.kind == example.kind)
        #expect(problem?.subject == "train.tsv")
        #expect(
            problem?.description.contains(example.says) == true,
            "\(problem?.description ?? "")"
        )
        #expect(problem?.description.contains("\n") == false)
    }

    @Test func `commas in place of tabs are said`() {
        let problem = failure { () throws(Failure) in try taskFile("text,label\na,1\n") }
        #expect(problem?.remedy == "Columns must be separated by tabs, not commas")
    }

    @Test func `bad rows are skipped and counted when asked`() throws {
        let options = TaskFile.Options(skipBadRows: true)
        let file = try taskFile("sentence\tlabel\na\t1\nb\n\nc\t0\td\ne\t0\n", options)
        #expect(file.summary == ["a|1", "e|0"])
        #expect(file.skippedRows == 3 && file.firstSkippedLine == 3)
        #expect(file.line(1) == 6)
        #expect(file.remarks == ["3 bad rows skipped, the first on line 3"])
        let none = failure { () throws(Failure) in try taskFile("sentence\tlabel\na\n", options) }
        #expect(none?.reason == "no row is left: all 1 are bad, the first on line 2")
    }

    @Test func `invalid UTF-8 is replaced and counted when asked`() throws {
        let options = TaskFile.Options(replaceInvalidText: true)
        // A lone 0xFF, and a sequence cut short by a line end, which must stay a line end.
        let bytes =
            Array("sentence\tlabel\na".utf8) + [0xFF] + Array("b\t1\nc\t".utf8)
            + [0xE2, 0x82, 0x0A] + Array("d\t0".utf8)
        let file = try TaskFile(bytes: bytes, name: "x", options: options)
        #expect(file.summary == ["a\u{FFFD}b|1", "c|\u{FFFD}", "d|0"])
        #expect(file.replacedSequences == 2)
        #expect(file.remarks == ["2 invalid UTF-8 sequences replaced by U+FFFD"])
    }

    @Test func `any bytes are refused or read and never trap`() {
        let pieces: [[UInt8]] = [
            Array("sentence\tlabel\n".utf8), Array("{\"text\": \"a\", \"label\": 1}\n".utf8),
            [0x09], [0x0A], [0x0D], [0x22], [0x5C], [0x7B], [0x7D], [0x5B], [0x3A], [0x2C], [0xEF],
            [0xC3, 0xA9], Array("\\ud83d".utf8), Array("1e999".utf8), Array("-".utf8), [0x00],
            Array("label".utf8), Array("text".utf8),
        ]
        var state: UInt64 = 88_172_645_463_325_252
        var read = 0
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<12 {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                bytes += pieces[Int(state % UInt64(pieces.count))]
            }
            let options = TaskFile.Options(
                format: state & 1 << 40 == 0 ? .jsonLines : nil,
                labels: state & 1 << 41 == 0 ? .ignored : .ifPresent,
                skipBadRows: state & 1 << 42 == 0,
                replaceInvalidText: state & 1 << 43 == 0
            )
            if let file = try? TaskFile(bytes: bytes, name: "x", options: options) {
                read += file.summary.count > 0 ? 1 : 0
            }
        }
        #expect(read > 1_000 && read < 19_000)
    }
}
