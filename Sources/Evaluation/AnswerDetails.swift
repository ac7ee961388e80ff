import Datasets
import Diagnostics
import Foundation

/// What a comparison says of single answers: how sure its measures are, on which parts of the data they hold,
/// and where students are furthest from the teacher.
struct AnswerDetails {
    let kind: TaskKind
    /// [answers]; empty when there are none.
    let targets: [Float]
    /// Of words: where each sentence begins among the answers, and the end.
    let sentences: [Int]?
    let teacher: ModelMeasurement?
    let students: [ModelMeasurement]
    let temperature: Double

    private var models: [ModelMeasurement] { [teacher].compactMap(\.self) + students }
    private var answerCount: Int { (models.first?.logits.count ?? 0) / kind.outputCount }

    /// Units of a draw: sentences of words, else examples.
    private var units: [Int] { sentences ?? Array(0...answerCount) }

    private var labels: [String]? {
        if case .classification(let labels) = kind { labels } else { nil }
    }

    private func answers(_ model: ModelMeasurement) -> [Int] {
        LogitMetrics.topClasses(model.logits, classCount: kind.outputCount)
    }

    /// 1 where the model is right, or its squared error.
    private func quality(_ model: ModelMeasurement) -> [Double] {
        guard labels != nil else {
            return zip(model.logits, targets).map { score, gold in
                let error = Double(score) - Double(gold)
                return error * error
            }
        }
        return zip(answers(model), targets).map { $0 == Int($1) ? 1 : 0 }
    }

    /// KL(teacher‖model) of each answer, or the squared difference of scores.
    private func distances(_ model: ModelMeasurement, from teacher: ModelMeasurement) -> [Double] {
        guard labels != nil else {
            return zip(model.logits, teacher.logits).map { a, b in
                let difference = Double(a) - Double(b)
                return difference * difference
            }
        }
        return Divergences.ofExamples(
            teacher: teacher.logits,
            student: model.logits,
            classCount: kind.outputCount,
            temperature: temperature
        ).map(\.kl)
    }

    private func agreements(_ model: ModelMeasurement, with teacher: ModelMeasurement) -> [Double] {
        zip(answers(model), answers(teacher)).map { $0 == $1 ? 1 : 0 }
    }
}

// MARK: - Intervals

extension AnswerDetails {
    /// The measures of one model that are drawn again.
    private struct Drawn {
        var quality: UnitSums?
        var distance: UnitSums?
        var agreement: UnitSums?
        var values: (quality: [Double?], distance: [Double?], agreement: [Double?]) = ([], [], [])
    }

    private func drawn(_ model: ModelMeasurement, isTeacher: Bool) -> Drawn {
        var drawn = Drawn()
        if !targets.isEmpty {
            if let labels {
                drawn.quality =
                    sentences != nil && EntityScores.areMarked(by: labels)
                    ? .entities(answers(model), targets.map { Int($0) }, units, labels)
                    : .mean(quality(model), units)
            } else {
                drawn.quality = .correlation(
                    model.logits.map(Double.init),
                    targets.map(Double.init)
                )
            }
        }
        if let teacher, !isTeacher {
            drawn.distance = .mean(distances(model, from: teacher), units)
            if labels != nil { drawn.agreement = .mean(agreements(model, with: teacher), units) }
        }
        return drawn
    }

    /// Intervals of each model's quality, divergence and agreement, and what each student loses.
    func addIntervals(_ bootstrap: Bootstrap, to report: inout ComparisonReport) {
        guard units.count > 1 else { return }
        var drawn = models.enumerated().map {
            self.drawn($1, isTeacher: teacher != nil && $0 == 0)
        }
        bootstrap.forEachResample(of: units.count - 1) { resample in
            for index in drawn.indices {
                if let sums = drawn[index].quality {
                    drawn[index].values.quality.append(sums.measure(of: resample))
                }
                if let sums = drawn[index].distance {
                    drawn[index].values.distance.append(sums.measure(of: resample))
                }
                if let sums = drawn[index].agreement {
                    drawn[index].values.agreement.append(sums.measure(of: resample))
                }
            }
        }
        for (index, drawn) in drawn.enumerated() {
            let isTeacher = teacher != nil && index == 0
            func fill(_ model: inout ComparisonReport.Model) {
                model.qualityInterval = Bootstrap.interval(drawn.values.quality)
                model.klInterval = Bootstrap.interval(drawn.values.distance)
                model.agreementInterval = Bootstrap.interval(drawn.values.agreement)
            }
            if isTeacher {
                if var model = report.teacher {
                    fill(&model)
                    report.teacher = model
                }
            } else {
                fill(&report.students[index - (teacher == nil ? 0 : 1)])
            }
        }
        guard let teacher, let first = drawn.first else { return }
        for index in students.indices {
            let own = drawn[index + 1]
            let all = Array(0..<units.count - 1)
            guard let ours = own.quality?.measure(of: all),
                let theirs = first.quality?.measure(of: all)
            else { continue }
            let losses = zip(first.values.quality, own.values.quality).map { teacher, student in
                teacher.flatMap { teacher in student.map { teacher - $0 } }
            }
            report.students[index].loss = ComparisonReport.QualityLoss(
                value: theirs - ours,
                interval: Bootstrap.interval(losses),
                mcNemar: labels == nil ? nil : mcNemar(teacher, students[index])
            )
        }
    }

    private func mcNemar(_ first: ModelMeasurement, _ second: ModelMeasurement) -> McNemar {
        let pairs = Array(zip(quality(first), quality(second)))
        return McNemar(
            onlyFirstRight: pairs.count { $0.0 > $0.1 },
            onlySecondRight: pairs.count { $0.0 < $0.1 }
        )
    }
}

// MARK: - Slices and lists

extension AnswerDetails {
    /// The most values of a column, or labels, that make slices of their own.
    private static var longestSliceList: Int { 20 }

    /// Slices of the examples, and the worst disagreements.
    func addExamples(_ facts: ExampleFacts, to report: inout ComparisonReport) {
        report.slices = sliceGroups(facts)
        guard let teacher else { return }
        for (index, student) in students.enumerated() {
            report.students[index].disagreements = disagreements(student, teacher, facts)
        }
    }

    private func sliceGroups(_ facts: ExampleFacts) -> [ComparisonReport.SliceGroup] {
        let exampleOf = exampleOfAnswer
        var groups: [(name: String, slices: [(String, [Int])])] = [
            ("length in pieces", slices(by: exampleOf.map { facts.lengths[$0] }, Self.lengthNames))
        ]
        if let labels, !targets.isEmpty {
            let names = targets.map { labels[Int($0)] }
            groups.append(("label", slices(named: names, order: labels)))
        }
        if let teacher, let labels {
            let confidences = stride(from: 0, to: teacher.logits.count, by: labels.count).map {
                LogitMetrics.logSoftmax(teacher.logits[$0..<$0 + labels.count], temperature: 1)
                    .max().map { exp($0) } ?? 0
            }
            groups.append(("teacher's confidence", slices(by: confidences, Self.confidenceNames)))
        }
        for (name, values) in facts.columns {
            groups.append((name, slices(named: exampleOf.map { values[$0] }, order: nil)))
        }
        let measures = models.map { model in
            (
                quality: targets.isEmpty ? nil : quality(model),
                distance: teacher.map { distances(model, from: $0) },
                agreement: teacher.flatMap { labels == nil ? nil : agreements(model, with: $0) }
            )
        }
        return groups.map { group in
            ComparisonReport.SliceGroup(
                name: group.name,
                slices: group.slices.map { name, answers in
                    func mean(_ values: [Double]?) -> Double? {
                        values.map { values in
                            answers.reduce(0) { $0 + values[$1] } / Double(answers.count)
                        }
                    }
                    return ComparisonReport.Slice(
                        name: name,
                        count: answers.count,
                        models: measures.enumerated().map { index, measure in
                            let isTeacher = teacher != nil && index == 0
                            return ComparisonReport.Slice.Measures(
                                quality: mean(measure.quality),
                                distance: isTeacher ? nil : mean(measure.distance),
                                agreement: isTeacher ? nil : mean(measure.agreement)
                            )
                        }
                    )
                }
            )
        }
    }

    /// The example that each answer is of.
    private var exampleOfAnswer: [Int] {
        guard let sentences else { return Array(0..<answerCount) }
        return zip(sentences, sentences.dropFirst()).enumerated().flatMap { index, range in
            [Int](repeating: index, count: range.1 - range.0)
        }
    }

    private static func lengthNames(_ length: Int) -> (order: Int, name: String) {
        let limits = [8, 16, 32, 64, 128, 256]
        guard let place = limits.firstIndex(where: { length <= $0 }) else {
            return (limits.count, "over 256")
        }
        return (place, place == 0 ? "to 8" : "\(limits[place - 1] + 1) to \(limits[place])")
    }

    private static func confidenceNames(_ confidence: Double) -> (order: Int, name: String) {
        let limits = [0.6, 0.8, 0.9, 0.95, 0.99]
        guard let place = limits.firstIndex(where: { confidence < $0 }) else {
            return (limits.count, "0.99 and more")
        }
        return (place, place == 0 ? "below 0.6" : "\(limits[place - 1]) to \(limits[place])")
    }

    private func slices<Value>(
        by values: [Value],
        _ name: (Value) -> (order: Int, name: String)
    ) -> [(String, [Int])] {
        var found: [Int: (name: String, answers: [Int])] = [:]
        for (answer, value) in values.enumerated() {
            let (order, name) = name(value)
            found[order, default: (name, [])].answers.append(answer)
        }
        return found.sorted { $0.key < $1.key }.map { ($0.value.name, $0.value.answers) }
    }

    /// Slices in the order given, or the largest first; what is beyond the longest list is one slice.
    private func slices(named names: [String], order: [String]?) -> [(String, [Int])] {
        var found: [String: [Int]] = [:]
        for (answer, name) in names.enumerated() { found[name, default: []].append(answer) }
        var slices = found.sorted { a, b in
            if let order, let first = order.firstIndex(of: a.key),
                let second = order.firstIndex(of: b.key)
            {
                return first < second
            }
            return (-a.value.count, a.key) < (-b.value.count, b.key)
        }.map { ($0.key, $0.value) }
        if slices.count > Self.longestSliceList {
            let rest = slices[(Self.longestSliceList - 1)...]
            slices.removeLast(rest.count)
            slices.append(("\(rest.count) others", rest.flatMap(\.1)))
        }
        return slices
    }

    private func disagreements(
        _ student: ModelMeasurement,
        _ teacher: ModelMeasurement,
        _ facts: ExampleFacts
    ) -> [ComparisonReport.Disagreement] {
        let distances = distances(student, from: teacher)
        let agreements = labels == nil ? nil : agreements(student, with: teacher)
        let worst = distances.indices
            .filter { answer in
                if let agreements { agreements[answer] == 0 } else { distances[answer] > 0 }
            }
            .sorted { (-distances[$0], $0) < (-distances[$1], $1) }
            .prefix(facts.listedDisagreements)
        func numbers(_ model: ModelMeasurement, _ answer: Int) -> [Double] {
            let width = kind.outputCount
            let row = model.logits[answer * width..<(answer + 1) * width]
            guard labels != nil else { return row.map(Double.init) }
            return LogitMetrics.logSoftmax(row, temperature: 1).map { exp($0) }
        }
        return worst.map { answer in
            ComparisonReport.Disagreement(
                index: answer,
                text: facts.text(answer),
                gold: targets.isEmpty
                    ? nil : labels.map { $0[Int(targets[answer])] } ?? "\(targets[answer])",
                teacher: numbers(teacher, answer),
                student: numbers(student, answer),
                distance: distances[answer]
            )
        }
    }
}
