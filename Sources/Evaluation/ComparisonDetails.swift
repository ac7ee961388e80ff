public import Diagnostics

extension ComparisonReport {
    /// A table with its title, a phrase.
    public struct TitledTable: Sendable {
        public var title: String
        public var table: TextTable

        init(_ title: String, _ table: TextTable) {
            (self.title, self.table) = (title, table)
        }
    }

    /// All that ``table`` leaves out: distances, calibration, costs, classes, confusion, slices, layers,
    /// disagreements.
    public var details: [TitledTable] {
        distanceTables + calibrationTables + costTables + classTables + confusionTables
            + sliceTables + layerTables
            + disagreementTables
    }

    /// Distances from the teacher; none for scores, or without one.
    public var distanceTables: [TitledTable] {
        guard teacher != nil, task != .regression else { return [] }
        let rows = [
            Row("KL(teacher‖student), 95 % interval") { text($0.klInterval, 5) },
            Row("KL(student‖teacher), nats", \.klToTeacher, digits: 5, needsTeacher: true),
            Row("Jensen-Shannon, nats", \.jensenShannon, digits: 5, needsTeacher: true),
            Row("total variation", \.totalVariation, digits: 4, needsTeacher: true),
            Row("agreement, 95 % interval") { text($0.agreementInterval, 4) },
            Row(
                "agreement where the teacher is right",
                \.agreementWhereTeacherRight,
                digits: 4,
                needsTeacher: true
            ),
            Row(
                "agreement where the teacher is wrong",
                \.agreementWhereTeacherWrong,
                digits: 4,
                needsTeacher: true
            ),
        ]
        return [
            TitledTable(
                "distance from the teacher",
                table(hasTargets ? rows : rows.dropLast(2))
            )
        ]
    }

    /// How much the answers' probabilities are worth; none for scores, or without gold labels.
    public var calibrationTables: [TitledTable] {
        guard hasTargets, task != .regression else { return [] }
        let rows = [
            Row("expected calibration error") { text($0.calibration?.expectedError, 4) },
            Row("Brier score") { text($0.calibration?.brier, 4) },
            Row("temperature that calibrates") { model in
                model.calibration.map { $0.temperature.map { fixed($0, 3) } ?? "none" } ?? "–"
            },
        ]
        return [TitledTable("calibration", table(rows))]
    }

    public var costTables: [TitledTable] {
        let rows = [
            Row("bytes of weights in memory") { $0.bytesInMemory.map(grouped) ?? "–" },
            Row("processor hours per million examples") { text($0.processorHoursPerMillion, 3) },
            Row("seconds of the forward passes") { fixed($0.seconds, 3) },
        ]
        return [TitledTable("cost", table(rows))]
    }

    /// Precision, recall and F1 of each class.
    public var classTables: [TitledTable] {
        guard models.contains(where: { $0.classes != nil }) else { return [] }
        var table = TextTable(
            [TextTable.Column("class"), TextTable.Column("model")]
                + ["precision", "recall", "F1", "examples"].map { TextTable.Column($0, .right) }
        )
        for (index, label) in labels.enumerated() {
            for model in models {
                guard let measures = model.classes?[index] else { continue }
                table.append([
                    label, model.name, text(measures.precision, 4), text(measures.recall, 4),
                    text(measures.f1, 4), grouped(measures.support),
                ])
            }
        }
        return [TitledTable("classes", table)]
    }

    /// Of each model, what each class was answered as.
    public var confusionTables: [TitledTable] {
        models.compactMap { model in
            guard let confusion = model.confusion else { return nil }
            var table = TextTable(
                [TextTable.Column("true \\ answered")]
                    + labels.map { TextTable.Column($0, .right) }
            )
            for (label, row) in zip(labels, confusion) {
                table.append([label] + row.map(grouped))
            }
            return TitledTable("confusion of \(model.name)", table)
        }
    }

    /// The measures on parts of the examples.
    public var sliceTables: [TitledTable] {
        (slices ?? []).map { group in
            let quality = task == .regression ? "squared error" : "accuracy"
            let distance = task == .regression ? "to teacher" : "KL"
            var columns = [TextTable.Column(group.name), TextTable.Column("examples", .right)]
            for (index, model) in models.enumerated() {
                if hasTargets {
                    columns.append(TextTable.Column("\(quality), \(model.name)", .right))
                }
                if teacher != nil, index > 0 {
                    columns.append(TextTable.Column("\(distance), \(model.name)", .right))
                }
            }
            var table = TextTable(columns)
            for slice in group.slices {
                var cells = [slice.name, grouped(slice.count)]
                for (index, measures) in slice.models.enumerated() {
                    if hasTargets { cells.append(text(measures.quality, 4)) }
                    if teacher != nil, index > 0 { cells.append(text(measures.distance, 4)) }
                }
                table.append(cells)
            }
            return TitledTable("by \(group.name)", table)
        }
    }

    /// Each student's layers beside the teacher's.
    public var layerTables: [TitledTable] {
        students.compactMap { student in
            guard let layers = student.layers else { return nil }
            var table = TextTable(
                [TextTable.Column("student's layer"), TextTable.Column("teacher's layer")]
                    + ["CKA", "cosine", "KL of attention"].map { TextTable.Column($0, .right) }
            )
            for pair in layers.pairs {
                table.append([
                    pair.student == 0 ? "embeddings" : "\(pair.student)",
                    pair.teacher == 0 ? "embeddings" : "\(pair.teacher)",
                    text(layers.alignment[pair.teacher][pair.student], 4),
                    text(pair.cosine, 4), text(pair.attentionKL, 4),
                ])
            }
            return TitledTable(
                "layers of \(student.name), over \(grouped(layers.tokenCount)) tokens",
                table
            )
        }
    }

    /// Where each student is furthest from the teacher.
    public var disagreementTables: [TitledTable] {
        students.compactMap { student in
            guard let worst = student.disagreements, !worst.isEmpty else { return nil }
            var table = TextTable([
                TextTable.Column("example", .right), TextTable.Column("true"),
                TextTable.Column("teacher"), TextTable.Column("student"),
                TextTable.Column("text"),
            ])
            for example in worst {
                table.append([
                    "\(example.index)", example.gold ?? "–", answer(example.teacher),
                    answer(example.student), example.text,
                ])
            }
            return TitledTable("worst disagreements of \(student.name)", table)
        }
    }

    /// `positive 0.93`, or the score.
    private func answer(_ numbers: [Double]) -> String {
        guard task != .regression else { return fixed(numbers[0], 3) }
        let best = numbers.indices.max { (numbers[$0], -$0) < (numbers[$1], -$1) } ?? 0
        return "\(labels[best]) \(fixed(numbers[best], 3))"
    }

    private func text(_ value: Double?, _ digits: Int) -> String {
        value.map { fixed($0, digits) } ?? "–"
    }

    private func text(_ interval: Interval?, _ digits: Int) -> String {
        interval.map { "\(fixed($0.low, digits))–\(fixed($0.high, digits))" } ?? "–"
    }
}

extension ComparisonReport {
    /// The header of ``csvRows``.
    public static let csvHeader = "data,model,measure,value,low,high\n"

    /// Every measure of every model that is a number, a line each; `low` and `high` are of 95 %, empty where
    /// there is no interval.
    public func csvRows() -> String {
        var text = ""
        for model in models {
            for (measure, value, interval) in model.numbers(qualityName) {
                let cells = [data ?? "", model.name, measure].map(Self.csvCell)
                let numbers = [value, interval?.low, interval?.high].map {
                    $0.map { "\($0)" } ?? ""
                }
                text += (cells + numbers).joined(separator: ",") + "\n"
            }
        }
        return text
    }

    /// What intervals of quality are of.
    private var qualityName: String {
        switch task {
        case .classification: "accuracy"
        case .tokenClassification: EntityScores.areMarked(by: labels) ? "entityF1" : "accuracy"
        case .regression: "pearson"
        }
    }

    /// As RFC 4180 has it.
    private static func csvCell(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }
}
