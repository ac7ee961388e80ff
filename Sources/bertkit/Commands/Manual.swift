import ArgumentParser

struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man",
        abstract: "Print the manual page.",
        discussion: """
            All commands with their options, as a page for man(1).

            Examples:
              bertkit man | man -l -
              bertkit man > ~/.local/share/man/man1/bertkit.1
            """
    )

    func run() throws { try StandardOutput.write(try ManualPage().text) }
}
