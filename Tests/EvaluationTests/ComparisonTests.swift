import Datasets
import Diagnostics
import Evaluation
import Foundation
import Testing

@Suite struct ComparisonTests {
    private func model(
        _ name: String,
        _ logits: [Float],
        parameters: Int,
        seconds: Double,
        examples: Int = 4
    ) -> ModelMeasurement {
        ModelMeasurement(
            name: name,
            logits: logits,
            parameterCount: parameters,
            parameterCountWithoutEmbeddings: parameters / 2,
            bytesOnDisk: parameters * 4 + 100,
            flopsPerToken: Double(parameters),
            seconds: seconds,
            tokenCount: 40,
            exampleCount: examples
        )
    }

    private func classification(students: Bool = true) throws -> ComparisonReport {
        let teacher = model("big", [3, 0, 0, 2, 1, 2, 4, 1], parameters: 12_345_678, seconds: 2)
        let student = model("small", [1, 0, 1, 0, 0, 2, 2, 1], parameters: 1_000_000, seconds: 0.5)
        return try ComparisonReport(
            kind: .classification(labels: ["bad", "good"]),
            targets: [0, 1, 1, 1],
            teacher: teacher,
            students: students ? [student] : [],
            temperature: 2
        )
    }

    @Test func `each measure is the metric's`() throws {
        let report = try classification()
        let teacher = try #require(report.teacher)
        let student = report.students[0]
        #expect(teacher.accuracy == 0.75 && student.accuracy == 0.5)
        #expect(teacher.f1Binary == 0.8 && isClose(student.f1Binary, 0.5))
        #expect(isClose(teacher.f1Macro, (0.8 + 2.0 / 3) / 2))
        #expect(student.agreement == 0.75 && teacher.agreement == nil)
        #expect(isClose(student.qualityKept, 200.0 / 3) && teacher.qualityKept == nil)
        let kl = LogitMetrics.meanKL(
            teacher: [3, 0, 0, 2, 1, 2, 4, 1],
            student: [1, 0, 1, 0, 0, 2, 2, 1],
            classCount: 2,
            temperature: 2
        )
        #expect(student.klFromTeacher == kl && teacher.klFromTeacher == nil)
        #expect(isClose(student.parameterCompression, 12.345678))
        #expect(isClose(student.sizeCompression, 49_382_812.0 / 4_000_100))
        #expect(student.speedUp == 4 && teacher.speedUp == nil)
        #expect(student.examplesPerSecond == 8 && student.tokensPerSecond == 80)
        #expect(student.pearson == nil && student.meanSquaredError == nil)
        #expect(report.exampleCount == 4 && report.hasTargets && report.models.count == 2)
    }

    @Test func `regression compares scores`() throws {
        let report = try ComparisonReport(
            kind: .regression,
            targets: [0, 1, 2, 5],
            teacher: model("t", [0, 1, 2, 5], parameters: 10, seconds: 1),
            students: [
                model("s", [0, 2, 1, 5], parameters: 10, seconds: 1),
                model("constant", [3, 3, 3, 3], parameters: 10, seconds: 0),
            ],
            temperature: 1
        )
        #expect(report.teacher?.pearson == 1 && report.teacher?.meanSquaredError == 0)
        #expect(isClose(report.students[0].spearman, 0.8))
        #expect(report.students[0].squaredErrorFromTeacher == 0.5)
        #expect(isClose(report.students[0].qualityKept, 100 * 13.0 / 14))
        #expect(report.students[1].pearson == nil && report.students[1].qualityKept == nil)
        #expect(report.students[1].examplesPerSecond == nil && report.students[1].speedUp == nil)
        #expect(report.students[0].accuracy == nil && report.students[0].klFromTeacher == nil)
        let lines = report.table.plain.split(separator: "\n")
        let pearson = try #require(lines.first { $0.hasPrefix("Pearson") })
        #expect(pearson.split(separator: " ").suffix(3) == ["1.0000", "0.9286", "undefined"])
        #expect(!report.table.plain.contains("accuracy"))
    }

    @Test func `the table is aligned and says what does not apply`() throws {
        let lines = try classification().table.plain.split(separator: "\n")
        #expect(Set(lines.map { displayWidth(String($0)) }).count == 1)
        func cells(_ start: String) -> [Substring] {
            lines.first { $0.hasPrefix(start) }?.split(separator: " ") ?? []
        }
        #expect(cells("accuracy") == ["accuracy", "0.7500", "0.5000"])
        #expect(cells("KL(teacher‖student), nats, T = 2").suffix(2).first == "–")
        #expect(cells("parameters ") == ["parameters", "12,345,678", "1,000,000"])
        #expect(cells("F1 of 'good'").suffix(2) == ["0.8000", "0.5000"])
        #expect(cells("speed-up") == ["speed-up", "–", "4.00", "×"])
    }

    @Test func `without a teacher or targets their rows are left out`() throws {
        let alone = try ComparisonReport(
            kind: .classification(labels: ["a", "b", "c"]),
            targets: [],
            teacher: nil,
            students: [model("s", [Float](repeating: 1, count: 12), parameters: 1, seconds: 1)],
            temperature: 1
        )
        let text = alone.table.plain
        for absent in ["accuracy", "F1", "KL", "agreement", "compression", "speed-up", "kept"] {
            #expect(!text.contains(absent), "\(absent)")
        }
        #expect(text.contains("tokens per second"))
        #expect(alone.students[0].accuracy == nil && alone.students[0].parameterCompression == nil)
    }

    @Test func `JSON holds every measure and reads back`() throws {
        let report = try classification()
        let text = report.json()
        #expect(try classification().json() == text)
        #expect(try JSONDecoder().decode(ComparisonReport.self, from: Data(text.utf8)) == report)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        )
        let teacher = try #require(object["teacher"] as? [String: Any])
        let students = try #require(object["students"] as? [[String: Any]])
        #expect(teacher.keys.sorted() == students[0].keys.sorted())
        #expect(teacher.count == 44)
        #expect(teacher["speedUp"] is NSNull && teacher["accuracy"] as? Double == 0.75)
        #expect(object["temperature"] as? Double == 2)
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
        #expect(keys == keys.sorted())
        #expect(text.hasSuffix("}\n"))
    }

    @Test func `answers that are not finite are refused by name`() {
        for bad in [Float.nan, .infinity] {
            do throws(Failure) {
                _ = try ComparisonReport(
                    kind: .classification(labels: ["a", "b"]),
                    targets: [0, 1],
                    teacher: model("t", [1, 2, 3, 4], parameters: 1, seconds: 1),
                    students: [model("s", [1, 2, bad, 4], parameters: 1, seconds: 1)],
                    temperature: 1
                )
                Issue.record("\(bad) was accepted")
            } catch {
                #expect(error.subject == "s" && error.kind == .badData)
                #expect(error.reason.contains("example 1 "))
            }
        }
        #expect(throws: Failure.self) {
            try ComparisonReport(
                kind: .regression,
                targets: [],
                teacher: model("t", [1, 2], parameters: 1, seconds: 1),
                students: [model("s", [1, 2, 3], parameters: 1, seconds: 1)],
                temperature: 1
            )
        }
    }

    @Test func `predictions are rows of index gold labels and logits`() throws {
        let models = [
            model("big", [3, 0, 0, 2.5], parameters: 1, seconds: 1),
            model("a\tb", [0.1, 1e-8, 0, -1], parameters: 1, seconds: 1),
        ]
        let text = ComparisonReport.predictionsTSV(
            kind: .classification(labels: ["bad", "go\nod"]),
            targets: [0, 1],
            models: models
        )
        let rows = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        #expect(
            rows[0] == [
                "index", "gold", "big:label", "big:logit:bad", "big:logit:go\\u{a}od",
                "a\\u{9}b:label", "a\\u{9}b:logit:bad", "a\\u{9}b:logit:go\\u{a}od",
            ]
        )
        #expect(rows[1] == ["0", "bad", "bad", "3.0", "0.0", "bad", "0.1", "1e-08"])
        #expect(
            rows[2]
                == ["1", "go\\u{a}od", "go\\u{a}od", "0.0", "2.5", "bad", "0.0", "-1.0"]
        )
        let scores = ComparisonReport.predictionsTSV(
            kind: .regression,
            targets: [],
            models: [model("m", [0.5, 2], parameters: 1, seconds: 1)]
        )
        #expect(scores == "index\tgold\tm:score\n0\t\t0.5\n1\t\t2.0\n")
    }
}
