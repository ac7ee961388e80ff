import Bert
import Foundation
import TestSupport
import Testing

@Suite("bertkit evaluate")
struct EvaluateTests {
    /// A teacher, a smaller student and a labelled file.
    private func folder(_ body: (URL) throws -> Void) throws {
        try Folder.temporary { folder in
            try SmallModel(seed: 1).write(to: folder.appending(path: "teacher"))
            try SmallModel(seed: 2, hidden: 8, layers: 1)
                .write(to: folder.appending(path: "student"))
            let labels = ["positive", "negative", "negative"]
            _ = try folder.write(SmallModel.taskFile(labels: labels), "dev.tsv")
            try body(folder)
        }
    }

    private func report(_ outcome: Outcome) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("Teacher and students stand side by side, with their answers in a file")
    func comparison() throws {
        try folder { folder in
            let (teacher, student) = (folder.path + "/teacher", folder.path + "/student")
            let answers = folder.path + "/answers.tsv"
            let arguments = [
                "evaluate", "--teacher", teacher, "--student", student, "--data",
                folder.path + "/dev.tsv", "--format", "json", "--predictions", answers,
                "--temperature", "2", "--quiet",
            ]
            let outcome = try Command.run(arguments)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.isEmpty)
            let report = try report(outcome)
            #expect(report["exampleCount"] as? Int == 40)
            #expect(report["temperature"] as? Double == 2)
            let measures = try #require(report["teacher"] as? [String: Any])
            #expect(measures["name"] as? String == "teacher")
            let students = try #require(report["students"] as? [[String: Any]])
            #expect(students.map { $0["name"] as? String } == ["student"])
            let divergence = try #require(students[0]["klFromTeacher"] as? Double)
            #expect(divergence > 0.001)

            // The accuracy is that of the answers in the file.
            let text = try String(contentsOfFile: answers, encoding: .utf8)
            let rows = text.split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(
                rows[0].joined(separator: " ")
                    == "index gold teacher:label teacher:logit:negative teacher:logit:positive "
                    + "student:label student:logit:negative student:logit:positive"
            )
            #expect(rows.count == 41)
            let right = rows.dropFirst().count { $0[1] == $0[2] }
            let accuracy = try #require(measures["accuracy"] as? Double)
            #expect(abs(accuracy - Double(right) / 40) < 1e-12)
            let agreeing = rows.dropFirst().count { $0[2] == $0[5] }
            let agreement = try #require(students[0]["agreement"] as? Double)
            #expect(abs(agreement - Double(agreeing) / 40) < 1e-12)
            let weights = try FileManager.default.attributesOfItem(
                atPath: student + "/tf_model.h5"
            )
            #expect(students[0]["bytesOnDisk"] as? Int == weights[.size] as? Int)

            let again = try Command.run(arguments)
            #expect(again.code == 73)
            #expect(again.error.contains("answers.tsv: it exists already"))
            #expect(try Command.run(arguments + ["--force", "--workers", "1"]).code == 0)
            #expect(try String(contentsOfFile: answers, encoding: .utf8) == text)
        }
    }

    @Test("A model alone is measured, and a file without labels gives closeness alone")
    func partial() throws {
        try folder { folder in
            let data = ["--data", folder.path + "/dev.tsv"]
            let alone = try Command.run(["evaluate", "--student", folder.path + "/student"] + data)
            #expect(alone.code == 0)
            #expect(alone.output.contains("accuracy"))
            #expect(!alone.output.contains("teacher"))
            #expect(try Command.run(["evaluate"] + data).code == 64)

            let plain = try folder.write(SmallModel.taskFile(labels: nil), "plain.tsv")
            let unlabelled = try Command.run(
                "evaluate",
                "--teacher",
                folder.path + "/teacher",
                "--student",
                folder.path + "/teacher",
                "--data",
                plain
            )
            #expect(unlabelled.code == 0)
            #expect(!unlabelled.output.contains("accuracy"))
            #expect(
                unlabelled.output.contains(/agreement with teacher +– +1\.0000\n/),
                "\(unlabelled.output)"
            )
            #expect(unlabelled.error.contains("has no labels, so no quality is measured"))
        }
    }

    @Test("Texts that are too long are cut and counted")
    func truncation() throws {
        try folder { folder in
            let arguments = [
                "evaluate", "--teacher", folder.path + "/teacher", "--data",
                folder.path + "/dev.tsv",
            ]
            let short = try Command.run(arguments + ["--max-length", "3"])
            #expect(short.code == 0)
            #expect(short.error.contains("of 40 texts are longer than 3 pieces and were cut"))
            let long = try Command.run(arguments + ["--max-length", "17"])
            #expect(long.code == 64)
            #expect(long.error.contains("17 pieces are more than the 16 positions of"))
        }
    }

    @Test("Models whose heads answer differently are not compared")
    func differentAnswers() throws {
        try folder { folder in
            func outcome(_ student: SmallModel, _ name: String) throws -> Outcome {
                try student.write(to: folder.appending(path: name))
                return try Command.run(
                    "evaluate",
                    "--teacher",
                    folder.path + "/teacher",
                    "--student",
                    folder.path + "/" + name,
                    "--data",
                    folder.path + "/dev.tsv",
                    "--quiet"
                )
            }
            // The same names in another order are the same answers.
            let same = try outcome(SmallModel(seed: 1), "same")
            let order = try outcome(SmallModel(labels: ["positive", "negative"], seed: 1), "order")
            #expect(same.code == 0 && order.code == 0, "\(order.error)")
            #expect(same.output.contains(/agreement with teacher +– +1\.0000/))
            #expect(order.output.contains(/agreement with teacher +– +0\.0000/))
            let names = try outcome(SmallModel(labels: ["bad", "good", "so so"]), "names")
            #expect(names.code == 65)
            #expect(names.error.contains("its head answers bad, good, so so, but that of the"))
            let score = SmallModel(labels: ["score"], problemType: .regression)
            #expect(try outcome(score, "score").error.contains("its head answers a score, but"))
        }
    }

    @Test("Paths are named as the user spelled them")
    func badPaths() throws {
        let outcome = try Command.shell(
            """
            mkdir empty; echo "a b" > text.tsv
            $BERTKIT evaluate --teacher empty --data text.tsv --quiet
            $BERTKIT evaluate --teacher text.tsv --data text.tsv --quiet
            $BERTKIT evaluate --teacher ./nowhere/ --data text.tsv --quiet
            $BERTKIT inspect nowhere
            """
        )
        let lines = outcome.errorLines
        try #require(lines.count == 4)
        #expect(lines[0].hasPrefix("bertkit: empty: the folder has no weights ("))
        #expect(lines[1].hasPrefix("bertkit: text.tsv: this is no file of tensors that is known"))
        #expect(lines[2] == "bertkit: ./nowhere: there is no such file or folder.")
        #expect(lines[3] == "bertkit: nowhere: there is no such file or folder.")
    }

    @Test(
        "The real teacher's accuracy is its README's",
        .enabled(if: Fixtures.shared != nil, "needs the shared teacher")
    )
    func realTeacher() throws {
        let shared = try #require(Fixtures.shared)
        let outcome = try Command.run(
            "evaluate",
            "--teacher",
            shared.path + "/teachers/minilm-sst2",
            "--data",
            shared.path + "/data/SST-2/dev.tsv",
            "--format",
            "json",
            "--quiet"
        )
        // 774 of 872; the text, since JSONSerialization rounds the last bit.
        #expect(outcome.output.contains("\"accuracy\" : 0.8876146788990825,"))
    }
}
