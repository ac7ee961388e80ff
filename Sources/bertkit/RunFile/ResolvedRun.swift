import Foundation

/// Every option of one run with the value that holds: the command line's, else the run file's,
/// else the default. Options without a value are left out.
///
/// Its text is itself a run file: fed back with `--config`, it gives the same run.
package struct ResolvedRun: Equatable, Sendable {
    /// One line of the run file.
    package struct Entry: Equatable, Sendable {
        package enum Form: Sendable {
            case text, list
            /// `true` or `false`.
            case truth
        }
        package var name: String
        /// One, except in a list.
        package var values: [String]
        package var form: Form

        package init(name: String, values: [String], form: Form) {
            self.name = name
            self.values = values
            self.form = form
        }
    }

    package let command: String
    /// In the order of the command's help screen.
    package private(set) var entries: [Entry]

    /// All of the command's options, in that order.
    private let order: [String]

    package init(command: String, entries: [Entry], order: [String] = []) {
        self.command = command
        self.entries = entries
        self.order = order
    }

    /// Where a run writes, and what it keeps there for itself, is nothing that it reads.
    private static let outputs: Set<String> = ["output", "cache", "log-dir"]

    /// Every file and folder there is that an option names as something to read.
    var inputs: [(option: String, path: String)] {
        entries.filter { !Self.outputs.contains($0.name) }.flatMap { entry in
            entry.values.filter { FileManager.default.fileExists(atPath: $0) }
                .map { (entry.name, $0) }
        }
    }

    /// Records a value that was only settled after the options were read (from a model's
    /// configuration or the data), in place of what stood there.
    package mutating func settle(_ name: String, _ values: [String], form: Entry.Form = .text) {
        let entry = Entry(name: name, values: values, form: form)
        if let index = entries.firstIndex(where: { $0.name == name }) {
            entries[index] = entry
            return
        }
        guard let place = order.firstIndex(of: name) else { return entries.append(entry) }
        let later = Set(order[place...])
        entries.insert(entry, at: entries.firstIndex { later.contains($0.name) } ?? entries.count)
    }

    /// The run file's text.
    package var yaml: String {
        var text = "# bertkit \(command) --config THIS_FILE runs this again.\n"
        for entry in entries {
            let values =
                entry.form == .truth ? entry.values : entry.values.map(Self.scalar)
            let value = values.joined(separator: ", ")
            text += "\(entry.name): \(entry.form == .list ? "[\(value)]" : value)\n"
        }
        return text
    }

    /// A scalar that any YAML reader takes for this text: quoted unless it is plainly safe.
    private static func scalar(_ text: String) -> String {
        let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let startsSafely = text.utf8.first.map { $0 != UInt8(ascii: "-") } ?? false
        if isPlain, startsSafely, !words.contains(text.lowercased()) { return text }

        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.count == 1 ? "0" : "") + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
