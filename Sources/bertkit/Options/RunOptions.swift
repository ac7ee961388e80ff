import ArgumentParser

/// Where options come from, and how much is said on the way.
struct RunOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A YAML file of options: one 'name: value' per line. Flags given here win.",
            valueName: "file"
        ),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    @Flag(help: "Print the resolved run, every option with its value, as YAML, and stop.")
    var printConfig = false

    @Flag(help: "No progress and no remarks on standard error.")
    var quiet = false

    /// Shows the resolved run. False when that was all that was asked for.
    func announce(_ run: ResolvedRun) throws -> Bool {
        if printConfig {
            try StandardOutput.write(run.yaml)
            return false
        }
        if !quiet {
            let terminal = Terminal.standardError
            let lines = run.yaml.split(separator: "\n").map { terminal.styled(String($0), .faint) }
            terminal.write(lines.joined(separator: "\n") + "\n")
        }
        return true
    }
}

/// Where a model is written.
struct OutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder to write. It must not exist yet.", valueName: "dir"),
        completion: .directory
    )
    var output: String

    @Flag(help: "Replace the output folder if it exists and is empty or a model's.")
    var force = false
}

/// How the machine is used; no choice here changes a result.
struct ComputeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many workers share a batch (default: one per processor).",
            valueName: "count"
        )
    )
    var workers: Int?

    func validate() throws { try Limits.check("--workers", workers, 1...1024) }
}
