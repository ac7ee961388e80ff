import Datasets
import Diagnostics
import Evaluation
import Foundation
import Testing

/// Intervals, losses, slices and lists of a comparison.
@Suite struct DetailsTests {
    private func model(_ name: String, _ logits: [Float], outputs: Int = 2) -> ModelMeasurement {
        var model = ModelMeasurement(
            name: name,
            logits: logits,
            parameterCount: 10,
            parameterCountWithoutEmbeddings: 5,
            bytesOnDisk: 40,
            flopsPerToken: 1,
            seconds: 2,
            tokenCount: 100,
            exampleCount: logits.count / outputs
        )
        model.processorSeconds = 3.6
        model.latencies = (1...100).map { Double($0) / 1000 }
        return model
    }

    /// A teacher that is wrong on every tenth example, a student that is on every fifth.
    private func report(_ count: Int = 200, bootstrap: Bootstrap? = Bootstrap()) throws
        -> ComparisonReport
    {
        let targets = (0..<count).map { Float($0 % 2) }
        func logits(wrongEvery: Int) -> [Float] {
            (0..<count).flatMap { index -> [Float] in
                let isOne = (index % 2 == 1) != (index % wrongEvery == 0)
                return isOne ? [0, 2] : [1, 0]
            }
        }
        return try ComparisonReport(
            kind: .classification(labels: ["no", "yes"]),
            targets: targets,
            teacher: model("teacher", logits(wrongEvery: 10)),
            students: [model("student", logits(wrongEvery: 5))],
            temperature: 1,
            bootstrap: bootstrap,
            facts: ExampleFacts(
                data: "some.tsv",
                lengths: (0..<count).map { $0 < count / 2 ? 5 : 40 },
                text: { "text \($0)" },
                columns: [("genre", (0..<count).map { $0 % 4 == 0 ? "poem" : "prose" })],
                listedDisagreements: 3
            )
        )
    }

    @Test func `what is lost has an interval and a test`() throws {
        let report = try report()
        let student = report.students[0]
        let loss = try #require(student.loss)
        #expect(abs(loss.value - 0.1) < 1e-12)
        // Wrong on multiples of 5 but not of 10: 20 of 200, all the teacher's alone.
        #expect(loss.mcNemar?.onlyFirstRight == 20 && loss.mcNemar?.onlySecondRight == 0)
        let interval = try #require(loss.interval)
        // The standard error of pairs is √(0.1·0.9/200) = 0.0212.
        #expect(abs(interval.low - 0.058) < 0.015 && abs(interval.high - 0.142) < 0.015)
        #expect(
            report.verdict(on: student)?.hasPrefix(
                "student loses 10.0 points of accuracy, 95 % interval "
            ) == true
        )
        #expect(report.verdict(on: student)?.hasSuffix("(McNemar p < 0.0001)") == true)
        #expect(report.headline.hasPrefix("student keeps 88.9 % of the teacher's accuracy"))
        let quality = try #require(student.qualityInterval)
        #expect(quality.low < 0.8 && quality.high > 0.8 && quality.high - quality.low < 0.13)
        #expect(report.resamples == 1000 && report.seed == 42)
        #expect(student.agreementWhereTeacherRight == 160.0 / 180)
        #expect(student.agreementWhereTeacherWrong == 1)
        #expect(student.f1Micro == student.accuracy)
        #expect(student.confusion == [[80, 20], [20, 80]])
        #expect(try self.report(bootstrap: nil).students[0].loss == nil)
    }

    @Test func `chance is called chance`() throws {
        let targets: [Float] = [0, 1, 0, 1, 0, 1]
        let right: [Float] = targets.flatMap { $0 == 1 ? [0, 1] : [1, 0] }
        var once = right
        once.replaceSubrange(0..<2, with: [0, 1])
        let report = try ComparisonReport(
            kind: .classification(labels: ["no", "yes"]),
            targets: targets,
            teacher: model("teacher", right),
            students: [model("student", once), model("same", right)],
            temperature: 1
        )
        #expect(report.verdicts[0].contains("it may be chance"), "\(report.verdicts)")
        #expect(report.verdicts[1].hasPrefix("same keeps the teacher's accuracy"))
    }

    @Test func `one example has defined measures`() throws {
        let report = try ComparisonReport(
            kind: .classification(labels: ["no", "yes"]),
            targets: [1],
            teacher: model("teacher", [0, 1]),
            students: [model("student", [1, 0])],
            temperature: 1
        )
        #expect(report.students[0].accuracy == 0 && report.students[0].loss?.value == 1)
        #expect(report.students[0].qualityInterval == Interval(low: 0, high: 0))
        #expect(!report.table.plain.isEmpty && !report.details.isEmpty)
    }

    @Test func `slices are parts of the whole`() throws {
        let slices = try #require(try report().slices)
        #expect(
            slices.map(\.name) == ["length in pieces", "label", "teacher's confidence", "genre"]
        )
        for group in slices {
            #expect(group.slices.reduce(0) { $0 + $1.count } == 200)
            let right = group.slices.reduce(0) { sum, slice in
                sum + Double(slice.count) * (slice.models[1].quality ?? 0)
            }
            #expect(abs(right / 200 - 0.8) < 1e-12)
            #expect(
                group.slices.allSatisfy {
                    $0.models[0].distance == nil && $0.models[1].distance != nil
                }
            )
        }
        #expect(slices[0].slices.map(\.name) == ["to 8", "33 to 64"])
        #expect(slices[1].slices.map(\.name) == ["no", "yes"])
        #expect(slices[3].slices.map(\.name) == ["prose", "poem"])
        #expect(slices[3].slices.map(\.count) == [150, 50])
    }

    @Test func `the furthest answers come first`() throws {
        let student = try report().students[0]
        let worst = try #require(student.disagreements)
        #expect(worst.count == 3)
        #expect(
            worst.map(\.index) == [5, 15, 25] && worst[0].text == "text 5" && worst[0].gold == "yes"
        )
        #expect(zip(worst, worst.dropFirst()).allSatisfy { $0.distance >= $1.distance })
        #expect(abs(worst[0].teacher[1] - 1 / (1 + exp(-2))) < 1e-12)
        #expect(abs(worst[0].student[0] - 1 / (1 + exp(-1))) < 1e-12)
    }

    @Test func `costs are per million and per hundred`() throws {
        let student = try report().students[0]
        #expect(student.latency?.count == 100)
        #expect(abs((student.latency?.p50 ?? 0) - 50.5) < 1e-9)
        #expect(abs((student.latency?.p99 ?? 0) - 99.01) < 1e-9)
        // 3.6 s for 200 examples: 5 hours for a million.
        #expect(abs((student.processorHoursPerMillion ?? 0) - 5) < 1e-9)
    }

    @Test func `everything comes back from JSON`() throws {
        let report = try report()
        let again = try JSONDecoder().decode(
            ComparisonReport.self,
            from: Data(report.json().utf8)
        )
        #expect(again == report)
        #expect(report.json().contains("\"layers\" : null"))
    }

    @Test func `a line for each number as values with commas`() throws {
        let rows = try report().csvRows().split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(rows.allSatisfy { $0.count == 6 && $0[0] == "some.tsv" })
        let accuracy = try #require(rows.first { $0[1] == "student" && $0[2] == "accuracy" })
        #expect(accuracy[3] == "0.8" && Double(accuracy[4]).map { $0 < 0.8 } == true)
        #expect(Double(accuracy[5]).map { $0 > 0.8 } == true)
        let seconds = try #require(rows.first { $0[2] == "seconds" })
        #expect(seconds[4].isEmpty && seconds[5].isEmpty)
    }

    @Test func `scores have correlations with intervals`() throws {
        let targets = (0..<60).map { Float($0 % 7) }
        let noisy = targets.enumerated().map { $1 + Float($0 % 3) }
        let report = try ComparisonReport(
            kind: .regression,
            targets: targets,
            teacher: model("teacher", targets, outputs: 1),
            students: [model("student", noisy, outputs: 1)],
            temperature: 1,
            facts: ExampleFacts(data: "d", lengths: targets.map { _ in 3 }, text: { "\($0)" })
        )
        let student = report.students[0]
        let interval = try #require(student.qualityInterval)
        let pearson = try #require(student.pearson)
        #expect(interval.low < pearson && pearson < interval.high && interval.high <= 1)
        let loss = try #require(student.loss)
        #expect(abs(loss.value - (1 - pearson)) < 1e-12 && loss.mcNemar == nil)
        #expect(report.slices?.map(\.name) == ["length in pieces"])
        #expect(student.disagreements?.first?.distance == 4)
    }

    @Test func `sentences are drawn whole`() throws {
        // 30 sentences of 4 words, whole ones right or wrong: the interval is that of 30 draws, not of 120.
        let targets = [Float](repeating: 0, count: 120)
        let logits = (0..<120).flatMap { word -> [Float] in
            (word / 4) % 3 == 0 ? [0, 1] : [1, 0]
        }
        let report = try ComparisonReport(
            kind: .classification(labels: ["a", "b"]),
            targets: targets,
            sentences: (0...30).map { $0 * 4 },
            teacher: nil,
            students: [model("student", logits)],
            temperature: 1
        )
        let interval = try #require(report.students[0].qualityInterval)
        // ± 1.96 · √(⅓·⅔/30) = 0.169; of 120 words it would be 0.084.
        #expect(abs(interval.high - interval.low - 0.337) < 0.06)
    }
}
