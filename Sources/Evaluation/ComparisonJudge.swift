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
        result.layers = model.layers
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
            bytesInMemory: model.bytesInMemory,
            seconds: model.seconds,
            examplesPerSecond: ratio(Double(model.exampleCount), model.seconds),
            tokensPerSecond: ratio(Double(model.tokenCount), model.seconds),
            speedUp: reference.flatMap { reference in
                speed(reference).flatMap { slow in
                    speed(model).flatMap { fast in ratio(fast, slow) }
                }
            },
            latency: model.latencies.isEmpty
                ? nil : ComparisonReport.Latency(seconds: model.latencies),
            processorHoursPerMillion: model.processorSeconds.flatMap {
                ratio($0 * 1e6 / 3600, Double(model.exampleCount))
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
            result.f1Micro = matrix.microF1
            result.classes = labels.indices.map { label in
                ComparisonReport.ClassMeasures(
                    label: labels[label],
                    precision: matrix.precision(of: label),
                    recall: matrix.recall(of: label),
                    f1: matrix.f1(of: label),
                    support: matrix.actual(label)
                )
            }
            result.confusion = labels.indices.map { row in
                Array(matrix.counts[row * classCount..<(row + 1) * classCount])
            }
            result.calibration = Calibration(
                model.logits,
                targets: targets.map { Int($0) },
                classCount: classCount
            )
            result.matthews = matrix.matthews
            result.crossEntropy = LogitMetrics.crossEntropy(
                model.logits,
                targets: targets.map { Int($0) },
                classCount: classCount
            )
        }
        guard let teacher, !isTeacher else { return }
        addDivergences(model, from: teacher, classCount, to: &result)
        result.agreement = LogitMetrics.agreement(
            teacher.logits,
            model.logits,
            classCount: classCount
        )
        addAgreement(model, with: teacher, classCount, to: &result)
        if let entities {
            result.qualityKept = percent(entities.f1, of: self.entities(teacher, labels)?.f1)
        } else if !targets.isEmpty {
            result.qualityKept = percent(
                result.accuracy,
                of: confusion(teacher, classCount).accuracy
            )
        }
    }

    private func addDivergences(
        _ model: ModelMeasurement,
        from teacher: ModelMeasurement,
        _ classCount: Int,
        to result: inout ComparisonReport.Model
    ) {
        let examples = Divergences.ofExamples(
            teacher: teacher.logits,
            student: model.logits,
            classCount: classCount,
            temperature: temperature
        )
        guard !examples.isEmpty else { return }
        func mean(_ measure: KeyPath<Divergences, Double>) -> Double {
            examples.reduce(0) { $0 + $1[keyPath: measure] } / Double(examples.count)
        }
        result.klFromTeacher = mean(\.kl)
        result.klToTeacher = mean(\.reverseKL)
        result.jensenShannon = mean(\.jensenShannon)
        result.totalVariation = mean(\.totalVariation)
    }

    /// Agreement where the teacher is right, and where it is wrong.
    private func addAgreement(
        _ model: ModelMeasurement,
        with teacher: ModelMeasurement,
        _ classCount: Int,
        to result: inout ComparisonReport.Model
    ) {
        guard !targets.isEmpty else { return }
        let answers = LogitMetrics.topClasses(model.logits, classCount: classCount)
        let teachers = LogitMetrics.topClasses(teacher.logits, classCount: classCount)
        var (right, agreedRight, agreedWrong) = (0, 0, 0)
        for (index, target) in targets.enumerated() {
            let (isRight, agrees) = (
                teachers[index] == Int(target), teachers[index] == answers[index]
            )
            if isRight { right += 1 }
            if agrees { if isRight { agreedRight += 1 } else { agreedWrong += 1 } }
        }
        result.agreementWhereTeacherRight = ratio(Double(agreedRight), Double(right))
        result.agreementWhereTeacherWrong = ratio(
            Double(agreedWrong),
            Double(targets.count - right)
        )
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
