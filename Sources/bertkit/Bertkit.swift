import ArgumentParser

/// The root command.
struct Bertkit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bertkit",
        abstract: "Make a small BERT that answers like a large one, and prove what was kept.",
        discussion: """
            Reads a BERT teacher in whatever layout it is kept, trains a smaller student to \
            answer like it, compares the two, and writes the student to a folder that the same \
            tools read. Converts checkpoints between layouts on the way.

            Examples:
              bertkit demo
              bertkit distill --teacher teacher/ --layers 3 \\
                --train train.tsv --dev dev.tsv --output student/

            Exit codes:
            \(ExitCodes.text)
            """,
        version: Tool.version,
        subcommands: [
            Inspect.self, Convert.self, Compress.self, ExportCommand.self, Verify.self,
            Pretrain.self, Finetune.self, Distill.self, Resume.self, Sweep.self, Augment.self,
            Evaluate.self, ReportCommand.self, Predict.self, Tagger.self, Benchmark.self,
            Doctor.self, Manual.self,
            Demo.self,
        ]
    )

    /// The commands' names, in the order of the help screen.
    static let names = configuration.subcommands.map { $0._commandName }

    static func command(named name: String) -> (any ParsableCommand.Type)? {
        configuration.subcommands.first { $0._commandName == name }
    }
}
