import Diagnostics
import Foundation
import Glibc

/// The reader of standard output has gone (`bertkit … | head`): end quietly.
struct ClosedPipe: Error {}

/// Where results go. Each call writes at once, so that output and logs keep their order.
enum StandardOutput {
    static func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write($0) }
    }

    static func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        guard let code = writeAll(bytes, to: STDOUT_FILENO) else { return }
        if code == EPIPE { throw ClosedPipe() }
        let problem = String(cString: strerror(code))
        throw Failure(.inputOutput, "standard output", "cannot be written: \(problem)")
    }

    /// Writes a value as JSON, its keys in alphabetical order. JSON has no word for a number that is
    /// not finite: it becomes the text `NaN`, `Infinity` or `-Infinity`.
    static func write(json value: some Encodable) throws {
        try write(json(value) + "\n")
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
