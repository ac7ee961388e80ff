import Foundation
import TestSupport
import Testing

@Suite("Commands on labelled words")
struct TokenCommandTests {
    private static let words = Fixtures.folder.appending(path: "words").path
    private static let encoder = Fixtures.folder.appending(path: "teacher").path

    /// A folder with a token classifier of the project's own sentences in `tagger/`.
    private static func trained(_ body: (Workbench) throws -> Void) throws {
        try Folder.temporary { folder in
            let bench = Workbench(folder: folder)
            let outcome = try bench.run(
                "finetune --model \(encoder) --train \(words)/train.conll --dev \(words)/dev.conll "
                    + "--metric f1 --epochs 6 --learning-rate 1e-3 --output @tagger"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            try body(bench)
        }
    }

    /// The numbers of one model in a report as JSON.
    private static func measures(_ bench: Workbench, _ models: String) throws -> [[String: Any]] {
        let outcome = try bench.run("evaluate \(models) --data \(words)/dev.conll --format json")
        #expect(outcome.code == 0, "\(outcome.error)")
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let report = try #require(json as? [String: Any])
        #expect(report["task"] as? String == "token-classification")
        #expect(report["exampleCount"] as? Int == 1423 && report["sentenceCount"] as? Int == 150)
        let students = try #require(report["students"] as? [[String: Any]])
        return [report["teacher"] as? [String: Any]].compactMap(\.self) + students
    }

    @Test func `a tagger is trained, distilled, compared, and labels words`() throws {
        try Self.trained { bench in
            let outcome = try bench.run(
                "distill --teacher @tagger --layers 2 --init teacher-layers --cache @cache "
                    + "--train \(Self.words)/train.conll --dev \(Self.words)/dev.conll "
                    + "--hard-label-weight 0.2 --epochs 5 --learning-rate 1e-3 --output @student"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("teacher's F1 of entities kept"))
            let models = try Self.measures(bench, "--teacher @tagger --student @student")
            #expect(models.count == 2)
            // The most frequent label, O, would be right on 71 %.
            for model in models {
                let (accuracy, f1) = (model["accuracy"] as? Double, model["entityF1"] as? Double)
                #expect(accuracy ?? 0 > 0.9 && f1 ?? 0 > 0.7, "\(model)")
            }
            #expect(models[1]["agreement"] as? Double ?? 0 > 0.95)
            #expect(models[1]["klFromTeacher"] as? Double ?? 1 < 0.1)
            let configuration = try bench.text("student/config.json")
            #expect(configuration.contains("BertForTokenClassification"))
            #expect(
                try bench.text("student/README.md").contains("pipeline_tag: token-classification")
            )
            let again = try bench.run(
                "distill --config @student/run.yaml --output @again --workers 1"
            )
            #expect(again.code == 0, "\(again.error)")
            #expect(again.error.contains("500 of 500 from"))
            #expect(try bench.bytes("again/tf_model.h5") == bench.bytes("student/tf_model.h5"))

            let predicted = try bench.run("predict --model @student \(Self.words)/dev.conll")
            #expect(predicted.code == 0, "\(predicted.error)")
            let gold = try String(contentsOfFile: "\(Self.words)/dev.conll", encoding: .utf8)
            let found = predicted.output.split(separator: "\n", omittingEmptySubsequences: false)
            let wanted = gold.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(
                zip(found, wanted).allSatisfy {
                    $0.prefix { $0 != "\t" } == $1.prefix { $0 != "\t" }
                }
            )
            let right = zip(found, wanted).count { !$0.isEmpty && $0 == $1 }
            #expect(abs(Double(right) / 1423 - (models[1]["accuracy"] as? Double ?? 0)) < 1e-9)
        }
    }

    @Test func `words of lines are labelled as they arrive`() throws {
        try Self.trained { bench in
            let model = bench["tagger"].path
            let input = "Anna Berg  lives in Oslo .\n\nthe film\n"
            let plain = try Command.run("predict", "--model", model, input: input)
            #expect(plain.code == 0, "\(plain.error)")
            let sentences = plain.output.components(separatedBy: "\n\n")
            let rows = sentences[0].split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(rows.map { $0[0] } == ["Anna", "Berg", "lives", "in", "Oslo", "."])
            let labels = ["B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER", "O"]
            #expect(rows.allSatisfy { $0.count == 2 && labels.contains(String($0[1])) })
            // The same words as columns of a file, whose own labels are not looked at.
            let columns = "Anna B-LOC\nBerg O\nlives O\nin O\nOslo O\n. O\n\nthe O\nfilm O\n"
            try bench.write(columns, "columns.txt")
            let file = try bench.run("predict --model @tagger @columns.txt")
            #expect(file.output == plain.output.replacing("\n\n\n", with: "\n\n"))
            #expect(sentences.count == 3)
            #expect(sentences[1].hasPrefix("\nthe\tO\nfilm\tO"))
            let json = try Command.run(
                "predict",
                "--model",
                model,
                "--format",
                "jsonl",
                input: "the film\n\n"
            )
            #expect(
                json.output == "{\"tokens\":[\"the\",\"film\"],\"labels\":[\"O\",\"O\"]}\n"
                    + "{\"tokens\":[],\"labels\":[]}\n"
            )
            let cut = try Command.run(
                "predict",
                "--model",
                model,
                "--max-length",
                "4",
                input: "the film \u{200B} the film\n"
            )
            #expect(cut.output == "the\tO\nfilm\tO\n\u{200B}\t_\nthe\t_\nfilm\t_\n\n")
            #expect(cut.error.contains("2 words lie behind 4 pieces"))
            #expect(cut.error.contains("1 words have no pieces"))
            let tabs = try Command.run("predict", "--model", model, input: "a film\nb\tO\n")
            #expect(tabs.code == 65 && tabs.output.hasPrefix("a\tO\nfilm\tO\n"))
            #expect(tabs.error.contains("standard input: line 2 has a tab"))
        }
    }

    @Test func `the task is seen in the file, or said`() throws {
        try Workbench.temporary { bench in
            try bench.write("a/D film/N\nnew/A plot/N\n", "tagged.txt")
            try bench.write("a\tD\nfilm\tN\nnew\tA\nplot\tN\n", "one.txt")
            let line = "finetune --model @teacher --epochs 1 --output @out --force"
            let seen = try bench.run("\(line) --train @tagged.txt --dev @tagged.txt")
            #expect(seen.code == 0, "\(seen.error)")
            #expect(try bench.text("out/run.yaml").contains("task: token-classification"))
            // One sentence without an empty line looks like nothing in particular.
            #expect(try bench.run("\(line) --train @one.txt --dev @one.txt").code != 0)
            let said = try bench.run(
                "\(line) --task token-classification --train @one.txt --dev @one.txt --labels N,D,A"
            )
            #expect(said.code == 0, "\(said.error)")
            let configuration = try bench.text("out/config.json")
            #expect(
                configuration.contains("\"0\": \"N\"") && configuration.contains("\"1\": \"D\"")
            )
            let scores = try bench.run(
                "\(line) --task regression --train @tagged.txt --dev @tagged.txt"
            )
            #expect(scores.code != 0)
            // A tagger goes on as one, whatever its new file looks like.
            let further = try bench.run(
                "finetune --model @out --epochs 1 --train @one.txt --dev @one.txt --output @more"
            )
            #expect(further.code == 0, "\(further.error)")
        }
    }

    @Test func `heads and labels that do not fit are refused`() throws {
        try Workbench.temporary { bench in
            try bench.write("a/D film/N\nnew/A plot/N\n", "tagged.txt")
            try bench.write("a/D film/X\n", "other.txt")
            let made = try bench.run(
                "finetune --model @teacher --epochs 1 --train @tagged.txt --dev @tagged.txt "
                    + "--output @tagger"
            )
            #expect(made.code == 0, "\(made.error)")
            for (line, says) in [
                (
                    "evaluate --teacher @teacher --student @tagger --data @dev.tsv",
                    "it has a token-classification head, and the teacher"
                ),
                ("evaluate --student @tagger --data @other.txt", "line 1: unknown label 'X'"),
                ("evaluate --student @tagger --data @dev.tsv", "unknown label"),
                ("benchmark --model @tagger", "only a token-classification head"),
                (
                    "distill --teacher @tagger --teacher @teacher --layers 1 --train @tagged.txt "
                        + "--dev @tagged.txt --layer-teacher @tagger --output @out",
                    "it has a sequence-classification head, and"
                ),
                (
                    "distill --teacher @tagger --layers 1 --train @tagged.txt --dev @tagged.txt "
                        + "--text-column 3 --output @out", "a column is chosen"
                ),
            ] {
                let outcome = try bench.run(line)
                #expect(
                    outcome.code != 0 && outcome.error.contains(says),
                    "\(line): \(outcome.error)"
                )
            }
        }
    }
}
