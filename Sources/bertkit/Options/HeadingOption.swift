import ArgumentParser
import Diagnostics

/// Whether lines of text begin with one that is none.
struct HeadingOption: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Whether the first line names the columns and is left out (default: it is where it has the "
                + "usual name of a text's column, 'sentence' or 'text' or GLUE's)."
        )
    )
    var header: Bool?

    /// Says that a line was left out, where nobody has asked for it.
    func note(_ heading: String?, of file: String) {
        guard let heading, header == nil else { return }
        let name = file == "-" ? "standard input" : printable(file)
        Remarks().note(
            "\(name): the first line, '\(printable(heading))', names columns and is left out; with "
                + "--no-header it is a text"
        )
    }
}
