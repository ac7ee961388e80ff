import ArgumentParser
import Diagnostics
import Foundation
import Glibc

/// The entry: finds the command, lets a run file fill in its options, runs it, and turns whatever
/// goes wrong into one line on standard error and an exit code.
@main
package enum Tool {
    static let version = "0.1.0"

    package static func main() {
        // A reader that goes away must not end training; writes report it instead.
        signal(SIGPIPE, SIG_IGN)
        // A file-size limit then fails the write that meets it, with a sentence.
        signal(SIGXFSZ, SIG_IGN)
        exit(run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Carries out one command line and returns its exit code.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            do {
                try perform(arguments)
            } catch let error where Bertkit.exitCode(for: error) == .success {
                // A request for a text: help, the version, a completion script.
                try StandardOutput.write(Bertkit.fullMessage(for: error) + "\n")
            }
            return EXIT_SUCCESS
        } catch let code as ExitCode {
            return code.rawValue
        } catch is ClosedPipe {
            return 128 + SIGPIPE
        } catch let failure as Failure {
            complain(failure.description)
            return failure.kind.exitCode
        } catch let error as UsageError {
            complain(error.sentence)
            return Failure.Kind.usage.exitCode
        } catch {
            complain("internal error: \(sentence(about: error)) Please report this.")
            return 70
        }
    }

    static func perform(_ arguments: [String]) throws {
        try refuseUnknownCommand(arguments)
        let arguments = try readable(arguments)
        let expansion = try RunExpansion(arguments)
        switch try parse(expansion, command: arguments.first ?? "") {
        case var command as any RunFileCommand: try command.run(expansion.run)
        case var command: try command.run()
        }
    }

    /// Understands a command line and does nothing.
    ///
    /// - Throws: what a user would be told.
    package static func check(_ arguments: [String]) throws {
        try refuseUnknownCommand(arguments)
        _ = try parse(RunExpansion(readable(arguments)), command: arguments.first ?? "")
    }

    static func parse(
        _ expansion: RunExpansion,
        command: String
    ) throws -> any ParsableCommand {
        do {
            let command = try Bertkit.parseAsRoot(expansion.arguments)
            try (command as? any RunFileCommand)?.checkTogether()
            return command
        } catch let error where Bertkit.exitCode(for: error) != .success {
            let message = Bertkit.message(for: error)
            if let failure = expansion.failure(behind: message) { throw failure }
            throw UsageError(message: message, command: Bertkit.names.first { $0 == command })
        }
    }

    /// The arguments with every negative number joined to its option (`--warmup=-1`): ArgumentParser
    /// takes it for an option and says that the value is missing. An empty argument is refused: no option
    /// has a use for it, and as a path it would be the working folder.
    private static func readable(_ arguments: [String]) throws(UsageError) -> [String] {
        var result: [String] = []
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { return result + arguments[index...] }
            let last = result.last ?? ""
            if argument.isEmpty || argument.hasPrefix("--") && argument.hasSuffix("=") {
                let option = argument.isEmpty ? last : String(argument.dropLast())
                let isOption = option.hasPrefix("--")
                throw UsageError(
                    message: (isOption ? "'\(option)' is given" : "An argument is")
                        + (isOption ? " an empty value" : " empty"),
                    command: Bertkit.names.first { $0 == arguments.first }
                )
            }
            let isNumber = argument.hasPrefix("-") && Double(argument) != nil
            if isNumber, last.hasPrefix("--"), last.count > 2, !last.contains("=") {
                result[result.count - 1] = "\(last)=\(argument)"
            } else {
                result.append(argument)
            }
        }
        return result
    }

    /// ArgumentParser only says "unexpected arguments" to a mistyped command.
    private static func refuseUnknownCommand(_ arguments: [String]) throws {
        var arguments = arguments[...]
        if arguments.first == "help" { arguments = arguments.dropFirst() }
        guard let name = Self.command(in: arguments) else { return }
        guard Bertkit.names.contains(name) else { throw unknown(name, Bertkit.names) }
        let nested = Bertkit.command(named: name)?.configuration.subcommands ?? []
        guard !nested.isEmpty, let inner = Self.command(in: arguments.dropFirst()) else { return }
        let names = nested.map { $0._commandName }
        guard names.contains(inner) else { throw unknown(inner, names, below: name) }
    }

    private static func command(in arguments: ArraySlice<String>) -> String? {
        guard let name = arguments.first, !name.hasPrefix("-"), name != "help" else { return nil }
        return name
    }

    private static func unknown(
        _ name: String,
        _ names: [String],
        below above: String? = nil
    ) -> UsageError {
        let start = above.map { "\($0) " } ?? ""
        var message = "Unknown command '\(start)\(printable(name))'."
        if let nearest = nearestName(to: name, in: names) {
            message += " Did you mean '\(start)\(nearest)'?"
        }
        return UsageError(message: message, command: above)
    }

    /// Writes `bertkit: SENTENCE` as exactly one line.
    private static func complain(_ sentence: String) {
        let terminal = Terminal.standardError
        let line = sentence.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        terminal.write("\(terminal.styled("bertkit:", .error)) \(line)\n")
    }

    private static func sentence(about error: any Error) -> String {
        // Foundation's own description is a dump ("Error Domain=…"); its localised one is a sentence.
        let text =
            error is CocoaError || type(of: error) == NSError.self
            ? error.localizedDescription : String(describing: error)
        let safe = printable(text)
        return safe.hasSuffix(".") ? safe : safe + "."
    }
}

/// A command line that cannot be understood.
struct UsageError: Error {
    var message: String
    var command: String?

    var sentence: String {
        let help = (["bertkit", command].compactMap(\.self) + ["--help"]).joined(separator: " ")
        let stop = [".", "?"].contains { message.hasSuffix($0) } ? "" : "."
        return "\(message)\(stop) See '\(help)'."
    }
}
