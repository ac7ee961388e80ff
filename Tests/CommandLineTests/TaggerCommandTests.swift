import Foundation
import TestSupport
import Testing

@Suite("The tagger's commands")
struct TaggerCommandTests {
    private static let sample = Fixtures.folder.appending(path: "words/sample.conllu").path

    private static func temporary(_ body: (Workbench) throws -> Void) throws {
        try Folder.temporary { try body(Workbench(folder: $0)) }
    }

    @Test(arguments: ["train", "tag", "evaluate"])
    func `each explains itself with an example`(name: String) throws {
        let outcome = try Command.run("tagger", name, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("bertkit tagger \(name)"))
        #expect(outcome.output.contains("Examples:\n"))
        for line in outcome.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test func `a tagger is trained, measured, and tags`() throws {
        try Self.temporary { bench in
            let line = "tagger train --train \(Self.sample) --epochs 5 --seed 7 --output"
            let trained = try bench.run("\(line) @a.tagger --dev \(Self.sample)")
            #expect(trained.code == 0, "\(trained.error)")
            #expect(trained.output.contains("a.tagger: epoch "))
            #expect(trained.output.contains(" 134 words, "))
            #expect(trained.errorLines.count == 5)
            #expect(trained.error.contains("epoch 5 of 5: "))
            let quiet = try bench.run("\(line) @b.tagger --quiet")
            #expect(quiet.code == 0 && quiet.error.isEmpty)
            #expect(quiet.output.contains("b.tagger: epoch 5, "))
            let again = try bench.run("\(line) @b.tagger")
            #expect(again.code == 73 && again.error.contains("it exists already"))
            #expect(try bench.run("\(line) @c.tagger").code == 0)
            #expect(try bench.bytes("b.tagger") == bench.bytes("c.tagger"))

            let measured = try bench.run(
                "tagger evaluate --model @b.tagger --data \(Self.sample) --format json"
            )
            let json = try JSONSerialization.jsonObject(with: Data(measured.output.utf8))
            let report = try #require(json as? [String: Any])
            #expect(
                report["sentenceCount"] as? Int == 25 && report["unknownWordCount"] as? Int == 0
            )
            #expect(report["accuracy"] as? Double ?? 0 > 0.99)
            #expect(report["wordsPerSecond"] as? Double ?? 0 > 1_000)
            let tags = try #require(report["tags"] as? [[String: Any]])
            #expect(tags.count == 17 && tags[0]["tag"] as? String == "ADJ")
            let text = try bench.run("tagger evaluate --data \(Self.sample)")
            #expect(text.code == 0, "\(text.error)")
            #expect(text.output.contains("words in 25 sentences"))
            #expect(text.output.contains("\nPUNCT "))
        }
    }

    @Test func `texts are split and tagged line by line, in every form`() throws {
        let input = "It isn't over.\n\nYes, a/b!\n"
        let lines = try Command.run("tagger", "tag", input: input)
        #expect(lines.code == 0 && lines.error.isEmpty, "\(lines.error)")
        #expect(lines.output.hasPrefix("It/PRON is/AUX n't/PART over/"))
        let rows = lines.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(rows.count == 4 && rows[1] == "" && rows[2].contains(" a\\/b/"))
        let columns = try Command.run("tagger", "tag", "--format", "columns", input: input)
        #expect(columns.output.hasPrefix("It\tPRON\nis\tAUX\nn't\tPART\nover\t"))
        #expect(columns.output.contains(".\tPUNCT\n\nYes\tINTJ\n"))
        let conllu = try Command.run("tagger", "tag", "--format", "conllu", input: input)
        #expect(
            conllu.output.hasPrefix(
                "# text = It isn't over.\n1\tIt\t_\tPRON\t_\t_\t_\t_\t_\t_\n2\tis\t_\tAUX\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
            )
        )
        let tab = try Command.run("tagger", "tag", input: "one\ntwo\tthree\n")
        #expect(tab.code == 65 && tab.output.hasPrefix("one/"))
        #expect(tab.error.contains("standard input: line 2 has a tab"))
        let one = try Command.run("tagger", "tag", "--workers", "1", input: input)
        #expect(one.output == lines.output)
    }

    @Test func `files of words keep their words, and each form is read again`() throws {
        try Self.temporary { bench in
            let tagged = try bench.run("tagger tag \(Self.sample)")
            #expect(tagged.code == 0, "\(tagged.error)")
            #expect(tagged.output.hasPrefix("The/DET old/ADJ ferry/NOUN crosses/VERB"))
            #expect(tagged.output.split(separator: "\n").count == 25)
            for form in ["tagged", "columns", "conllu"] {
                let written = try bench.run("tagger tag \(Self.sample) --format \(form)")
                try bench.write(written.output, "\(form).txt")
                let again = try bench.run("tagger tag @\(form).txt")
                #expect(again.output == tagged.output, "\(form)")
            }
            try bench.write("{\"tokens\": [\"New York\", \"rocks\"]}\n", "words.jsonl")
            let spaced = try bench.run("tagger tag @words.jsonl")
            #expect(spaced.code == 65)
            #expect(spaced.error.contains("the word 'New York' holds a space"))
            let columns = try bench.run("tagger tag @words.jsonl --format columns")
            #expect(columns.output.hasPrefix("New York\t"))
        }
    }

    @Test func `what cannot be learnt from or read is refused in a sentence`() throws {
        try Self.temporary { bench in
            try bench.write("The\tDET\tDT\nsky\tNOUN\tNN\n\nIt\tPRON\tPRP\n\n", "penn.txt")
            try bench.write("no tagger", "a.tagger")
            for (line, code, says) in [
                ("train --train @penn.txt --output @out", 65, "line 1: 'DT' is no Universal"),
                ("evaluate --data @penn.txt", 65, "with --label-column"),
                ("evaluate --data @penn.txt --label-column 3", 64, "column 3 is chosen"),
                ("evaluate --data @nowhere.txt", 66, "there is no such file"),
                ("evaluate --model @a.tagger --data \(Self.sample)", 65, "this is not a tagger"),
                ("tag --model @penn.txt @penn.txt", 65, "this is not a tagger"),
                ("tag --text-column 1", 64, "a column is chosen"),
                ("train --train \(Self.sample) --epochs 0 --output @out", 64, "'--epochs' must be"),
            ] as [(String, Int32, String)] {
                let outcome = try bench.run("tagger \(line)")
                #expect(outcome.code == code && outcome.error.contains(says), "\(outcome.error)")
                #expect(outcome.errorLines.count == 1)
            }
            #expect(try bench.names().allSatisfy { $0 != "out" })
            let chosen = try bench.run(
                "tagger train --train @penn.txt --label-column 1 --output @out --epochs 1"
            )
            #expect(chosen.code == 0, "\(chosen.error)")
        }
    }
}
