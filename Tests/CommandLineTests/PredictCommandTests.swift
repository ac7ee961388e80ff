import Bert
import Foundation
import Glibc
import Testing

@Suite("bertkit predict")
struct PredictCommandTests {
    @Test("Lines and pairs get a label and probabilities, the same however they arrive")
    func classes() throws {
        try Folder.temporary { folder in
            let model = folder.path + "/model"
            try SmallModel().write(to: folder.appending(path: "model"))
            let input = "a fine film\nvery dull\tnot new\n\nold plots\n"
            let file = try folder.write(input, "lines.txt")
            let piped = try Command.run("predict", "--model", model, input: input)
            #expect(piped.code == 0, "\(piped.error)")
            #expect(piped.error.isEmpty)
            let lines = piped.output.split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(lines.count == 5)
            #expect(lines[0] == ["label", "negative", "positive"])
            for line in lines.dropFirst() {
                let shares = line.dropFirst().compactMap { Double($0) }
                #expect(shares.count == 2)
                #expect(abs(shares.reduce(0, +) - 1) < 2e-6)
                #expect(line[0] == (shares[1] > shares[0] ? "positive" : "negative"))
            }
            #expect(Set(lines.dropFirst().map { $0[1] }).count > 1)
            for batch in ["1", "3"] {
                let other = try Command.run(
                    "predict",
                    "--model",
                    model,
                    file,
                    "--batch-size",
                    batch,
                    "--workers",
                    "1"
                )
                let rows = other.output.split(separator: "\n").map { $0.split(separator: "\t") }
                #expect(rows.map { $0[0] } == lines.map { $0[0] })
                // Sums of a batch have one order, but not that of another batch.
                for (row, line) in zip(rows.dropFirst(), lines.dropFirst()) {
                    for (share, expected) in zip(row.dropFirst(), line.dropFirst()) {
                        #expect(abs((Double(share) ?? 9) - (Double(expected) ?? 0)) < 2e-6)
                    }
                }
            }
            let json = try Command.run("predict", "--model", model, file, "--format", "jsonl")
            let first = try #require(json.output.split(separator: "\n").first)
            let object = try JSONSerialization.jsonObject(with: Data(first.utf8))
            let answer = try #require(object as? [String: Any])
            #expect(answer["label"] as? String == String(lines[1][0]))
            let empty = try Command.run("predict", "--model", model)
            #expect(empty.output == "label\tnegative\tpositive\n")
        }
    }

    @Test("A score is printed as it is, and cut texts are counted")
    func scores() throws {
        try Folder.temporary { folder in
            try SmallModel(labels: ["score"], problemType: .regression)
                .write(to: folder.appending(path: "model"))
            let input = "film\n" + String(repeating: "very ", count: 30) + "\n"
            let outcome = try Command.run(
                "predict",
                "--model",
                folder.path + "/model",
                input: input
            )
            #expect(outcome.code == 0)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.first == "score")
            #expect(lines.dropFirst().compactMap { Double($0) }.count == 2)
            #expect(
                outcome.error
                    == "note: 1 of 2 texts are longer than 16 pieces and were cut for "
                    + "\(folder.path)/model.\n"
            )
        }
    }

    @Test("Bad lines are named once the lines before them are answered")
    func badLines() throws {
        try Folder.temporary { folder in
            try SmallModel(tokenTypes: 1).write(to: folder.appending(path: "model"))
            let outcome = try Command.shell(
                """
                cd \(folder.path)
                printf 'film\\nbad \\377\\n' | $BERTKIT predict --model model; echo $?
                printf 'film\\nold\\tnew\\n' | $BERTKIT predict --model model; echo $?
                $BERTKIT predict --model model nowhere.txt; echo $?
                $BERTKIT predict --model nowhere; echo $?
                """
            )
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 8)
            #expect(lines.filter { $0.count < 4 } == ["65", "65", "66", "66"])
            #expect(
                outcome.errorLines == [
                    "bertkit: standard input: line 2 is not UTF-8 text.",
                    "bertkit: standard input, line 2: these are pairs of texts, which model cannot "
                        + "read: its \"type_vocab_size\" is 1.",
                    "bertkit: nowhere.txt: there is no such file.",
                    "bertkit: nowhere: there is no such file or folder.",
                ]
            )
        }
    }

    @Test("Each line is answered before the next is written")
    func streaming() throws {
        try Folder.temporary { folder in
            try SmallModel().write(to: folder.appending(path: "model"))
            let outcome = try Command.shell(
                """
                coproc $BERTKIT predict --model \(folder.path)/model
                read -r -t 60 heading <&${COPROC[0]}
                for text in "a film" "old plot"; do
                    echo "$text" >&${COPROC[1]}
                    read -r -t 60 answer <&${COPROC[0]} && echo "$answer" || echo nothing
                done
                """
            )
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.allSatisfy { $0.split(separator: "\t").count == 3 }, "\(lines)")
        }
    }
}
