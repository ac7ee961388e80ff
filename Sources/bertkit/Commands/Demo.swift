import ArgumentParser

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the whole path on a small teacher that comes with BertKit.",
        discussion: """
            Inspects the teacher, distils a student from it, compares the two, exports the \
            student and reads it back: about a minute.

            Example:
              bertkit demo
            """
    )

    @Option(
        help: ArgumentHelp("The folder to write. It must not exist yet.", valueName: "dir"),
        completion: .directory
    )
    var output = "bertkit-demo"

    @Flag(help: "Replace the output folder if it exists.")
    var force = false

    @OptionGroup var compute: ComputeOptions

    func run() throws { throw Unwired() }
}

/// Marks a command whose library calls are still to come.
struct Unwired: Error {}
