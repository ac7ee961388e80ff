public import Diagnostics
import Foundation

extension ComparisonReport {
    /// The report as a table: a row for each measure, a column for each model.
    ///
    /// `–` is a measure that does not apply to the model, `undefined` one that the data does not
    /// determine.
    public var table: TextTable {
        table(
            (hasTargets ? qualityRows : []) + (teacher == nil ? [] : fidelityRows)
                + costRows + speedRows
        )
    }

    func table(_ rows: [Row]) -> TextTable {
        var table = TextTable(
            [TextTable.Column("")] + models.map { TextTable.Column($0.name, .right) }
        )
        for row in rows {
            let cells = models.indices.map { index in
                let isTeacher = teacher != nil && index == 0
                if isTeacher, row.needsTeacher { return "–" }
                return row.cell(models[index])
            }
            table.append([row.title] + cells)
        }
        return table
    }

    /// One measure: its name and how a model's value is written.
    struct Row {
        var title: String
        var needsTeacher = false
        var cell: (Model) -> String

        init(
            _ title: String,
            _ value: KeyPath<Model, Double?>,
            digits: Int,
            unit: String = "",
            needsTeacher: Bool = false
        ) {
            self.title = title
            self.needsTeacher = needsTeacher
            cell = { model in
                model[keyPath: value].map { fixed($0, digits) + unit } ?? "undefined"
            }
        }

        init(_ title: String, _ cell: @escaping (Model) -> String) {
            self.title = title
            self.cell = cell
        }
    }

    private var qualityRows: [Row] {
        switch task {
        case .tokenClassification:
            let accuracy = Row("accuracy of words", \.accuracy, digits: 4)
            return (marksEntities ? entityRows + [accuracy] : [accuracy] + intervalRow) + [
                Row("F1, mean of classes", \.f1Macro, digits: 4),
                Row("cross-entropy to gold, nats", \.crossEntropy, digits: 4),
            ]
        case .classification:
            let binary = Row("F1 of '\(labels.count == 2 ? labels[1] : "")'", \.f1Binary, digits: 4)
            return [Row("accuracy", \.accuracy, digits: 4)] + intervalRow
                + (labels.count == 2 ? [binary] : [])
                + [
                    Row("F1, mean of classes", \.f1Macro, digits: 4),
                    Row("Matthews correlation", \.matthews, digits: 4),
                    Row("cross-entropy to gold, nats", \.crossEntropy, digits: 4),
                ]
        case .regression:
            return [Row("Pearson correlation", \.pearson, digits: 4)] + intervalRow + [
                Row("Spearman correlation", \.spearman, digits: 4),
                Row("mean squared error", \.meanSquaredError, digits: 4),
            ]
        }
    }

    private var intervalRow: [Row] {
        resamples == nil
            ? []
            : [
                Row("  95 % interval") { model in
                    model.qualityInterval.map { "\(fixed($0.low, 4))–\(fixed($0.high, 4))" }
                        ?? "undefined"
                }
            ]
    }

    private var marksEntities: Bool { EntityScores.areMarked(by: labels) }

    private var entityRows: [Row] {
        [Row("F1 of entities", \.entityF1, digits: 4)] + intervalRow + [
            Row("precision of entities", \.entityPrecision, digits: 4),
            Row("recall of entities", \.entityRecall, digits: 4),
        ]
    }

    /// What `qualityKept` is of.
    var keptMeasure: String {
        switch task {
        case .classification: "accuracy"
        case .tokenClassification: marksEntities ? "F1 of entities" : "accuracy"
        case .regression: "Pearson"
        }
    }

    private var fidelityRows: [Row] {
        let kept =
            hasTargets
            ? [
                Row(
                    "teacher's \(keptMeasure) kept",
                    \.qualityKept,
                    digits: 2,
                    unit: " %",
                    needsTeacher: true
                )
            ] : []
        switch task {
        case .classification, .tokenClassification:
            return kept + [
                Row(
                    "KL(teacher‖student), nats, T = \(shortest(temperature))",
                    \.klFromTeacher,
                    digits: 5,
                    needsTeacher: true
                ),
                Row("agreement with teacher", \.agreement, digits: 4, needsTeacher: true),
            ]
        case .regression:
            let squares = Row(
                "mean squared error to teacher",
                \.squaredErrorFromTeacher,
                digits: 5,
                needsTeacher: true
            )
            return kept + [squares]
        }
    }

    private var costRows: [Row] {
        let compression = [
            Row(
                "compression, parameters",
                \.parameterCompression,
                digits: 2,
                unit: " ×",
                needsTeacher: true
            ),
            Row("compression, bytes", \.sizeCompression, digits: 2, unit: " ×", needsTeacher: true),
        ]
        return [
            Row("parameters") { grouped($0.parameterCount) },
            Row("parameters without embeddings") { grouped($0.parameterCountWithoutEmbeddings) },
            Row("bytes on disk") { grouped($0.bytesOnDisk) },
        ] + (teacher == nil ? [] : compression)
            + [Row("encoder MFLOP per token") { fixed($0.flopsPerToken / 1e6, 3) }]
    }

    private var speedRows: [Row] {
        let speedUp = Row("speed-up", \.speedUp, digits: 2, unit: " ×", needsTeacher: true)
        return [
            Row(
                sentenceCount == nil ? "examples per second" : "sentences per second",
                \.examplesPerSecond,
                digits: 1
            ),
            Row("tokens per second", \.tokensPerSecond, digits: 0),
        ] + (teacher == nil ? [] : [speedUp])
            + (models.allSatisfy { $0.latency == nil }
                ? []
                : [
                    Row("milliseconds for one, median") { model in
                        model.latency.map { fixed($0.p50, 2) } ?? "–"
                    },
                    Row("  95 of 100 within") { model in
                        model.latency.map { fixed($0.p95, 2) } ?? "–"
                    },
                    Row("  99 of 100 within") { model in
                        model.latency.map { fixed($0.p99, 2) } ?? "–"
                    },
                ])
    }
}

/// A number with a fixed count of digits after the point, whatever the locale.
func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
}

/// `2` rather than `2.0`.
func shortest(_ value: Double) -> String {
    Int(exactly: value).map { String($0) } ?? String(value)
}

/// A count with a comma at each thousand.
func grouped(_ count: Int) -> String {
    var digits = Array(String(count.magnitude))
    for position in stride(from: digits.count - 3, to: 0, by: -3) {
        digits.insert(",", at: position)
    }
    return (count < 0 ? "-" : "") + String(digits)
}
