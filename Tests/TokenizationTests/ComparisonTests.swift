import Foundation
import Testing
import Tokenization

/// Driven by `fixtures/generate/tokenizer_compare.py`, which makes the lines and asks the
/// reference library for the ids.
@Suite struct ComparisonTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static func url(_ name: String) -> URL? {
        environment["BERTKIT_TOKENIZER_\(name)"].map { URL(filePath: $0) }
    }

    @Test(
        "the ids of a file of lines equal those of the reference library",
        .enabled(
            if: url("LINES") != nil && url("IDS") != nil && url("VOCAB") != nil,
            "BERTKIT_TOKENIZER_LINES, _IDS and _VOCAB name the files to compare"
        )
    )
    func idsEqual() throws {
        let vocabularyFile = try #require(Self.url("VOCAB"))
        let vocabulary = try Vocabulary(contentsOf: vocabularyFile)
        let configuration = try TokenizerConfiguration(
            folder: vocabularyFile.deletingLastPathComponent(),
            vocabulary: vocabulary
        )
        let tokenizer = WordPieceTokenizer(vocabulary: vocabulary, configuration: configuration)
        if let export = Self.url("EXPORT") {
            let files = TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: configuration,
                maximumPositions: 512
            )
            for (name, bytes) in files { try Data(bytes).write(to: export.appending(path: name)) }
        }
        let lines = try Self.lines(#require(Self.url("LINES")))
        let expected = try Self.lines(#require(Self.url("IDS")))
        #expect(lines.count == expected.count)

        var mismatches = 0
        for (number, (line, expected)) in zip(lines, expected).enumerated() {
            let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
            let maximum = try #require(Int(String(decoding: fields[0], as: UTF8.self)))
            let encoding = tokenizer.encode(
                Self.unescaped(fields[1]),
                pair: fields.count > 2 ? Self.unescaped(fields[2]) : nil,
                maximumLength: maximum
            )
            let firstTypes = encoding.tokenTypes.count { $0 == 0 }
            let found = ([firstTypes] + encoding.ids.map(Int.init)).map(String.init)
            guard found.joined(separator: " ") != String(decoding: expected, as: UTF8.self) else {
                continue
            }
            mismatches += 1
            if mismatches <= 10 {
                Issue.record(
                    """
                    line \(number + 1): \(String(decoding: line, as: UTF8.self).debugDescription)
                    expected \(String(decoding: expected, as: UTF8.self))
                    found    \(found.joined(separator: " "))
                    """
                )
            }
        }
        print("compared \(lines.count) lines, \(mismatches) mismatches")
        #expect(mismatches == 0)
    }

    private static func lines(_ url: URL) throws -> [ArraySlice<UInt8>] {
        var lines = try [UInt8](Data(contentsOf: url))
            .split(separator: 0x0A, omittingEmptySubsequences: false)
        lines.removeLast()
        return lines
    }

    /// Undoes `\\`, `\n`, `\r`, `\t`.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isEscape = false
        for byte in text {
            if isEscape {
                let plain: [UInt8: UInt8] = [0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09]
                result.append(plain[byte] ?? byte)
                isEscape = false
            } else if byte == UInt8(ascii: "\\") {
                isEscape = true
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
