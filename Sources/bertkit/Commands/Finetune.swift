import ArgumentParser

struct Finetune: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a classifier of texts or words, or a regressor, on labelled data.",
        discussion: """
            Starts from a pretrained encoder (--model; a task head it lacks is created), or from \
            random weights (--vocabulary and the four sizes). Makes teachers, and the baseline \
            a distilled student is compared with.

            Examples:
              bertkit finetune --model bert-base/ \\
                --train train.tsv --dev dev.tsv --output teacher/
              bertkit finetune --vocabulary vocab.txt \\
                --layers 2 --hidden 128 --heads 2 --intermediate 512 \\
                --train train.tsv --dev dev.tsv --output small/
              bertkit finetune --model bert-base/ \\
                --train train.conll --dev dev.conll --metric f1 --output tagger/
            """
    )

    @Option(
        help: ArgumentHelp("The folder of the model to start from.", valueName: "dir"),
        completion: .directory
    )
    var model: String?

    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Model From Random Weights") var fresh: FreshModelOptions
    @OptionGroup(title: "Training") var schedule: ScheduleOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
        if model != nil {
            if let name = fresh.given.first {
                throw ValidationError(
                    "'\(name)' describes a model from random weights, but '--model' is given"
                )
            }
        } else if !fresh.missing.isEmpty {
            let names = fresh.missing.map { "'\($0)'" }.joined(separator: ", ")
            throw ValidationError(
                "Give '--model', or describe a model from random weights: \(names) missing"
            )
        }
    }
}

/// A model that starts from random weights.
struct FreshModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The WordPiece vocabulary, one piece per line.", valueName: "file"),
        completion: .file(extensions: ["txt"])
    )
    var vocabulary: String?

    @Flag(help: "The vocabulary is cased: keep capitals and accents.")
    var cased = false

    @OptionGroup var shape: ShapeOptions

    @Option(help: "The feed-forward part's activation (default: gelu).")
    var activation: ActivationChoice?

    @Option(
        help: ArgumentHelp("The longest sequence it can read (default: 512).", valueName: "count")
    )
    var maxPositions: Int?

    func validate() throws { try Limits.check("--max-positions", maxPositions, 3...65_536) }

    var missing: [String] { (vocabulary == nil ? ["--vocabulary"] : []) + shape.missing }

    /// The options that were given.
    var given: [String] {
        let all = ["--vocabulary", "--layers", "--hidden", "--heads", "--intermediate"]
        return all.filter { !missing.contains($0) }
            + [
                cased ? "--cased" : nil, activation != nil ? "--activation" : nil,
                maxPositions != nil ? "--max-positions" : nil,
            ].compactMap(\.self)
    }
}
