import Datasets
import Diagnostics
import Foundation
import Testing

@Suite struct PlainTextTests {
    /// Lends a file of these lines.
    private func file(_ lines: [String], _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "plain-\(UUID().uuidString).txt")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }

    private func lines(_ text: PlainText, epoch: Int = 0) throws -> [String] {
        var lines = text.lines(epoch: epoch, seed: 1)
        var found: [String] = []
        while let line = try lines.next() { found.append(String(decoding: line, as: UTF8.self)) }
        return found
    }

    @Test(arguments: [8, 64, 1 << 18])
    func `held lines and the rest are the whole, however the file is read`(
        _ blockSize: Int
    ) throws {
        let all = (0..<100).map { "line \($0)" }
        // Empty lines do not count.
        try file(all.flatMap { [$0, ""] }) { path in
            let held = try PlainText(
                path: path,
                part: .held(every: 10),
                blockSize: blockSize,
                windowBlocks: 2
            )
            let rest = try PlainText(
                path: path,
                part: .rest(every: 10),
                blockSize: blockSize,
                windowBlocks: 2
            )
            #expect(held.lineCount == 10 && rest.lineCount == 90)
            #expect(try Set(lines(held)) == Set((0..<10).map { "line \(10 * $0 + 9)" }))
            let read = try lines(rest)
            #expect(read.count == 90)
            #expect(try Set(read + lines(held)) == Set(all))
            #expect(try lines(rest, epoch: 1) != read)
        }
    }

    @Test func `too few lines to hold any is said`() throws {
        try file(["one", "two"]) { path in
            let failure = #expect(throws: Failure.self) {
                try PlainText(path: path, part: .held(every: 3))
            }
            #expect(failure?.description.contains("only 2 lines with text") == true)
        }
    }
}
