import Checkpoints
import Foundation
import TestSupport
import Testing

/// What training takes of memory is known before it takes it.
@Suite("Memory")
struct MemoryTests {
    private static let shape =
        "--vocabulary @vocab.txt --layers 3 --hidden 256 --heads 4 --intermediate 1024 --epochs 1"

    private func bench(_ body: (Workbench) throws -> Void) throws {
        try Folder.temporary { folder in
            let bench = Workbench(folder: folder)
            for name in ["train.tsv", "dev.tsv"] {
                try FileManager.default.copyItem(
                    at: Fixtures.folder.appending(path: "text/\(name)"),
                    to: bench[name]
                )
            }
            let rows = try bench.text("train.tsv").split(separator: "\n").prefix(161)
            try bench.write(rows.joined(separator: "\n") + "\n", "train.tsv")
            try bench.write(rows.dropFirst().joined(separator: "\n") + "\n", "text.txt")
            try FileManager.default.copyItem(
                at: Fixtures.folder.appending(path: "teacher/vocab.txt"),
                to: bench["vocab.txt"]
            )
            try body(bench)
        }
    }

    @Test(
        "What is said before is what is taken, within a tenth",
        arguments: [
            "finetune \(shape) --train @train.tsv --dev @dev.tsv --batch-size 64",
            "finetune \(shape) --train @train.tsv --dev @dev.tsv --batch-size 8 --keep last",
            "pretrain \(shape) --text @text.txt --hold-out 8 --batch-size 40",
        ]
    )
    func expected(line: String) throws {
        try bench { bench in
            let found = try MeasuredCommand.run(bench.arguments("\(line) --output @out"))
            #expect(found.outcome.code == 0, "\(found.outcome.error)")
            let text = try bench.bytes("out/all_results.json")
            guard case .object(let results) = try JSONValue.parse(text, source: "results"),
                case .integer(let expected)? = results["memory_expected"]
            else {
                Issue.record("no number")
                return
            }
            let share = Double(expected) / Double(found.peakBytes)
            #expect((0.9...1.1).contains(share), "\(expected) of \(found.peakBytes)")
        }
    }

    @Test("Less than that is refused with the numbers, and nothing is left")
    func refused() throws {
        try bench { bench in
            let before = try bench.listing()
            for (line, phrases) in [
                (
                    "finetune \(Self.shape) --train @train.tsv --dev @dev.tsv --memory-limit 60MB",
                    ["training: it takes up to ", "moments ", "--memory-limit allows 60 MB"]
                ),
                (
                    "finetune \(Self.shape) --train @train.tsv --dev @dev.tsv --memory-limit 5MB",
                    ["the model's weights take ", "--memory-limit allows 5 MB"]
                ),
                (
                    "pretrain --vocabulary @vocab.txt --layers 1000 --hidden 65536 --heads 1024 "
                        + "--intermediate 262144 --text @text.txt",
                    ["the model's weights take ", "this machine has "]
                ),
            ] {
                let outcome = try bench.run("\(line) --quiet --output @out")
                #expect(outcome.code == 69, "\(outcome.error)")
                #expect(outcome.errorLines.count == 1)
                for phrase in phrases {
                    #expect(outcome.error.contains(phrase), "\(outcome.error)")
                }
                #expect(try bench.listing() == before)
            }
        }
    }
}
