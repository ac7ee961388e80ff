import Datasets
import Diagnostics
import Testing
import Tokenization

/// Rows that nobody labelled, among others that somebody did.
@Suite("Rows without labels")
struct PartialLabelTests {
    private func file(
        _ text: String,
        _ name: String = "train.tsv",
        labels: TaskFile.LabelUse = .partial
    ) throws(Failure) -> TaskFile {
        try TaskFile(bytes: Array(text.utf8), name: name, options: .init(labels: labels))
    }

    @Test(arguments: [
        ("train.tsv", "sentence\tlabel\na\t1\nb\t\nc\t0\nd\t\n"),
        (
            "train.jsonl",
            """
            {"sentence": "a", "label": 1}
            {"sentence": "b", "label": null}
            {"sentence": "c", "label": "0"}
            {"sentence": "d"}

            """
        ),
    ])
    func `have no target`(name: String, text: String) throws {
        let file = try file(text, name)
        #expect((0..<4).map { file.isLabelled($0) } == [true, false, true, false])
        #expect(file.unlabelledCount == 2 && file.hasLabels)
        for kind in [TaskKind.classification(labels: ["0", "1"]), .regression] {
            let values = try file.targets(for: kind).values
            #expect(values[0] == 1 && values[1].isNaN && values[2] == 0 && values[3].isNaN)
        }
        #expect(try file.targets(for: .classification(labels: ["no", "yes"])).matching == .byIndex)
        #expect(try file.inferredKind() == .classification(labels: ["0", "1"]))
        let vocabulary = try Vocabulary(pieces: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"])
        let encoded = try EncodedDataset(
            file,
            kind: .regression,
            tokenizer: WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: TokenizerConfiguration(lowercase: true)
            ),
            maximumLength: 8,
            workers: 1
        )
        #expect(encoded.unlabelledCount == 2 && encoded.isLabelled)
    }

    @Test func `a file may have no labels at all`() throws {
        let alone = try file("sentence\nb\nc\n")
        #expect(!alone.hasLabels && alone.unlabelledCount == 2)
        let empty = try file("sentence\tlabel\nb\t\nc\t\n")
        #expect(empty.unlabelledCount == 2)
        #expect(try empty.targets(for: .regression).values.allSatisfy(\.isNaN))
        #expect(
            try empty.targets(for: .classification(labels: ["x"])).values.allSatisfy(\.isNaN)
        )
    }

    @Test func `a wrong label is still refused`() throws {
        let file = try file("sentence\tlabel\na\t1\nb\t\nc\tno\n")
        #expect(throws: Failure.self) {
            try file.targets(for: .classification(labels: ["0", "1"]))
        }
        #expect(throws: Failure.self) { try file.targets(for: .regression) }
    }

    @Test func `are refused where every row needs a label`() throws {
        let text = "sentence\tlabel\na\t1\nb\t\nc\t0\n"
        let whole = try file(text, labels: .required)
        #expect {
            try whole.labelSet()
        } throws: { error in
            "\(error)".hasPrefix("train.tsv: line 3: the label is empty")
        }
        #expect(throws: Failure.self) { try whole.targets(for: .regression) }
        #expect(throws: Failure.self) {
            try file("{\"text\": \"a\", \"label\": null}\n", "a.jsonl", labels: .required)
        }
    }

    @Test func `CoNLL-U's spaces and written forms are kept`() throws {
        func line(_ id: String, _ form: String, _ misc: String = "_") -> String {
            "\(id)\t\(form)\t_\tX\t_\t_\t_\t_\t_\t\(misc)"
        }
        let text = [
            line("1", "a", "SpaceAfter=No"), line("2-3", "bc", "X=1|SpaceAfter=No"),
            line("2", "b"), line("3", "c"), "", "bad\t", "", line("1-9", "d"),
            line("1", "e", "SpaceAfter=No"), "", line("1", "f", "SpaceAfter=Nope"),
        ].joined(separator: "\n")
        let file = try WordFile(
            bytes: Array(text.utf8),
            name: "a.conllu",
            options: .init(skipBadRows: true)
        )
        #expect(file.words == ["a", "b", "c", "e", "f"])
        #expect(file.wordsWithoutSpace == [0, 3])
        #expect(
            file.writtenForms == [
                WordFile.WrittenForm(words: 1..<3, text: "bc", isWithoutSpace: true)
            ]
        )
    }
}
