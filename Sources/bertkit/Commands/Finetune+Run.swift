import Bert
import BiLSTM
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tokenization
import Training

extension Finetune {
    func run(_ run: ResolvedRun) throws {
        let folder = model.map { URL(filePath: $0) }
        let isBiLSTM = recurrent.kind == .bilstm || folder.map(BiLSTMFolder.isOne) ?? false
        let rate = schedule.learningRate(isBiLSTM: isBiLSTM)
        var run = run
        if schedule.learningRate == nil { run.settle("learning-rate", ["\(rate)"]) }
        guard try runOptions.announce(run) else { return }
        let work = try TrainingRun(
            run,
            columns: data.columns,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let own: ClassifierFolder? = try folder.map { url in
            isBiLSTM
                ? .bilstm(try BiLSTMFolder(contentsOf: url))
                : .bert(try ModelFolder.open(url, requireHead: false))
        }
        let trainFile = try work.read(data.train, fileKind(own))
        let devFile = try work.read(data.dev, trainFile.kind)
        let head: Head = trainFile.kind == .words ? .tokenClassification : .sequenceClassification
        if isBiLSTM { try BiLSTMOptions.checkAnswers(head, data.train) }
        var start = own
        if case .bert(let folder) = own, folder.configuration.head != head {
            start = .bert(try ModelFolder.open(folder.url, requireHead: false, head: head))
        }
        let kind = try taskKind(trainFile, start)
        let metric = try selection.metric(for: kind, hasTeacher: false)
        run.settle("metric", [metric.rawValue])
        run.settle("task", [choice(head, kind).rawValue])
        let (student, vocabulary, tokenizer) = try prepare(
            start,
            head,
            kind: kind,
            readsPairs: trainFile.hasPairs,
            isBiLSTM: isBiLSTM,
            work: work
        )
        if case .bert(let start) = start { work.remarks.note(start, tokenizer: tokenizer) }
        for line in student.origin { work.remarks.say("model: \(line)") }

        let encode = { (file: LabelledFile) in
            try work.encode(
                file,
                kind: kind,
                tokenizer: WordPieceTokenizer(vocabulary: vocabulary, configuration: tokenizer),
                models: [(model ?? outputName, student.model.reader)]
            )
        }
        let train = try encode(trainFile)
        let dev = try encode(devFile)
        if output.dryRun {
            let planned = [
                PlannedStage(
                    "fine-tuning",
                    examples: train.count,
                    schedule.configuration(training, learningRate: rate)
                )
            ]
            return try work.sayPlan(
                of: DryModel(student.model),
                planned,
                hasRecipe: false
            )
        }
        var log = try work.log()
        let judge = DevelopmentJudge(data: dev, metric: metric, teacherLogits: [])
        let result = try work.train(
            student.model,
            data: train,
            score: { () throws(Failure) in try judge.score(of: student.model, pool: work.pool) },
            objective: LogitObjective(kind.goldLoss(train.targets)),
            configuration: schedule.configuration(training, learningRate: rate),
            label: "fine-tuning",
            places: trainFile.places,
            log: &log
        )
        var card = ModelCard(
            name: outputName,
            summary: "A \(student.model.kindName) \(kind.noun(head)) fine-tuned with "
                + "BertKit on \(Numbers.count(train.count)) "
                + "\(head == .tokenClassification ? "sentences" : "examples")."
        )
        card.tags = ["bert"]
        card.setPipeline(head)
        let report = try work.keeper.finish(student.model, result, log) {
            try work.write(
                student.model,
                measured: ModelRunner.measure(
                    student.model,
                    name: outputName,
                    bytesOnDisk: 0,
                    on: dev,
                    pool: work.pool
                ),
                tokenizerFiles: TokenizerFiles.files(
                    vocabulary: vocabulary,
                    configuration: tokenizer,
                    maximumPositions: student.model.reader.longestSequence
                ),
                run: run,
                log: log,
                card: card,
                result: result
            ) { (measured) throws(Failure) in
                try ComparisonReport(
                    kind: kind,
                    targets: dev.targets,
                    sentences: dev.words?.offsets,
                    teacher: measured,
                    students: [],
                    temperature: 1,
                    facts: ExampleFacts(devFile, dev, quotesTexts: false)
                )
            }
        }
        try StandardOutput.write(report.table.plain + "\n")
    }

    private var outputName: String { URL(filePath: output.output).lastPathComponent }

    /// What the files hold: what the options or the model's head say; nil where the training file does.
    private func fileKind(_ model: ClassifierFolder?) -> LabelledFile.Kind? {
        switch task.task {
        case .classification, .regression: .texts
        case .tokenClassification: .words
        case nil: model?.head == .tokenClassification ? .words : nil
        }
    }

    private func choice(_ head: Head, _ kind: TaskKind) -> TaskChoice {
        if kind.isRegression { return .regression }
        return head == .tokenClassification ? .tokenClassification : .classification
    }

    /// What the labels mean: what the options, else the model's head, else the training file says.
    private func taskKind(_ file: LabelledFile, _ start: ClassifierFolder?) throws -> TaskKind {
        if task.task == .regression { return .regression }
        if let labels = task.labels { return .classification(labels: labels.names) }
        switch start {
        case .bert(let folder)
        where !folder.report.absent.contains(where: { $0.hasPrefix("classifier.") }):
            return folder.configuration.taskKind
        case .bilstm(let folder): return folder.configuration.taskKind
        default: return .classification(labels: try file.labelSet())
        }
    }

    private func prepare(
        _ start: ClassifierFolder?,
        _ head: Head,
        kind: TaskKind,
        readsPairs: Bool,
        isBiLSTM: Bool,
        work: TrainingRun
    ) throws -> (Pupil, Vocabulary, TokenizerConfiguration) {
        let (labels, problem) = kind.head
        if let start {
            let vocabulary = try start.loadVocabulary()
            let tokenizer = try TokenizerConfiguration(folder: start.url, vocabulary: vocabulary)
            let pupil: Pupil
            switch start {
            case .bert(let folder):
                pupil = Pupil(
                    try Student.pretrained(
                        folder,
                        labels: labels,
                        problemType: problem,
                        seed: training.seed,
                        adjust: { work.applyDropout(to: &$0) }
                    )
                )
            case .bilstm(let folder):
                pupil = try .bilstm(folder, kind, dropout: training.dropout)
            }
            return (pupil, vocabulary, tokenizer)
        }
        if isBiLSTM {
            let (vocabulary, tokenizer) = try fresh.pieces()
            let configuration = recurrent.bilstm.configuration(
                kind,
                vocabularySize: vocabulary.count,
                readsPairs: readsPairs,
                hidden: fresh.shape.hidden,
                dropout: training.dropout
            )
            let pupil = Pupil(
                model: BiLSTMModel(configuration, seed: training.seed),
                origin: ["every weight is new, drawn from seed \(training.seed)"]
            )
            return (pupil, vocabulary, tokenizer)
        }
        var (configuration, vocabulary, tokenizer) = try fresh.described()
        configuration.head = head
        (configuration.labels, configuration.problemType) = (labels, problem)
        work.applyDropout(to: &configuration)
        try configuration.checkFits(output.output)
        return (Pupil(.random(configuration, seed: training.seed)), vocabulary, tokenizer)
    }
}

extension ScheduleOptions {
    /// What was asked for, else what suits the kind of model.
    func learningRate(isBiLSTM: Bool) -> Double {
        learningRate
            ?? (isBiLSTM ? BiLSTMOptions.standardLearningRate : Self.standardLearningRate)
    }

    /// How training goes.
    func configuration(
        _ training: TrainingOptions,
        learningRate: Double
    ) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs,
            batchSize: batchSize,
            gradientAccumulation: training.gradientAccumulation,
            learningRate: learningRate,
            warmupProportion: warmup,
            optimizer: AdamW.Constants(
                weightDecay: weightDecay,
                clipNorm: clipNorm > 0 ? clipNorm : nil
            ),
            precision: training.precision,
            seed: training.seed,
            evaluateEvery: training.evaluateEvery,
            patience: training.earlyStopping
        )
    }
}

extension FreshModelOptions {
    private var positions: Int { maxPositions ?? 512 }

    /// The vocabulary and how texts are folded for it.
    ///
    /// - Precondition: the vocabulary is not missing.
    fileprivate func pieces() throws -> (Vocabulary, TokenizerConfiguration) {
        guard let path = vocabulary else {
            preconditionFailure("checked when the options were read")
        }
        let tokenizer = TokenizerConfiguration(
            lowercase: !cased,
            stripAccents: nil,
            splitChineseCharacters: true,
            modelMaximumLength: positions
        )
        return (try Vocabulary(contentsOf: URL(filePath: path)), tokenizer)
    }

    /// The model that the options describe: its configuration, without labels, and its tokenizer.
    ///
    /// - Precondition: none of the options is missing.
    func described() throws -> (BertConfiguration, Vocabulary, TokenizerConfiguration) {
        guard let layers = shape.layers, let hidden = shape.hidden,
            let heads = shape.heads, let intermediate = shape.intermediate
        else { preconditionFailure("checked when the options were read") }
        let (vocabulary, tokenizer) = try pieces()
        let activation: BertConfiguration.Activation
        switch self.activation ?? .gelu {
        case .gelu: activation = .gelu
        case .geluTanh: activation = .geluTanh(name: "gelu_new")
        case .relu: activation = .relu
        }
        let configuration = BertConfiguration(
            hiddenSize: hidden,
            hiddenLayerCount: layers,
            attentionHeadCount: heads,
            intermediateSize: intermediate,
            vocabularySize: vocabulary.count,
            maximumPositionCount: positions,
            tokenTypeCount: 2,
            layerNormEpsilon: 1e-12,
            activation: activation,
            hiddenDropoutProbability: 0.1,
            attentionDropoutProbability: 0.1,
            classifierDropout: nil,
            initializerRange: 0.02,
            padTokenID: Int(vocabulary.padding),
            labels: ["LABEL_0", "LABEL_1"],
            problemType: .classification
        )
        return (configuration, vocabulary, tokenizer)
    }
}

extension TaskKind {
    /// What a model of the kind is called.
    func noun(_ head: Head) -> String {
        if isRegression { return "regressor" }
        return head == .tokenClassification ? "token classifier" : "classifier"
    }
}

extension ModelCard {
    /// Names the Hub's task of a classifier.
    mutating func setPipeline(_ head: Head) {
        if head == .tokenClassification { pipeline = "token-classification" }
    }

    /// The comparison, the best score, and how the model was made.
    mutating func fill(from table: TextTable, result: TrainingResult, run: ResolvedRun) {
        comparisonHeader = table.columns.map(\.title)
        comparisonRows = table.rows
        if let best = result.best {
            metrics = [Metric(type: best.score.metric, value: best.score.value)]
            details.append(("Best step", "\(best.step) of \(result.steps)"))
        }
        let folder = run.entries.first { $0.name == "output" }?.values.first ?? "."
        let file = folder + (folder.hasSuffix("/") ? "" : "/") + "run.yaml"
        command = "bertkit \(run.command) --config \(ShellText.quoted(file)) --output NEW"
        details.append(("BertKit", Tool.version))
        details += run.entries.map { ($0.name, $0.values.joined(separator: ", ")) }
    }
}

extension ComparisonReport.Model {
    /// Its scores against the given labels, under the Hub's names.
    fileprivate var scores: [(type: String, value: Double?)] {
        [
            ("accuracy", accuracy), ("f1", entityF1 ?? f1Binary),
            ("matthews_correlation", matthews),
            ("pearsonr", pearson), ("spearmanr", spearman),
        ]
    }

    var cardMetrics: [ModelCard.Metric] {
        scores.compactMap { score in
            score.value.map { ModelCard.Metric(type: score.type, value: $0) }
        }
    }
}
