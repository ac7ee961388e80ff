import ArgumentParser
import Bert

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

    @Flag(help: "Print the run as YAML, what was given and every default that is fixed, and stop.")
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

    @Flag(help: "Check the inputs, say what would be trained and written, and stop.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "A folder to follow the run in while it goes on: metrics.jsonl and a TensorBoard event file "
                + "grow there (default: they are written with the model).",
            valueName: "dir"
        ),
        completion: .directory
    )
    var logDir: String?

    @OptionGroup var states: StateOptions

    @OptionGroup(title: "Model Card") var card: CardOptions
}

/// What the Hub knows a model by, which no file says.
struct CardOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The Hub's name of the model that this one comes from.",
            valueName: "id"
        )
    )
    var baseModel: String?

    @Option(
        help: ArgumentHelp(
            "The Hub's name of the data that the scores are of, as in 'nyu-mll/glue'; with it the card "
                + "has the scores in its 'model-index'.",
            valueName: "id"
        )
    )
    var dataset: String?

    @Option(
        help: ArgumentHelp("The Hub's name of the licence, as in 'apache-2.0'.", valueName: "id")
    )
    var license: String?

    @Option(
        help: ArgumentHelp(
            "The text's language, as in 'en'; several, by commas.",
            valueName: "code,…"
        )
    )
    var language: NameList?

    func validate() throws {
        for (option, id) in [("--base-model", baseModel), ("--dataset", dataset)] {
            guard let id, !ModelCard.isRepository(id) else { continue }
            throw ValidationError(
                "'\(option)' takes a name of the Hub, 'name' or 'owner/name', not '\(id)'"
            )
        }
        if let license, !ModelCard.licenses.contains(license) {
            throw ValidationError(
                "'--license' is one of " + ModelCard.licenses.sorted().joined(separator: ", ")
                    + ", not '\(license)'"
            )
        }
        if let language = language?.names.first(where: { !ModelCard.isLanguage($0) }) {
            throw ValidationError(
                "'--language' takes codes of two or three letters, not '\(language)'"
            )
        }
    }

    func fill(_ card: inout ModelCard) {
        card.baseModel = baseModel
        card.datasets = dataset.map { [$0] } ?? []
        card.license = license
        card.languages = language?.names ?? []
    }
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

    @Option(
        help: ArgumentHelp(
            "Refuse to train where that would take more memory than this, as in '8GB' or '600MB' "
                + "(default: what the machine has).",
            valueName: "size"
        ),
        transform: ByteSize.init(parsing:)
    )
    var memoryLimit: ByteSize?

    func validate() throws { try Limits.check("--workers", workers, 1...1024) }
}
