import Foundation
import Testing

@Suite("bertkit demo")
struct DemoTests {
    /// What the demo reads of the repository's fixtures, a few kilobytes of it.
    private func fixtures(_ bench: Workbench) throws {
        for name in ["fixtures", "fixtures/text"] {
            try FileManager.default.createDirectory(
                at: bench[name],
                withIntermediateDirectories: false
            )
        }
        for (old, new) in [
            ("teacher", "teacher"), ("train.tsv", "text/train.tsv"), ("dev.tsv", "text/dev.tsv"),
        ] {
            try FileManager.default.moveItem(at: bench[old], to: bench["fixtures/\(new)"])
        }
        try bench.write("fine film .\nnot very old\n", "fixtures/text/examples.txt")
    }

    @Test("The whole path, each step shown as the command it is")
    func wholePath() throws {
        try Workbench.temporary { bench in
            try fixtures(bench)
            let line = "demo --fixtures @fixtures --output @shown"
            let outcome = try bench.run(line)
            try #require(outcome.code == 0, "\(outcome.error)")
            let commands = outcome.output.split(separator: "\n").filter {
                $0.hasPrefix("$ bertkit ")
            }
            #expect(
                commands.map { $0.split(separator: " ")[2] }
                    == ["inspect", "finetune", "distill", "evaluate", "predict"]
            )
            #expect(outcome.output.contains("agreement with teacher"))
            #expect(outcome.output.contains("Written to \(bench["shown"].path)/:\n"))
            for name in [
                "predictions.tsv", "student/tf_model.h5", "student/README.md",
                "without-teacher/tf_model.h5",
            ] {
                #expect(outcome.output.contains("  \(name)  "), "\(name)")
                #expect(try !bench.bytes("shown/\(name)").isEmpty)
            }
            #expect(!outcome.output.contains("epochs: 4"))

            // What is shown can be typed: the commands alone give the same files.
            let weights = try bench.bytes("shown/student/tf_model.h5")
            let distil = try #require(commands.first { $0.contains("bertkit distill") })
            let typed = distil.dropFirst("$ bertkit ".count) + " --force"
            #expect(try bench.run(String(typed)).code == 0)
            #expect(try bench.bytes("shown/student/tf_model.h5") == weights)

            let again = try bench.run(line)
            #expect(again.code == 73)
            #expect(again.output.isEmpty)
            try bench.write("mine", "shown/mine")
            #expect(try bench.run("\(line) --force").code == 0)
            #expect(try bench.text("shown/mine") == "mine")
            #expect(try bench.bytes("shown/student/tf_model.h5") == weights)
        }
    }

    @Test("Fixtures that are not whole are named before anything is written")
    func missingFixtures() throws {
        try Workbench.temporary { bench in
            try fixtures(bench)
            try bench.remove("fixtures/text/examples.txt")
            let outcome = try bench.run("demo --fixtures @fixtures --output @shown")
            #expect(outcome.code == 66)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.contains("fixtures/text/examples.txt: the demo needs this file"))
            #expect(try !bench.names().contains("shown"))
        }
    }
}
