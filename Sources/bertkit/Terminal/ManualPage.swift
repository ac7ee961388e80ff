import ArgumentParser
import Foundation

/// The manual page in the language of man(7), from what ArgumentParser knows of the commands.
struct ManualPage {
    private let root: CommandInfo

    init() throws {
        struct Dump: Decodable { var command: CommandInfo }
        let dump = Data(Bertkit._dumpHelp().utf8)
        root = try JSONDecoder().decode(Dump.self, from: dump).command
    }

    /// The parts of `--experimental-dump-help` that are read here.
    private struct CommandInfo: Decodable {
        var commandName: String
        var superCommands: [String]?
        var shouldDisplay: Bool?
        var abstract: String?
        var discussion: String?
        var subcommands: [CommandInfo]?
        var arguments: [ArgumentInfo]?

        var fullName: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }
    }

    private struct ArgumentInfo: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String

            var spelling: String { (kind == "long" ? "--" : "-") + name }
        }
        var kind: String
        var shouldDisplay: Bool?
        var sectionTitle: String?
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var allValues: [String]?
        var abstract: String?

        var isHelp: Bool { names?.contains { ["help", "version"].contains($0.name) } ?? false }
    }

    var text: String {
        var text = ".TH BERTKIT 1 \"\" \"BertKit \(Tool.version)\" \"BertKit\"\n"
        text += ".SH NAME\nbertkit \\- \(Self.escaped(lowercaseFirst(root.abstract ?? "")))\n"
        text += ".SH SYNOPSIS\n.B bertkit\n.I command\n.RI [ options ]\n"
        text += ".SH DESCRIPTION\n" + Self.paragraphs(root.discussion ?? "")
        text += ".SH COMMANDS\n"
        for command in root.subcommands ?? [] where command.commandName != "help" {
            text += Self.section(command)
            for nested in command.subcommands ?? [] where nested.commandName != "help" {
                text += Self.section(nested)
            }
        }
        text += ".SH EXIT STATUS\n"
        for (code, meaning) in ExitCodes.all {
            text += ".TP\n.B \(code)\n\(Self.escaped(meaning))\n"
        }
        text += ".SH ENVIRONMENT\n"
        for (name, meaning) in Self.environment {
            text += ".TP\n.B \(name)\n\(Self.escaped(meaning))\n"
        }
        return text
    }

    private static let environment = [
        (
            "BERTKIT_MATRIX_BACKEND",
            "onednn or openblas: the library of matrix products (by default the fastest here)."
        ),
        ("NO_COLOR", "No colours, where it is not empty."),
        ("FORCE_COLOR", "Colours also where output is no terminal, where it is not 0."),
        ("COLUMNS", "The width of lines where there is no terminal to ask."),
    ]

    private static func section(_ command: CommandInfo) -> String {
        var text = ".SS \(escaped(command.fullName))\n\(escaped(command.abstract ?? ""))\n"
        let arguments = (command.arguments ?? []).filter { $0.shouldDisplay ?? true && !$0.isHelp }
        text += ".PP\n.B \(escaped(command.fullName))\n"
        if command.subcommands != nil { text += ".I command\n" }
        for argument in arguments where argument.kind == "positional" {
            let name = argument.valueName ?? ""
            text += argument.isOptional ? ".RI [ \(name) ]\n" : ".I \(name)\n"
        }
        if arguments.contains(where: { $0.kind != "positional" }) { text += ".RI [ options ]\n" }
        text += paragraphs(command.discussion ?? "")
        for argument in arguments { text += item(argument) }
        return text
    }

    private static func item(_ argument: ArgumentInfo) -> String {
        let value = (argument.valueName ?? "").replacing(" ", with: "-")
        var heading: String
        switch argument.kind {
        case "positional": heading = ".I \(escaped(value))"
        case "flag":
            let names = argument.names?.map(\.spelling).joined(separator: ", ") ?? ""
            heading = ".B \(escaped(names))"
        default:
            let names = argument.names?.map(\.spelling).joined(separator: ", ") ?? ""
            heading = ".BI \"\(escaped(names)) \" \(escaped(value))"
        }
        if argument.isRepeating { heading += " \\fR...\\fP" }
        var meaning = argument.abstract ?? ""
        if let values = argument.allValues, !values.isEmpty, argument.kind != "flag" {
            meaning += " Values: \(values.joined(separator: ", "))."
        }
        if let value = argument.defaultValue, argument.kind != "flag" {
            meaning += " Default: \(value)."
        }
        return ".TP\n\(heading)\n\(escaped(meaning))\n"
    }

    /// Paragraphs, and what is indented as it stands.
    private static func paragraphs(_ text: String) -> String {
        var result = ".PP\n"
        var isExample = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                if !isExample { result += ".PP\n" }
                continue
            }
            if line.hasPrefix("  ") != isExample {
                isExample.toggle()
                result += isExample ? ".PP\n.nf\n" : ".fi\n.PP\n"
            }
            result += escaped(String(line)) + "\n"
        }
        return result + (isExample ? ".fi\n" : "")
    }

    /// Text that the formatter takes as it is.
    private static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            .replacing("\n", with: " ")
        // A line that begins with one of these would be a request.
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }

    private func lowercaseFirst(_ text: String) -> String {
        let sentence = text.hasSuffix(".") ? String(text.dropLast()) : text
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
