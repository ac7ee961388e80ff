import Foundation
import Testing

@Suite("What evaluate and report make of a comparison")
struct ReportCommandTests {
    /// A workbench with a smaller student beside the teacher.
    private func bench(_ body: (Workbench) throws -> Void) throws {
        try Workbench.temporary { bench in
            try SmallModel(seed: 2, hidden: 8, layers: 1).write(to: bench["student"])
            try body(bench)
        }
    }

    @Test("Details, slices, formats and the page are of the same comparison")
    func formats() throws {
        try bench { bench in
            let models = "evaluate --teacher @teacher --student @student --data @dev.tsv --quiet"
            let plain = try bench.run("\(models) --details --latency 5")
            #expect(plain.code == 0, "\(plain.error)")
            for part in [
                "95 % interval", "milliseconds for one, median", "student loses ",
                "by length in pieces",
                "calibration", "confusion of teacher", "layers of student, over ",
                "distance from the teacher",
            ] {
                #expect(
                    plain.output.contains(part) || plain.output.contains("student gains "),
                    "\(part)"
                )
            }
            let markdown = try bench.run("\(models) --format markdown")
            #expect(markdown.output.contains("\n| accuracy") && markdown.output.hasPrefix("# "))
            let csv = try bench.run("\(models) --format csv")
            let rows = csv.output.split(separator: "\n")
            #expect(rows[0] == "data,model,measure,value,low,high" && rows.count > 40)
            let page = try bench.run("\(models) --report @page.html")
            #expect(page.code == 0, "\(page.error)")
            let html = try bench.text("page.html")
            #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("SHA-256 of teacher"))
            #expect(try bench.run("\(models) --report @page.html").code == 73)
        }
    }

    @Test("Several data sets are measured one after the other")
    func dataSets() throws {
        try bench { bench in
            let outcome = try bench.run(
                "evaluate --student @student --data @dev.tsv --data @train.tsv --format json --quiet"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            let list = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            let reports = try #require(list as? [[String: Any]])
            #expect(
                reports.compactMap { $0["data"] as? String }.map { $0.suffix(9) }
                    == ["/dev.tsv", "train.tsv"].map { $0.suffix(9) }
                    || reports.count == 2
            )
            let twice = try bench.run("evaluate --student @student --data @dev.tsv --data @dev.tsv")
            #expect(twice.code == 64)
        }
    }

    @Test("A column's values make slices")
    func slices() throws {
        try bench { bench in
            try bench.write(
                "sentence\tlabel\tgenre\n"
                    + (0..<8).map { "film\t\($0 % 2)\t\($0 < 3 ? "a" : "b")\n" }.joined(),
                "genres.tsv"
            )
            let line = "evaluate --student @student --data @genres.tsv --details --quiet --slice-by"
            let outcome = try bench.run("\(line) genre")
            #expect(outcome.output.contains("by genre"), "\(outcome.error)")
            #expect(outcome.output.contains(/\nb +5\b/) && outcome.output.contains(/\na +3\b/))
            let missing = try bench.run("\(line) colour")
            #expect(missing.code == 64 || missing.code == 65)
            #expect(missing.errorLines.count == 1 && missing.error.contains("colour"))
        }
    }

    @Test("Answers that fit under another order of the labels stop the comparison")
    func exchangedLabels() throws {
        try bench { bench in
            let right = try bench.run(
                "evaluate --student @student --data @dev.tsv --predictions @answers.tsv --quiet"
            )
            #expect(right.code == 0, "\(right.error)")
            // Gold labels that are always the other than the model's answer.
            let answers = try bench.text("answers.tsv").split(separator: "\n").dropFirst()
                .map { $0.split(separator: "\t", omittingEmptySubsequences: false)[2] }
            let texts = try bench.text("dev.tsv").split(separator: "\n").dropFirst()
                .map { $0.split(separator: "\t")[0] }
            let rows = zip(texts, answers).map { text, answer in
                "\(text)\t\(answer == "positive" ? "negative" : "positive")\n"
            }
            try bench.write("sentence\tlabel\n" + rows.joined(), "exchanged.tsv")
            let outcome = try bench.run("evaluate --student @student --data @exchanged.tsv --quiet")
            #expect(outcome.code == 65 && outcome.errorLines.count == 1, "\(outcome.output)")
            #expect(outcome.error.contains("its labels seem to stand in another order"))
            #expect(outcome.error.contains("would score 100.0 % instead of 0.0 %"))
        }
    }

    @Test("One row and one class have results")
    func few() throws {
        try bench { bench in
            try bench.write("sentence\tlabel\nfilm\tpositive\n", "one.tsv")
            try bench.write(
                "sentence\tlabel\n" + String(repeating: "film\tpositive\n", count: 9),
                "class.tsv"
            )
            for file in ["one", "class"] {
                let outcome = try bench.run(
                    "evaluate --teacher @teacher --student @student --data @\(file).tsv --details "
                        + "--report @\(file).html --quiet"
                )
                #expect(outcome.code == 0, "\(outcome.error)")
                #expect(outcome.output.contains("accuracy"))
                #expect(try bench.text("\(file).html").hasSuffix("</html>\n"))
            }
        }
    }

    @Test("A page is made of finished runs, and half-written folders are refused")
    func runs() throws {
        try bench { bench in
            let common =
                "--train @train.tsv --dev @dev.tsv --epochs 1 --batch-size 8 --max-length 16 --quiet"
            for name in ["one", "two"] {
                let outcome = try bench.run(
                    "distill --teacher @teacher --init teacher-layers --layers 1 \(common) "
                        + "--seed \(name.count + (name == "two" ? 1 : 0)) --output @\(name)"
                )
                try #require(outcome.code == 0, "\(outcome.error)")
            }
            let page = try bench.run("report @one @two --output @runs.html")
            #expect(page.code == 0, "\(page.error)")
            let html = try bench.text("runs.html")
            // Both students in one table, with their curves and recipes.
            #expect(
                html.contains(
                    #"<th scope="col" class="number">one</th><th scope="col" class="number">two</th>"#
                )
            )
            #expect(
                html.contains("learning rate over the steps") && html.contains(#"name: "logits""#)
            )
            #expect(html.contains("Layers of one and its teacher"))
            try FileManager.default.removeItem(at: bench["two"].appending(path: "provenance.json"))
            let half = try bench.run("report @one @two --output @again.html")
            #expect(half.code == 65 && half.errorLines.count == 1)
            #expect(half.error.contains("not the folder of a finished run"))
            #expect(!FileManager.default.fileExists(atPath: bench["again.html"].path))
            #expect(try bench.run("report @nowhere --output @again.html").code == 66)
        }
    }
}
