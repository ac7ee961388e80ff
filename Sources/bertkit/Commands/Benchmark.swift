import ArgumentParser

struct Benchmark: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model's speed and memory on this machine.",
        discussion: """
            Load time, forward throughput in tokens and examples per second, the latency of a \
            single sentence (median and 95th percentile), one training step's throughput, and \
            peak memory.

            Example:
              bertkit benchmark --model teacher/ --data dev.tsv
            """
    )

    @Option(
        help: ArgumentHelp("The model folder.", valueName: "dir"),
        completion: .directory
    )
    var model: String

    @Option(
        help: ArgumentHelp(
            "Texts to run on, as TSV or JSON lines (default: synthetic lengths).",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String?

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "Lengths in pieces that synthetic sequences go through in turn "
                + "(default: 8,16,24,32,64,128).",
            valueName: "length,…"
        )
    )
    var lengths: LengthList?

    @Option(
        help: ArgumentHelp(
            "How often each measurement is taken; the best counts.",
            valueName: "count"
        )
    )
    var rounds = 3

    @Option(help: "Batches of similar length, or in the file's order.")
    var order: BatchOrder = .file

    @Flag(inversion: .prefixedNo, help: "Whether a training step is measured too.")
    var trainingStep = true

    @OptionGroup(title: "Machine") var inference: InferenceOptions

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--rounds", rounds, 1...1000)
    }

    func checkTogether() throws {
        if data != nil, lengths != nil {
            throw ValidationError("'--lengths' makes synthetic sequences, but '--data' is given")
        }
    }

    func run(_ run: ResolvedRun) throws {
        guard try runOptions.announce(run) else { return }
        throw Unwired()
    }
}
