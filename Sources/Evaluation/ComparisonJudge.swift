import Datasets

/// Computes the measures of a ``ComparisonReport``.
struct Judge {
    let kind: TaskKind
    /// [answers]; empty when there are none.
    let targets: [Float]
    /// Of words: where each sentence begins among the answers, and the end.
    let sentences: [Int]?
    let teacher: ModelMeasurement?
    let temperature: Double

    func measures(of model: ModelMeasurement, isTeacher: Bool) -> ComparisonReport.Model {
        var result = costs(of: model, isTeacher: isTeacher)
        switch kind {
        case .classification(let labels):
            addClassification(model, labels, isTeacher: isTeacher, to: &result)
        case .regression: addRegression(model, isTeacher: isTeacher, to: &result)
        }
        return result
    }

    private func costs(of model: ModelMeasurement, isTeacher: Bool) -> ComparisonReport.Model {
        let reference = isTeacher ? nil : teacher
        return ComparisonReport.Model(
            name: model.name,
            parameterCount: model.parameterCount,
            parameterCountWithoutEmbeddings: model.parameterCountWithoutEmbeddings,
            parameterCompression: reference.flatMap {
                ratio(Double($0.parameterCount), Double(model.parameterCount))
            },
            bytesOnDisk: model.bytesOnDisk,
            sizeCompression: reference.flatMap {
                ratio(Double($0.bytesOnDisk), Double(model.bytesOnDisk))
            },
            flopsPerToken: model.flopsPerToken,
            seconds: model.seconds,
            examplesPerSecond: ratio(Double(model.exampleCount), model.seconds),
            tokensPerSecond: ratio(Double(model.tokenCount), model.seconds),
            speedUp: reference.flatMap { reference in
                speed(reference).flatMap { slow in
                    speed(model).flatMap { fast in ratio(fast, slow) }
                }
            }
        )
    }

    private func addClassification(
        _ model: ModelMeasurement,
        _ labels: [String],
        isTeacher: Bool,
        to result: inout ComparisonReport.Model
    ) {
        let classCount = labels.count
        let entities = entities(model, labels)
        result.entityPrecision = entities?.precision
        result.entityRecall = entities?.recall
        result.entityF1 = entities?.f1
        if !targets.isEmpty {
            let matrix = confusion(model, classCount)
            result.accuracy = matrix.accuracy
            result.f1Binary = classCount == 2 ? matrix.f1(of: 1) : nil
            result.f1Macro = matrix.macroF1
            result.matthews = matrix.matthews
            result.crossEntropy = LogitMetrics.crossEntropy(
                model.logits,
                targets: targets.map { Int($0) },
                classCount: classCount
            )
        }
        guard let teacher, !isTeacher else { return }
        result.klFromTeacher = LogitMetrics.meanKL(
            teacher: teacher.logits,
            student: model.logits,
            classCount: classCount,
            temperature: temperature
        )
        result.agreement = LogitMetrics.agreement(
            teacher.logits,
            model.logits,
            classCount: classCount
        )
        if let entities {
            result.qualityKept = percent(entities.f1, of: self.entities(teacher, labels)?.f1)
        } else if !targets.isEmpty {
            result.qualityKept = percent(
                result.accuracy,
                of: confusion(teacher, classCount).accuracy
            )
        }
    }

    private func addRegression(
        _ model: ModelMeasurement,
        isTeacher: Bool,
        to result: inout ComparisonReport.Model
    ) {
        let scores = model.logits.map { Double($0) }
        let gold = targets.map { Double($0) }
        if !gold.isEmpty {
            result.pearson = Regression.pearson(scores, gold)
            result.spearman = Regression.spearman(scores, gold)
            result.meanSquaredError = Regression.meanSquaredError(scores, gold)
        }
        guard let teacher, !isTeacher else { return }
        let teacherScores = teacher.logits.map { Double($0) }
        result.squaredErrorFromTeacher = Regression.meanSquaredError(scores, teacherScores)
        if !gold.isEmpty {
            result.qualityKept = percent(
                result.pearson,
                of: Regression.pearson(teacherScores, gold)
            )
        }
    }

    private func confusion(_ model: ModelMeasurement, _ classCount: Int) -> ConfusionMatrix {
        ConfusionMatrix(
            predictions: LogitMetrics.topClasses(model.logits, classCount: classCount),
            targets: targets.map { Int($0) },
            classCount: classCount
        )
    }

    /// Nil without gold labels, or where labels mark no entities.
    private func entities(_ model: ModelMeasurement, _ labels: [String]) -> EntityScores? {
        guard let sentences, !targets.isEmpty, EntityScores.areMarked(by: labels) else {
            return nil
        }
        return EntityScores(
            predictions: LogitMetrics.topClasses(model.logits, classCount: labels.count),
            targets: targets.map { Int($0) },
            sentences: sentences,
            labels: labels
        )
    }

    private func speed(_ model: ModelMeasurement) -> Double? {
        ratio(Double(model.exampleCount), model.seconds)
    }

    private func ratio(_ a: Double, _ b: Double) -> Double? {
        let quotient = a / b
        return b > 0 && quotient.isFinite ? quotient : nil
    }

    /// `nil` too where the reference is not above zero: a share of it would say nothing.
    private func percent(_ value: Double?, of reference: Double?) -> Double? {
        guard let value, let reference else { return nil }
        return ratio(100 * value, reference)
    }
}
