import Datasets
import Diagnostics
import Testing

@Suite struct LabelTests {
    private func file(_ labels: [String], _ columns: ColumnSelection = .init()) throws -> TaskFile {
        let rows = labels.map { "t\t\($0)\n" }.joined()
        return try taskFile("sentence\tlabel\n" + rows, TaskFile.Options(columns: columns))
    }

    private func targets(_ labels: [String], _ classes: [String]) throws -> [Float] {
        try file(labels).targets(for: .classification(labels: classes)).values
    }

    @Test func `labels are matched by name, whatever their order`() throws {
        let result = try file(["neutral", "entailment", "neutral", "contradiction"]).targets(
            for: .classification(labels: ["contradiction", "entailment", "neutral"])
        )
        #expect(result.values == [2, 1, 2, 0])
        #expect(result.matching == .byName)
        #expect(try targets(["0", "1"], ["1", "0"]) == [1, 0])
    }

    @Test func `whole numbers are class indexes when no class has such a name`() throws {
        let result = try file(["1", "0", "2"]).targets(
            for: .classification(labels: ["bad", "good", "so-so"])
        )
        #expect(result.values == [1, 0, 2])
        #expect(result.matching == .byIndex)
    }

    @Test(arguments: [
        (["good", "bda", "good"], "line 3: unknown label 'bda'; the classes are 'bad', 'good'"),
        (["0", "1", "2"], "line 4: unknown label '2'"),
        (["0", "-1"], "line 3: unknown label '-1'"),
        (["0", "01"], "line 3: unknown label '01'"),
        (["0", "1.0"], "line 3: unknown label '1.0'"),
        (["good", "1"], "line 3: unknown label '1'"),
        (["good", ""], "line 3: unknown label ''"),
        (["good", "good "], "line 3: unknown label 'good '"),
        (["Good"], "line 2: unknown label 'Good'"),
    ])
    func `an unknown label is refused with the known ones`(labels: [String], says: String) throws {
        let data = try file(labels)
        let problem = failure { () throws(Failure) in
            try data.targets(for: .classification(labels: ["bad", "good"]))
        }
        #expect(problem?.kind == .badData)
        #expect(problem?.reason.hasPrefix(says) == true, "\(problem?.description ?? "")")
    }

    @Test func `canonically equivalent labels are different labels`() throws {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(try targets([decomposed, composed], [composed, decomposed]) == [1, 0])
        #expect(try file([composed, decomposed]).labelSet().count == 2)
    }

    @Test func `the label set is sorted by number or by bytes`() throws {
        #expect(try file(["10", "9", "2", "9"]).labelSet() == ["2", "9", "10"])
        #expect(try file(["b", "a", "B", "b"]).labelSet() == ["B", "a", "b"])
        #expect(try file(["1", "01"]).labelSet() == ["01", "1"])
        let data = try file(["1", "1"])
        let problem = failure { () throws(Failure) in try data.labelSet() }
        #expect(problem?.reason.contains("every row has the label '1'") == true)
    }

    @Test func `scores are finite decimal numbers`() throws {
        #expect(
            try file(["3.25", "-1", "5e-1", "+2"]).targets(for: .regression).values
                == [3.25, -1, 0.5, 2]
        )
        for bad in ["x", "nan", "inf", "0x10", "1,5", "", " 1", "1e999", "1e39"] {
            let data = try file(["1.0", bad])
            let problem = failure { () throws(Failure) in try data.targets(for: .regression) }
            #expect(
                problem?.reason == "line 3: expected a number as the label, found '\(bad)'",
                "\(bad)"
            )
        }
    }

    @Test func `the kind of task is inferred from the labels`() throws {
        #expect(try file(["3.25", "1"]).inferredKind() == .regression)
        #expect(
            try file(["1.0", "2", "1"]).inferredKind()
                == .classification(labels: ["1", "1.0", "2"])
        )
        #expect(try file(["1", "0"]).inferredKind() == .classification(labels: ["0", "1"]))
        #expect(
            try file(["y", "n", "1"]).inferredKind() == .classification(labels: ["1", "n", "y"])
        )
        #expect(TaskKind.classification(labels: ["a", "b", "c"]).outputCount == 3)
        #expect(TaskKind.regression.outputCount == 1)
    }

    @Test func `a header nobody announced is not taken for a class`() throws {
        let columns = ColumnSelection(text: .index(0), label: .index(1))
        func read(_ text: String, _ header: ColumnSelection.Header) throws -> TaskFile {
            var columns = columns
            columns.header = header
            return try taskFile(text, TaskFile.Options(columns: columns))
        }
        for text in ["phrase\tmood\na\tx\nb\ty\nc\tx\nd\ty\n", "phrase\tmood\na\t1\nb\t2\nc\t1\n"] {
            let automatic = try read(text, .automatic)
            let problem = failure { () throws(Failure) in try automatic.labelSet() }
            #expect(problem?.reason.contains("line 1: the label 'mood' is unlike") == true)
            #expect(try read(text, .present).labelSet().count == 2)
            #expect(try read(text, .absent).labelSet().count == 3)
        }
    }

    @Test func `labels are asked of a file that has none`() throws {
        let plain = try taskFile("a\nb\n", TaskFile.Options(labels: .ignored))
        let problem = failure { () throws(Failure) in try plain.targets(for: .regression) }
        #expect(problem?.reason == "the file has no labels")
        #expect(plain.label(0) == nil)
    }
}
