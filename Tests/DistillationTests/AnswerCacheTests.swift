import Bert
import Datasets
import Diagnostics
import Distillation
import Foundation
import Testing
import Tokenization

@Suite("Teachers' answers kept on disk")
struct AnswerCacheTests {
    private static func temporary(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-cache-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }

    /// One example for each list of tokens.
    private func data(_ tokens: [[Int32]]) throws -> EncodedDataset {
        let text = "sentence\tlabel\n" + tokens.indices.map { "t\($0)\t0\n" }.joined()
        let file = try TaskFile(bytes: Array(text.utf8), name: "small.tsv")
        let encodings = tokens.map {
            Encoding(ids: $0, tokenTypes: $0.map { _ in 0 }, truncated: 0)
        }
        return try EncodedDataset(
            file,
            kind: .classification(labels: ["0", "1"])
        ) { (PackedBatch(encodings), 0) }
    }

    /// Answers that tell the example: its first token in each class.
    private func answers(_ cache: AnswerCache, _ data: EncodedDataset) throws
        -> (answers: AnswerCache.Answers, asked: [Int])
    {
        var asked: [Int] = []
        let found = try cache.answers(to: data) { missing in
            asked = missing
            return missing.flatMap { example in
                (0..<3).map { Float(data.ids[data.offsets[example]]) + Float($0) / 4 }
            }
        }
        return (found, asked)
    }

    private func cache(_ folder: URL, seed: UInt64 = 7) -> AnswerCache {
        AnswerCache(folder: folder, teacher: BertModel(teacherConfiguration, seed: seed))
    }

    @Test("only examples that were never answered are asked for, whatever their order")
    func hits() throws {
        try Self.temporary { folder in
            let first = try answers(cache(folder), data([[1, 2], [3], [1, 2]]))
            #expect(first.asked == [0, 1, 2])
            #expect(first.answers.found == 0)
            let second = try answers(cache(folder), data([[3], [2, 1], [1, 2]]))
            #expect(second.asked == [1])
            #expect(second.answers.found == 2)
            #expect(second.answers.logits == [3, 3.25, 3.5, 2, 2.25, 2.5, 1, 1.25, 1.5])
            let third = try answers(cache(folder), data([[2, 1], [3], [1, 2]]))
            #expect(third.asked.isEmpty)
            #expect(third.answers.logits == [2, 2.25, 2.5, 3, 3.25, 3.5, 1, 1.25, 1.5])
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.count == 1)
        }
    }

    @Test("another teacher has a file of its own")
    func teachers() throws {
        try Self.temporary { folder in
            let data = try data([[1], [2]])
            _ = try answers(cache(folder), data)
            #expect(try answers(cache(folder, seed: 8), data).asked == [0, 1])
            #expect(try answers(cache(folder), data).asked.isEmpty)
        }
    }

    @Test("a file that was cut, changed, or is another teacher's is computed anew, with a word")
    func damage() throws {
        try Self.temporary { folder in
            let data = try data([[1], [2]])
            _ = try answers(cache(folder), data)
            let url = cache(folder).url
            let whole = try Data(contentsOf: url)
            var changed = whole
            changed[whole.count - 2] ^= 1
            var renamed = whole
            renamed[20] ^= 1
            var claiming = whole
            claiming[33] ^= 0x40
            for (bytes, problem) in [
                (Data(whole.dropLast(3)), "length"), (Data(whole.prefix(20)), "header"),
                (changed, "changed since it was written"), (renamed, "another teacher's"),
                (claiming, "length"),
            ] {
                try bytes.write(to: url)
                let again = try answers(cache(folder), data)
                #expect(again.asked == [0, 1])
                #expect(again.answers.problem?.contains(problem) == true, "\(problem)")
                #expect(try Data(contentsOf: url) == whole)
            }
        }
    }

    @Test("a file of another kind is refused and left alone")
    func foreign() throws {
        try Self.temporary { folder in
            let url = cache(folder).url
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let text = Data("a letter that somebody keeps here under this name".utf8)
            try text.write(to: url)
            let data = try data([[1]])
            let failure = #expect(throws: Failure.self) { _ = try answers(cache(folder), data) }
            #expect(failure?.description.contains("not a file of a teacher's answers") == true)
            #expect(try Data(contentsOf: url) == text)
        }
    }
}

@Suite("Several teachers")
struct TeacherEnsembleTests {
    @Test(
        "logits are averaged with weights that need not sum to one; one teacher's stay as they are"
    )
    func average() {
        #expect(TeacherEnsemble.average([[0.1, -2]], weights: [3]) == [0.1, -2])
        #expect(TeacherEnsemble.average([[1, 0], [3, 4]], weights: [1, 1]) == [2, 2])
        #expect(TeacherEnsemble.average([[1, 0], [5, 4]], weights: [6, 2]) == [2, 1])
        #expect(TeacherEnsemble.average([[1, 0], [5, 4]], weights: [0, 2]) == [5, 4])
    }
}
