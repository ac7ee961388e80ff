import ArgumentParser
import Augmentation

struct Augment: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make variants of texts for a student to learn from.",
        discussion: """
            Writes every text of a file, and behind it variants that a teacher is to label: with words \
            masked ('mask') or exchanged for others of their part of speech ('pos'), cut down to a few \
            words in a row ('ngram'), all three together as Tang et al. have it ('tang'), or with words \
            exchanged for those that a masked language model or word vectors propose ('tinybert').

            The output is TSV, or JSON lines where its name ends in .jsonl, with the number of the row \
            that a text comes from and the method; 'distill' reads it. Words may come with their tags: \
            CoNLL-U, columns, or word/TAG lines.

            Examples:
              bertkit augment --data train.tsv --preview 5
              bertkit augment --data train.tsv --output augmented.tsv --report
              bertkit augment --data train.tsv --method tinybert --mlm encoder/ \\
                --output augmented.jsonl --report --teacher teacher/
            """
    )

    enum LabelChoice: String, CaseIterable, ExpressibleByArgument { case keep, none }

    @Option(
        help: ArgumentHelp(
            "The texts, as TSV or JSON lines, or labelled words, whose labels are then their tags.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "How variants are made: tang, or some of mask, pos and ngram; and tinybert (default: "
                + "tang).",
            valueName: "method,…"
        )
    )
    var method: MethodList?

    @Option(
        help: ArgumentHelp(
            "Variants tried of each text (default: 20, of more than 100,000 texts 10).",
            valueName: "count"
        )
    )
    var iterations: Int?

    @OptionGroup(title: "Methods") var variation: VariationOptions

    @Option(help: ArgumentHelp("The seed of all draws.", valueName: "number"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp("The file to write. It must not exist yet.", valueName: "file"),
        completion: .file()
    )
    var output: String?

    @Option(
        help: "Whether variants keep their originals' labels, or have none and ask a teacher."
    )
    var labels: LabelChoice = .none

    @Flag(help: "Replace the output file if it exists.")
    var force = false

    @Flag(help: "Read the texts, say what would be written, and stop.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Print so many texts with some of their variants, changed words marked, and the reasons.",
            valueName: "count"
        )
    )
    var preview: Int?

    @Flag(
        help: "Print what was made: variants by method and by tag, and how far from the originals."
    )
    var report = false

    @Option(
        help: ArgumentHelp(
            "A classifier that is asked, for the report, how often it answers a variant as its original.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var teacher: String?

    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func validate() throws {
        try Limits.check("--iterations", iterations, 1...100_000)
        try Limits.check("--preview", preview, 1...100_000)
    }

    func checkTogether() throws {
        if output == nil, preview == nil, !report, !runOptions.printConfig {
            throw ValidationError("Say what to make: '--output', '--preview' or '--report'")
        }
        if teacher != nil, !report {
            throw ValidationError("'--teacher' is asked for the report: add '--report'")
        }
        if output == nil, labels == .keep {
            throw ValidationError("'--labels' are written to '--output', which is not given")
        }
        if let problem = variation.problem(methods) {
            throw ValidationError(
                "'\(problem.option)' is of method \(problem.method), which is not among those of "
                    + "'--method'"
            )
        }
    }

    var methods: VariantMethods { method?.methods ?? .tang }
}
