/// Command lines as a shell takes them.
enum ShellText {
    /// The command line of this run.
    static var command: String {
        "bertkit " + CommandLine.arguments.dropFirst().map(quoted).joined(separator: " ")
    }

    /// An argument as a shell takes it.
    static func quoted(_ argument: String) -> String {
        let plain = argument.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0)
                || "-_./=,:".unicodeScalars.contains($0)
        }
        return plain && !argument.isEmpty
            ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
    }
}
