import Testing

@Suite("Help")
struct HelpTests {
    static let commands = [
        "inspect", "convert", "compress", "export", "verify", "pretrain", "finetune", "distill",
        "resume", "sweep", "augment", "evaluate", "predict", "tagger", "benchmark", "demo",
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
