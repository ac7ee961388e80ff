/// What the command's exit codes mean. They are part of its interface and do not change.
package enum ExitCodes {
    package static let all: [(code: Int, meaning: String)] = [
        (0, "done"),
        (2, "not the same model (verify)"),
        (4, "below the quality gate (compress); nothing is written"),
        (64, "the command line or the options contradict each other or the data"),
        (65, "a file's content is not what it should be"),
        (66, "an input is not there or cannot be opened"),
        (69, "a limit of memory or of the machine"),
        (70, "a bug of BertKit"),
        (73, "the output exists already or cannot be created"),
        (74, "reading or writing failed part-way"),
        (76, "training diverged"),
        (141, "the reader of the output has gone, as head does"),
    ]

    /// A line for each.
    package static var text: String {
        all.map { code, meaning in
            String(repeating: " ", count: 5 - "\(code)".count) + "\(code)  \(meaning)"
        }.joined(separator: "\n")
    }
}
