import Foundation
import Testing

@Suite("Run files")
struct RunFileTests {
    private static let required = ["--teacher", "t", "--train", "a", "--dev", "b", "--output", "o"]

    /// Runs `distill --print-config` with a run file of this text.
    private func distill(_ yaml: String, _ flags: String...) throws -> Outcome {
        try Folder.temporary { folder in
            let file = folder.appending(path: "run.yaml")
            try Data(yaml.utf8).write(to: file)
            return try Command.run(["distill", "--config", file.path, "--print-config"] + flags)
        }
    }

    private let complete = """
        teacher: teachers/big
        train: train.tsv
        dev: dev.tsv
        output: out/student
        layers: 2
        hidden: 128
        heads: 2
        intermediate: 512

        """

    @Test("The file fills in what the command line leaves out, and flags win")
    func flagsWin() throws {
        let outcome = try distill(
            complete + "epochs: 7\nbatch_size: 16\nlearning-rate: 3e-4\nheader: true\n",
            "--epochs",
            "5",
            "--no-header",
            "--seed=9"
        )
        #expect(outcome.code == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.contains("epochs: 5"))
        #expect(lines.contains("batch-size: 16"))
        #expect(lines.contains("learning-rate: 3e-4"))
        #expect(lines.contains("header: false"))
        #expect(lines.contains("seed: 9"))
        #expect(lines.contains("max-length: 128"))
        #expect(lines.contains("teacher: teachers/big"))
    }

    @Test("Required options may come from the file alone")
    func requiredFromFile() throws {
        let outcome = try distill(complete)
        #expect(outcome.code == 0)
        #expect(outcome.error.isEmpty)
    }

    @Test("The resolved run, fed back, is the same run")
    func roundTrip() throws {
        let first = try distill(
            """
            teacher: "a folder: with # marks"
            train: "null"
            dev: 'it''s "quoted" \\ text'
            output: -starts-with-a-dash
            init: "teacher-layers:0,2,5"
            text_column: "1"
            label-column: yes
            header: off
            skip-bad-rows: on
            hard_label_weight: 0.25
            evaluate-every: 10
            dropout: ~
            """
        )
        #expect(first.code == 0)
        #expect(first.output.contains("teacher: \"a folder: with # marks\"\n"))
        #expect(first.output.contains("init: \"teacher-layers:0,2,5\"\n"))
        #expect(first.output.contains("label-column: \"yes\"\n"))
        #expect(first.output.contains("header: false\n"))
        #expect(first.output.contains("skip-bad-rows: true\n"))
        #expect(!first.output.contains("dropout"))
        let second = try distill(first.output)
        #expect(second.code == 0)
        #expect(second.output == first.output)
    }

    @Test("Lists are written as lists, by the option's kind")
    func lists() throws {
        try Folder.temporary { folder in
            let file = folder.appending(path: "run.yaml")
            let students = "teacher: t\ndata: d\nstudent:\n  - one\n  - two words\n"
            try Data(students.utf8).write(to: file)
            let evaluate = try Command.run("evaluate", "--config", file.path, "--print-config")
            #expect(evaluate.output.contains("student: [one, \"two words\"]\n"))
            let flags = try Command.run(
                ["evaluate", "--config", file.path, "--print-config", "--student", "three"]
            )
            #expect(flags.output.contains("student: three\n"))

            let labels = "model: m\ntrain: a\ndev: b\noutput: o\nlabels: [no, yes, null]\n"
            try Data(labels.utf8).write(to: file)
            let finetune = try Command.run("finetune", "--config", file.path, "--print-config")
            #expect(finetune.output.contains("labels: [\"no\", \"yes\", \"null\"]\n"))
            try Data(finetune.output.utf8).write(to: file)
            let again = try Command.run("finetune", "--config", file.path, "--print-config")
            #expect(again.output == finetune.output)
        }
    }

    @Test("An unknown key is named, with the nearest known one and all of them")
    func unknownKey() throws {
        let outcome = try distill(complete + "epoch: 3\n")
        #expect(outcome.code == 65)
        #expect(outcome.errorLines.count == 1)
        #expect(
            outcome.error.contains("run.yaml: line 9: unknown key 'epoch', did you mean 'epochs'?")
        )
        #expect(
            outcome.error.contains(
                "Known keys: teacher, teacher-weights, layer-teacher, general-teacher, cache, train,"
            )
        )
    }

    @Test(
        "A value of the wrong kind is the file's fault, and says what was expected",
        arguments: [
            ("epochs: many", "The value 'many' is invalid for '--epochs <count,…>'"),
            ("epochs: 0", "'--epochs' must be from 1 to 100000, not 0"),
            ("max-length: [1, 2]", "'max-length' takes one value, not a list"),
            ("epochs:\n  first: 1", "'epochs' holds a nested mapping; a run file is flat"),
            ("skip-bad-rows: maybe", "'skip-bad-rows' must be true or false, not 'maybe'"),
            ("header: [true]", "'header' takes one value, not a list"),
            ("force: true", "'force' belongs on the command line"),
            ("[a]: 1", "a key must be an option's name"),
            ("max_length: 64\nmax-length: 64", "'max-length' is given twice"),
            ("seed: 1\nseed: 2", "'seed' is given twice"),
        ]
    )
    func wrongValues(line: String, sentence: String) throws {
        let outcome = try distill(complete + line + "\n")
        #expect(outcome.code == 65)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.error.contains("run.yaml: "))
        #expect(outcome.error.contains(sentence), "\(outcome.error)")
    }

    @Test(
        "What is not a flat YAML mapping is refused",
        arguments: [
            ("- a\n- b\n", "expected a mapping of option names to values"),
            ("just text\n", "expected a mapping of option names to values"),
            ("a: [1\n", "not YAML: line "),
            ("a: 1\n---\nb: 2\n", "not YAML: "),
            ("a: \u{1}\n", "not YAML: "),
        ]
    )
    func notAMapping(text: String, sentence: String) throws {
        let outcome = try distill(text)
        #expect(outcome.code == 65)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.error.contains(sentence), "\(outcome.error)")
    }

    @Test("An empty file adds nothing")
    func emptyFile() throws {
        let outcome = try distill("# nothing\n")
        #expect(outcome.code == 64)
        #expect(outcome.error.contains("Missing expected argument '--teacher <dir> ...'."))
    }

    @Test("A file that cannot be read is missing input")
    func missingFile() throws {
        for (path, reason) in [
            ("/nowhere/run.yaml", "there is no such file."), ("/", "the run file cannot be read: "),
        ] {
            let outcome = try Command.run(["distill", "--config", path] + Self.required)
            #expect(outcome.code == 66)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.hasPrefix("bertkit: \(path): \(reason)"))
        }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func invalidText() throws {
        try Folder.temporary { folder in
            let file = folder.appending(path: "run.yaml")
            try Data([0x61, 0x3a, 0x20, 0xff, 0x0a]).write(to: file)
            let outcome = try Command.run(["distill", "--config", file.path] + Self.required)
            #expect(outcome.code == 65)
            #expect(outcome.error.contains("not UTF-8"))
        }
    }

    @Test(
        "Every long option can stand in a run file, but for those that belong to the command line",
        arguments: ["pretrain", "finetune", "distill", "evaluate", "benchmark"]
    )
    func everyOptionIsAKey(command: String) throws {
        let help = try Command.run(command, "--help").output
        let options = help.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^  (?:-h, )?--([a-z-]+)/).map { String($0.1) }
        }
        let onlyFlags: Set = [
            "config", "print-config", "quiet", "force", "version", "help", "dry-run", "log-dir",
        ]
        try Folder.temporary { folder in
            let file = folder.appending(path: "run.yaml")
            try Data("no_such_key: 1\n".utf8).write(to: file)
            let outcome = try Command.run(command, "--config", file.path)
            let list = try #require(outcome.error.firstMatch(of: /Known keys: (.*)\.\n/)).1
            let keys = list.split(separator: ", ").map(String.init)
            #expect(Set(keys) == Set(options).subtracting(onlyFlags))
            #expect(Set(keys).count == keys.count)
        }
    }
}
