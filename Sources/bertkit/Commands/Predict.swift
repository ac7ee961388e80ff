import ArgumentParser

enum PredictionFormat: String, CaseIterable, ExpressibleByArgument { case tsv, jsonl }

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label lines of text.",
        discussion: """
            Reads one text per line, or two with a tab between for a model of sentence pairs, \
            and writes one line for each: the label and every class's probability, or the score.

            Example:
              echo "a film worth seeing" | bertkit predict --model student/
            """
    )

    @Option(
        help: ArgumentHelp("The model folder.", valueName: "dir"),
        completion: .directory
    )
    var model: String

    @Argument(
        help: "The file of texts; '-' is standard input.",
        completion: .file()
    )
    var file = "-"

    @Option(help: "How to print each result.")
    var format: PredictionFormat = .tsv

    @OptionGroup(title: "Machine") var inference: InferenceOptions

    func run() throws { throw Unwired() }
}
