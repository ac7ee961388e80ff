import Diagnostics
import Foundation
import Glibc
import Testing
import bertkit

@Suite("Prediction's input and output")
struct PredictionTests {
    /// All texts and pairs of a file with these bytes, read in portions of `limit` lines.
    private func lines(_ bytes: [UInt8], limit: Int) throws -> [[String?]] {
        try Folder.temporary { folder in
            let file = folder.appending(path: "lines.txt")
            try Data(bytes).write(to: file)
            var reader = try TextLines(path: file.path)
            var result: [[String?]] = []
            while let portion = try reader.next(limit: limit) {
                #expect((1...limit).contains(portion.lines.count))
                for line in portion.lines {
                    let text = String(decoding: portion.bytes[line.text], as: UTF8.self)
                    let pair = line.pair.map {
                        String(decoding: portion.bytes[$0], as: UTF8.self)
                    }
                    result.append([text, pair])
                }
            }
            return result
        }
    }

    @Test("Every line is one text or one pair, whatever ends it", arguments: [1, 2, 100])
    func linesAndPairs(limit: Int) throws {
        let text = "\u{feff}one\r\n\ntwo\tthree\n\t\nlast é"
        let expected: [[String?]] = [
            ["one", nil], ["", nil], ["two", "three"], ["", ""], ["last é", nil],
        ]
        #expect(try lines(Array(text.utf8), limit: limit) == expected)
        #expect(try lines(Array((text + "\n").utf8), limit: limit) == expected)
        #expect(try lines([], limit: limit).isEmpty)
    }

    @Test("Lines longer than a portion of reading stay whole")
    func longLines() throws {
        let long = String(repeating: "word ", count: 50_000)
        let found = try lines(Array("a\n\(long)\nb\n".utf8), limit: 8)
        #expect(found == [["a", nil], [long, nil], ["b", nil]])
    }

    @Test("A bad line is named by its number")
    func badLines() {
        #expect {
            try lines([0x61, 0x0a, 0xff, 0x0a], limit: 4)
        } throws: { error in
            "\(error)".hasSuffix("lines.txt: line 2 is not UTF-8 text.")
                && (error as? Failure)?.kind == .badData
        }
        #expect {
            try lines(Array("a\tb\tc".utf8), limit: 4)
        } throws: { error in
            "\(error)".contains("line 1 has 2 tabs; expected one text, or two")
        }
        #expect {
            _ = try TextLines(path: "/nowhere/at/all")
        } throws: { error in
            (error as? Failure)?.kind == .missingInput
        }
    }

    @Test("What has arrived is handed out without waiting for more")
    func streaming() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[1]) }
        _ = "first\nsecond\npart".utf8.withContiguousStorageIfAvailable {
            write(ends[1], $0.baseAddress, $0.count)
        }
        var reader = try TextLines(path: "/dev/fd/\(ends[0])")
        close(ends[0])
        let portion = try #require(try reader.next(limit: 100))
        #expect(portion.lines.count == 2)
    }

    @Test("A class's line has its label and the probabilities in the model's order")
    func classes() {
        let labels = ["negative", "neither \"nor\"", "positive"]
        let logits: [Float] = [0, 0, 1, 2, 3, 3, 3, 3]
        let tabs = PredictionText(.tabSeparated, labels: labels)
        var text = tabs.heading
        tabs.append(logits[0..<3], to: &text)
        tabs.append(logits[5...7], to: &text)
        #expect(
            text == """
                label\tnegative\tneither "nor"\tpositive
                positive\t0.211942\t0.211942\t0.576117
                negative\t0.333333\t0.333333\t0.333333

                """
        )
        let json = PredictionText(.jsonLines, labels: labels)
        var lines = json.heading
        json.append([1000, -1000, 0], to: &lines)
        #expect(
            lines == #"{"label":"negative","probabilities":{"negative":1.000000,"#
                + #""neither \"nor\"":0.000000,"positive":0.000000}}"# + "\n"
        )
    }

    @Test("A score is a number alone")
    func scores() {
        let tabs = PredictionText(.tabSeparated, labels: [])
        var text = tabs.heading
        tabs.append([3.25], to: &text)
        #expect(text == "score\n3.25\n")
        var json = ""
        PredictionText(.jsonLines, labels: []).append([-0.5], to: &json)
        PredictionText(.jsonLines, labels: []).append([.nan], to: &json)
        #expect(json == "{\"score\":-0.5}\n{\"score\":null}\n")
    }
}
