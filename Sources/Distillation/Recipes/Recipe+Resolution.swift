public import Bert
public import Diagnostics
import Training

/// A recipe for two models: everything open settled, everything impossible refused.
extension Recipe {
    /// - Parameters:
    ///   - student: nil for one that is no encoder of BERT's kind: it has answers and no layers.
    ///   - general: the teacher of stages that predict word pieces; nil for the teacher itself.
    ///   - hasText: whether plain text is at hand.
    /// - Throws: `Failure` of kind `.usage`, one sentence.
    public func resolved(
        student: BertConfiguration?,
        teacher task: BertConfiguration,
        general: BertConfiguration? = nil,
        hasText: Bool
    ) throws(Failure) -> Recipe {
        guard !stages.isEmpty else {
            throw Failure(.usage, "recipe \(name)", "it has no stages")
        }
        var result = self
        for index in stages.indices {
            let stage = stages[index]
            let subject = "recipe \(name), stage \(stage.name)"
            if stage.data == .text, !hasText {
                throw Failure(
                    .usage,
                    subject,
                    "it reads plain text, and there is none",
                    remedy: "Give it with --text"
                )
            }
            try stage.checkWeights(subject)
            if student == nil { try stage.checkReadsAnswersAlone(subject) }
            let teacher = stage.predictsPieces ? general ?? task : task
            try stage.checkPieces(student: student, teacher: teacher, subject)
            if let prediction = stage.prediction {
                try prediction.checkPrediction(stage, teacher, subject)
            }
            for number in stage.objectives.indices {
                result.stages[index].objectives[number].settle(student: student, teacher: teacher)
            }
            guard let student else { continue }
            for term in try result.stages[index].terms(student: student, teacher: teacher) {
                do {
                    try term.objective.check(student: student, teacher: teacher)
                } catch {
                    throw Failure(
                        error.kind,
                        "\(subject), \(error.subject)",
                        error.reason,
                        remedy: error.remedy
                    )
                }
            }
        }
        return result
    }
}

extension RecipeStage {
    fileprivate func checkWeights(_ subject: String) throws(Failure) {
        guard objectives.contains(where: { $0.weight > 0 }) else {
            throw Failure(
                .usage,
                subject,
                objectives.isEmpty ? "it has no objectives" : "every objective has the weight 0",
                remedy: "Give at least one objective a weight above 0"
            )
        }
        if objectives.count(where: { $0.kind == .prediction }) > 1 {
            throw Failure(.usage, subject, "it compares predictions twice")
        }
    }

    /// Refuses what a student without a transformer's layers does not have.
    fileprivate func checkReadsAnswersAlone(_ subject: String) throws(Failure) {
        guard let other = objectives.first(where: { $0.kind != .prediction && $0.weight > 0 })
        else { return }
        throw Failure(
            .usage,
            subject,
            "it matches \(other.kind.rawValue), and a BiLSTM has answers alone",
            remedy: "Choose recipe bilstm or logits"
        )
    }

    /// Refuses pieces that cannot be predicted.
    fileprivate func checkPieces(
        student: BertConfiguration?,
        teacher: BertConfiguration,
        _ subject: String
    ) throws(Failure) {
        guard predictsPieces else { return }
        for kind in [RecipeObjective.Kind.maskedPieces, .pieceDistributions]
        where objectives.count(where: { $0.kind == kind }) > 1 {
            throw Failure(.usage, subject, "it has the objective \(kind.rawValue) twice")
        }
        guard data == .text, prediction.map({ $0.weight == 0 }) ?? true else {
            throw Failure(
                .usage,
                subject,
                data == .text
                    ? "it predicts word pieces and a task's labels, which needs two heads at once"
                    : "it predicts word pieces, which are hidden in plain text only",
                remedy: data == .text ? "Give each a stage" : "Give the stage 'data: text'"
            )
        }
        let distributions = objectives.first { $0.kind == .pieceDistributions && $0.weight > 0 }
        guard let distributions else { return }
        if distributions.form == .logitSquares {
            throw Failure(
                .usage,
                subject,
                "piece-distributions are compared by kl or cross-entropy, not by logit-mse"
            )
        }
        guard teacher.head.predictsPieces else {
            throw Failure(
                .usage,
                subject,
                "it needs the teacher's masked-language-model head, and the teacher has "
                    + "\(teacher.head == .none ? "" : "a ")\(teacher.head.phrase)",
                remedy: "Give the masked language model that it was fine-tuned from with "
                    + "--general-teacher"
            )
        }
    }

    /// What the stage compares of word pieces; nil for a stage that predicts none.
    var pieceTerm: PieceTerm? {
        guard predictsPieces else { return nil }
        let soft = objectives.first { $0.kind == .pieceDistributions }
        return PieceTerm(
            PieceLoss(
                hard: objectives.first { $0.kind == .maskedPieces }?.weight ?? 0,
                soft: soft?.weight ?? 0,
                temperature: soft?.temperature ?? 1,
                scalesByTemperatureSquared: soft?.scalesByTemperatureSquared ?? true,
                isDivergence: soft?.form != .crossEntropy
            ),
            tokens: soft?.tokens ?? .masked
        )
    }

    /// What the stage matches besides the prediction.
    ///
    /// - Throws: `Failure` of kind `.usage` for layers that these models do not have.
    public func terms(
        student: BertConfiguration?,
        teacher: BertConfiguration
    ) throws(Failure) -> [DistillationObjective.Term] {
        var terms: [DistillationObjective.Term] = []
        for objective in objectives where objective.weight > 0 {
            if let layers = try objective.layerObjective(student: student, teacher: teacher) {
                terms.append(.init(layers, weight: objective.weight))
            }
        }
        return terms
    }
}

extension RecipeObjective {
    fileprivate func checkPrediction(
        _ stage: RecipeStage,
        _ teacher: BertConfiguration,
        _ subject: String
    ) throws(Failure) {
        guard teacher.head.hasLabels else {
            throw Failure(
                .usage,
                subject,
                "it compares predictions, and the teacher has \(teacher.head == .none ? "" : "a ")"
                    + "\(teacher.head.phrase), not one of sequence or token classification"
            )
        }
        if stage.data == .text, hardLabelWeight ?? 0 > 0 {
            throw Failure(
                .usage,
                subject,
                "plain text has no labels, but they are to have \(hardLabelWeight ?? 0) of the loss",
                remedy: "Set hard-label-weight to 0 in this stage"
            )
        }
        // Squared differences are what a regression compares anyway.
        if teacher.problemType == .regression, form == .divergence {
            throw Failure(
                .usage,
                subject,
                "the teacher answers with scores, whose squared differences are what is small, but the "
                    + "form is \(SoftTargetLoss.Form.divergence.rawValue)",
                remedy: "Leave the form out"
            )
        }
        if form == .logitSquares, let temperature, temperature != 1 {
            throw Failure(
                .usage,
                subject,
                "logit-mse reads no temperature, but it is \(temperature)",
                remedy: "Set the temperature to 1"
            )
        }
    }

    /// Settles what depends on the models.
    fileprivate mutating func settle(student: BertConfiguration?, teacher: BertConfiguration) {
        if teacherLayer == 0 { teacherLayer = teacher.hiddenLayerCount }
        switch kind {
        case .prediction where teacher.problemType == .regression:
            // Scores are not softened.
            (temperature, scalesByTemperatureSquared) = (1, true)
        case .queryRelations, .keyRelations, .valueRelations:
            // MiniLM's relation is of the models' own heads.
            let layer = teacherLayer ?? teacher.hiddenLayerCount
            if relationHeads == nil { relationHeads = teacher.headCount(ofLayer: layer - 1) }
            guard relationHeads == 0, let student else { return }
            let last = LayerPair(student.hiddenLayerCount, layer)
            let possible = RelationLoss.possibleHeadCounts(student, teacher, last)
            relationHeads = possible.last { $0 <= 48 } ?? 1
        default: return
        }
    }

    private func layerMap(
        _ student: BertConfiguration,
        _ teacher: BertConfiguration
    ) throws(Failure) -> [LayerPair] {
        guard let map else { preconditionFailure("a kind without a layer map") }
        return try map.pairs(student: student.hiddenLayerCount, teacher: teacher.hiddenLayerCount)
    }

    /// The objective over these models' layers; nil for the prediction, and for a student without layers.
    func layerObjective(
        student: BertConfiguration?,
        teacher: BertConfiguration
    ) throws(Failure) -> (any LayerObjective)? {
        guard let student else { return nil }
        let reduction = reduction ?? .tokenMean
        let last = LayerPair(student.hiddenLayerCount, teacherLayer ?? teacher.hiddenLayerCount)
        func relation(_ vectors: RelationLoss.Vectors) -> RelationLoss {
            RelationLoss(
                vectors: vectors,
                headCount: relationHeads ?? 1,
                pair: last,
                reduction: reduction
            )
        }
        switch kind {
        case .prediction, .maskedPieces, .pieceDistributions: return nil
        case .embeddings:
            return HiddenStateLoss(
                name: "embeddings",
                pairs: [LayerPair(0, 0)],
                projection: projection ?? .perPair,
                reduction: reduction
            )
        case .hiddenStates:
            return HiddenStateLoss(
                pairs: try layerMap(student, teacher),
                projection: projection ?? .perPair,
                reduction: reduction
            )
        case .cosine: return CosineLoss(pairs: [last], reduction: reduction)
        case .patience:
            return PatientLoss(
                pairs: try patientPairs(student, teacher),
                normalizes: normalizes ?? true
            )
        case .attentionScores:
            return AttentionScoreLoss(
                pairs: try layerMap(student, teacher),
                heads: heads ?? .equal,
                reduction: reduction
            )
        case .attentionDistributions:
            return AttentionDistributionLoss(
                pairs: try layerMap(student, teacher),
                reduction: reduction
            )
        case .queryRelations: return relation(.query)
        case .keyRelations: return relation(.key)
        case .valueRelations: return relation(.value)
        }
    }

    /// Every layer but the student's last, which is left to the prediction.
    private func patientPairs(
        _ student: BertConfiguration,
        _ teacher: BertConfiguration
    ) throws(Failure) -> [LayerPair] {
        var pairs = try layerMap(student, teacher)
        if case .list = map { return pairs }
        pairs.removeAll { $0.student == student.hiddenLayerCount }
        guard pairs.isEmpty else { return pairs }
        throw Failure(
            .usage,
            "patience",
            "it leaves the last layer to the prediction, and the student has only one",
            remedy: "Give the student two layers or more, or list the layer in the map"
        )
    }
}
