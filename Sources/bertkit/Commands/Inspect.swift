import ArgumentParser

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a checkpoint is.",
        discussion: """
            Shows the layout found, the configuration, the task with its labels, every tensor \
            with its shape, element type and bytes, and the numbers of parameters.

            Example:
              bertkit inspect teacher/
            """
    )

    @Argument(
        help: "A model folder, or a weight file.",
        completion: .file()
    )
    var path: String

    @Option(help: "How to print the result.")
    var format: ReportFormat = .text

    func run() throws { throw Unwired() }
}
