import Foundation
import TestSupport
import Testing
import bertkit

@Suite("Help")
struct HelpTests {
    static let commands = [
        "inspect", "convert", "compress", "export", "verify", "pretrain", "finetune", "distill",
        "resume", "sweep", "augment", "evaluate", "predict", "tagger", "benchmark", "doctor", "man",
        "demo",
    ]

    @Test("The first screen names every command")
    func rootHelpNamesCommands() throws {
        let outcome = try Command.run("--help")
        #expect(outcome.code == 0)
        #expect(outcome.error.isEmpty)
        for command in Self.commands {
            #expect(outcome.output.contains("\n  \(command) "))
        }
        #expect(try Command.run().output == outcome.output)
    }

    @Test("Every command explains itself with an example", arguments: commands)
    func commandHelpHasExample(command: String) throws {
        let outcome = try Command.run(command, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("bertkit \(command)"))
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("USAGE: bertkit \(command)"))
        #expect(try Command.run("help", command).output == outcome.output)
    }

    /// Commands with the words that name them.
    static let full =
        commands.map { [$0] }
        + ["train", "tag", "evaluate"].map { ["tagger", $0] }

    @Test(
        "Every command has two examples, and each is a command line that it takes",
        arguments: full
    )
    func examplesAreUnderstood(command: [String]) throws {
        let outcome = try Command.run(command + ["--help"])
        let whole = outcome.output.replacing(#/ \\\n */#, with: " ")
        let start = "bertkit \(command.joined(separator: " "))"
        let lines = whole.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let all = lines.filter { $0.contains(start) && !$0.hasPrefix("USAGE:") }
        let examples = all.filter {
            $0.hasPrefix(start) || $0.contains("| bertkit ")
        }
        #expect(examples.count >= 2, "\(examples)")
        for example in examples {
            // What a shell passes on to the command.
            let own =
                example.split(separator: " | ").map(String.init)
                .first { $0.hasPrefix("bertkit ") } ?? ""
            let line = own.split(separator: " > ")[0]
            let words = line.split(separator: " ").dropFirst().map {
                String($0).replacing("\"", with: "")
            }
            #expect(throws: Never.self, "\(example)") { try Tool.check(words) }
        }
    }

    @Test("A mistyped command below another is answered with the nearest")
    func nestedSuggestion() throws {
        for line in [["tagger", "trian"], ["help", "tagger", "trian"]] {
            let outcome = try Command.run(line)
            #expect(outcome.code == 64)
            #expect(
                outcome.error
                    == "bertkit: Unknown command 'tagger trian'. Did you mean 'tagger train'? See "
                    + "'bertkit tagger --help'.\n"
            )
        }
        #expect(try Command.run("help", "tagger", "train").code == 0)
    }

    @Test("The exit codes are in the first screen, in the manual and in the README")
    func exitCodes() throws {
        let help = try Command.run("--help").output
        let manual = try Command.run("man").output
        let readme = try String(
            contentsOf: Fixtures.repository.appending(path: "README.md"),
            encoding: .utf8
        )
        for (code, meaning) in ExitCodes.all {
            #expect(help.contains("\(code)  \(meaning)"))
            #expect(manual.contains("\n.B \(code)\n"))
            #expect(readme.contains("| \(code) | \(meaning) |"))
        }
    }

    @Test("The manual is a page with every command and its options")
    func manual() throws {
        let outcome = try Command.run("man")
        #expect(outcome.code == 0 && outcome.error.isEmpty)
        #expect(outcome.output.hasPrefix(".TH BERTKIT 1 "))
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS"] {
            #expect(outcome.output.contains("\n.SH \(section)\n"))
        }
        for command in Self.full {
            #expect(outcome.output.contains("\n.SS bertkit \(command.joined(separator: " "))\n"))
        }
        #expect(outcome.output.contains("hard\\-label\\-weight"))
        // A request that man(7) does not have would be a line that is lost.
        let known: Set<Substring> = [
            "TH", "SH", "SS", "PP", "TP", "B", "BI", "I", "RI", "nf", "fi",
        ]
        for line in outcome.output.split(separator: "\n") where line.hasPrefix(".") {
            #expect(known.contains(line.dropFirst().prefix { $0 != " " }), "\(line)")
        }
    }

    @Test("The doctor says what everything runs on, also as JSON")
    func doctor() throws {
        let outcome = try Command.run("doctor")
        #expect(outcome.code == 0 && outcome.error.isEmpty)
        for word in [
            "bertkit", "processor", "workers", "memory", "loops", "products, f32",
            "products, bf16", "products, int8", "HDF5 ", "zlib", "oneDNN", "OpenBLAS",
        ] {
            #expect(
                outcome.output.contains("\n\(word)") || outcome.output.hasPrefix(word),
                "\(word)"
            )
        }
        let json = try Command.run("doctor", "--json")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        )
        #expect((object["hdf5"] as? String)?.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
        #expect(
            (object["products"] as? [String: String])?.keys.sorted() == ["bf16", "f32", "int8"]
        )
        #expect((object["workers"] as? Int ?? 0) > 0)
        let forced = try Command.run(
            ["doctor"],
            environment: ["BERTKIT_MATRIX_BACKEND": "openblas"]
        )
        #expect(forced.output.contains("f32 by OpenBLAS"))
    }

    @Test("No line of help is wider than eighty columns, but for the usage", arguments: commands)
    func helpFitsTheScreen(command: String) throws {
        let outcome = try Command.run(command, "--help")
        for line in outcome.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test("Help works even where the run file is broken")
    func helpIgnoresRunFile() throws {
        let outcome = try Command.run("distill", "--config", "/nowhere.yaml", "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("--hard-label-weight"))
    }

    @Test("The version is one line")
    func versionIsOneLine() throws {
        let outcome = try Command.run("--version")
        #expect(outcome.code == 0)
        #expect(outcome.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
    }

    @Test("Completion scripts know the commands", arguments: ["bash", "zsh", "fish"])
    func completionScripts(shell: String) throws {
        let outcome = try Command.run("--generate-completion-script", shell)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("distill"))
    }
}
