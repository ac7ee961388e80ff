public import Datasets
import Diagnostics

extension ComparisonReport {
    /// Every model's answer to every example, or word, as tab-separated values with a header.
    ///
    /// Columns: `index` from 0; of words also `sentence` from 0 and `word`; `gold`, the true label or score, empty when there are no targets;
    /// then for each model `NAME:label` and `NAME:logit:LABEL` for each class, or for regression
    /// `NAME:score`. Numbers are the shortest that read back as the same `Float`.
    public static func predictionsTSV(
        kind: TaskKind,
        targets: [Float],
        words: [(sentence: Int, word: String)] = [],
        models: [ModelMeasurement]
    ) -> String {
        let outputCount = kind.outputCount
        let count = (models.first?.logits.count ?? 0) / outputCount
        precondition(targets.isEmpty || targets.count == count, "a target for each example")
        precondition(words.isEmpty || words.count == count, "a word for each answer")
        precondition(models.allSatisfy { $0.logits.count == count * outputCount })
        let answers = models.map { model in
            isClassification(kind)
                ? LogitMetrics.topClasses(model.logits, classCount: outputCount) : []
        }
        let labels = cellNames(kind)
        var text = header(kind, models, hasWords: !words.isEmpty)
        text.reserveCapacity(count * models.count * (outputCount + 1) * 12)
        for row in 0..<count {
            text += "\(row)\t"
            if !words.isEmpty { text += "\(words[row].sentence)\t\(printable(words[row].word))\t" }
            if !targets.isEmpty {
                text += labels.isEmpty ? "\(targets[row])" : labels[Int(targets[row])]
            }
            for (model, answers) in zip(models, answers) {
                if !labels.isEmpty { text += "\t" + labels[answers[row]] }
                for logit in model.logits[row * outputCount..<(row + 1) * outputCount] {
                    text += "\t\(logit)"
                }
            }
            text += "\n"
        }
        return text
    }

    private static func isClassification(_ kind: TaskKind) -> Bool {
        if case .classification = kind { true } else { false }
    }

    /// The classes' names without characters that would break a row; empty for regression.
    private static func cellNames(_ kind: TaskKind) -> [String] {
        if case .classification(let labels) = kind { labels.map { printable($0) } } else { [] }
    }

    private static func header(
        _ kind: TaskKind,
        _ models: [ModelMeasurement],
        hasWords: Bool
    ) -> String {
        var columns = ["index"] + (hasWords ? ["sentence", "word"] : []) + ["gold"]
        for model in models {
            let name = printable(model.name)
            let labels = cellNames(kind)
            columns += labels.isEmpty ? ["\(name):score"] : ["\(name):label"]
            columns += labels.map { "\(name):logit:\($0)" }
        }
        return columns.joined(separator: "\t") + "\n"
    }
}
