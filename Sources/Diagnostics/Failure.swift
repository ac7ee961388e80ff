import Glibc

/// Something in the user's data, files or machine that stops the work.
///
/// Every module reports its data errors as this one type, so that the command can print one clear
/// sentence and choose the exit code. Programmer errors trap instead.
public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, in classes a script can act on; the codes follow `sysexits.h`, but for the
    /// verdict of a quality gate, which is no error.
    public enum Kind: Sendable, Hashable {
        /// Options that contradict each other or the data.
        case usage
        /// A file whose content is not what it should be.
        case badData
        /// A file or folder that is not there or cannot be opened.
        case missingInput
        /// A limit of memory or of the machine.
        case limit
        /// An output that exists already or cannot be created.
        case cannotCreate
        /// Reading or writing failed part-way.
        case inputOutput
        /// Training produced a value that is not finite.
        case diverged
        /// A quality that was demanded and is not reached.
        case belowGate
        /// A signal asked for the end.
        case interrupted(signal: Int32)

        public var exitCode: Int32 {
            switch self {
            case .usage: 64
            case .badData: 65
            case .missingInput: 66
            case .limit: 69
            case .cannotCreate: 73
            case .inputOutput: 74
            case .diverged: 76
            case .belowGate: 4
            case .interrupted(let signal): 128 + signal
            }
        }
    }

    public let kind: Kind
    /// The file, folder or option concerned, as the user spelled it.
    public let subject: String
    /// What is wrong: object, expected, found.
    public let reason: String
    /// What to do about it, when that is known.
    public let remedy: String?

    public init(_ kind: Kind, _ subject: String, _ reason: String, remedy: String? = nil) {
        self.kind = kind
        self.subject = subject
        self.reason = reason
        self.remedy = remedy
    }

    /// A file that cannot be opened for reading, by the system's error number.
    public static func unopened(_ path: String, errno number: Int32) -> Failure {
        let isAbsent = number == ENOENT || number == ENOTDIR
        return Failure(
            .missingInput,
            path,
            isAbsent
                ? "there is no such file"
                : "the file cannot be opened: \(String(cString: strerror(number)))"
        )
    }

    /// `SUBJECT: REASON. REMEDY.` with anything unprintable escaped.
    public var description: String {
        var sentence = "\(printable(subject)): \(reason)"
        func end() {
            if sentence.last != ".", sentence.last != "?" { sentence += "." }
        }
        end()
        guard let remedy else { return sentence }
        sentence += " \(remedy)"
        end()
        return sentence
    }
}

/// Text from a file or a user made safe for a terminal: control characters escaped, at most 200
/// scalars.
public func printable(_ text: String) -> String {
    var result = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == 200 {
            result += "…"
            break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Names, or sentences, in a row: the first twenty, or as many as make a readable sentence, and how many
/// more there are.
public func listing(_ items: [String]) -> String {
    var shown = ""
    var count = 0
    for item in items.prefix(20) {
        let next = shown.isEmpty ? item : "\(shown), \(item)"
        guard count == 0 || next.utf8.count <= 600 else { break }
        shown = next
        count += 1
    }
    return count < items.count ? "\(shown) and \(items.count - count) more" : shown
}
