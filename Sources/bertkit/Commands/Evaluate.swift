import ArgumentParser

enum BatchOrder: String, CaseIterable, ExpressibleByArgument { case sorted, file }

struct Evaluate: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare students with their teacher on labelled data.",
        discussion: """
            Side by side: quality against the given labels, agreement with the teacher, \
            parameters, bytes on disk, operations per token, and speed. Without --student it \
            measures the teacher alone.

            Example:
              bertkit evaluate --teacher teacher/ --student student/ --data dev.tsv
            """
    )

    @OptionGroup(title: "Models") var models: ComparedModels

    @Option(
        help: ArgumentHelp("The labelled examples, as TSV or JSON lines.", valueName: "file"),
        completion: .file()
    )
    var data: String

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "The temperature at which the answers' KL divergence is taken.",
            valueName: "number"
        )
    )
    var temperature = 1.0

    @Option(
        help: ArgumentHelp(
            "Write each example's logits and labels here, as TSV.",
            valueName: "file"
        ),
        completion: .file()
    )
    var predictions: String?

    @OptionGroup(title: "Machine") var inference: InferenceOptions

    @Option(help: "Batches of similar length, or in the file's order; no result depends on it.")
    var order: BatchOrder = .sorted

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    @Flag(help: "Replace the predictions file if it exists.")
    var force = false

    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--temperature", temperature, 0...1000, above: true)
    }

    func run(_ run: ResolvedRun) throws {
        guard try runOptions.announce(run) else { return }
        throw Unwired()
    }
}

struct ComparedModels: ParsableArguments {
    @Option(
        help: ArgumentHelp("The teacher's model folder.", valueName: "dir"),
        completion: .directory
    )
    var teacher: String

    @Option(
        help: ArgumentHelp(
            "A student's model folder; may be given several times.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var student: [String] = []
}

/// How a model is run over data.
struct InferenceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Examples per batch.", valueName: "count")
    )
    var batchSize = 32

    @Option(
        help: ArgumentHelp(
            "The longest sequence in pieces; longer texts are cut (default: what the model can "
                + "read).",
            valueName: "count"
        )
    )
    var maxLength: Int?

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try Limits.check("--batch-size", batchSize, 1...65_536)
        try Limits.check("--max-length", maxLength, 3...65_536)
    }
}
