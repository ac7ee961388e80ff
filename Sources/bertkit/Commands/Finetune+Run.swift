import Bert
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
        guard try runOptions.announce(run) else { return }
        let work = try TrainingRun(
            columns: data.columns,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let own = try model.map { path in
            try ModelFolder.open(URL(filePath: path), requireHead: false)
        }
        let trainFile = try work.read(data.train, fileKind(own))
        let devFile = try work.read(data.dev, trainFile.kind)
        let head: Head = trainFile.kind == .words ? .tokenClassification : .sequenceClassification
        let start = try own.map { (own) throws(Failure) in
            own.configuration.head == head
                ? own : try ModelFolder.open(own.url, requireHead: false, head: head)
        }
        let kind = try taskKind(trainFile, folder: start)
        let metric = try training.metric(for: kind, hasTeacher: false)
        var run = run
        run.settle("metric", [metric.rawValue])
        run.settle("task", [choice(head, kind).rawValue])
        let (student, vocabulary, tokenizer) = try prepare(start, head, kind: kind, work: work)
        if let start { work.remarks.note(start, tokenizer: tokenizer) }
        for line in student.origin { work.remarks.say("model: \(line)") }

        let encode = { (file: LabelledFile) in
            try work.encode(
                file,
                kind: kind,
                tokenizer: WordPieceTokenizer(vocabulary: vocabulary, configuration: tokenizer),
                models: [(model ?? outputName, student.model.configuration)]
            )
        }
        let train = try encode(trainFile)
        let dev = try encode(devFile)
        var log = TrainingLog()
        let judge = DevelopmentJudge(data: dev, metric: metric, teacherLogits: [])
        let result = try work.train(
            student.model,
            data: train,
            score: { judge.score(of: student.model, pool: work.pool) },
            objective: LogitObjective(kind.goldLoss(train.targets)),
            configuration: schedule.configuration(training),
            label: "fine-tuning",
            log: &log
        )
        let measured = ModelRunner.measure(
            student.model,
            name: outputName,
            bytesOnDisk: 0,
            on: dev,
            pool: work.pool
        )
        var card = ModelCard(
            name: outputName,
            summary: "A BERT \(kind.noun(head)) fine-tuned with "
                + "BertKit on \(Numbers.count(train.count)) "
                + "\(head == .tokenClassification ? "sentences" : "examples")."
        )
        card.tags = ["bert"]
        card.setPipeline(head)
        let report = try work.write(
            student.model,
            measured: measured,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: vocabulary,
                configuration: tokenizer,
                maximumPositions: student.model.configuration.longestSequence
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
                temperature: 1
            )
        }
        try StandardOutput.write(report.table.plain + "\n")
    }

    private var outputName: String { URL(filePath: output.output).lastPathComponent }

    /// What the files hold: what the options or the model's head say; nil where the training file does.
    private func fileKind(_ model: ModelFolder?) -> LabelledFile.Kind? {
        switch task.task {
        case .classification, .regression: .texts
        case .tokenClassification: .words
        case nil: model?.configuration.head == .tokenClassification ? .words : nil
        }
    }

    private func choice(_ head: Head, _ kind: TaskKind) -> TaskChoice {
        if kind.isRegression { return .regression }
        return head == .tokenClassification ? .tokenClassification : .classification
    }

    /// What the labels mean: what the options, else the model's head, else the training file says.
    private func taskKind(_ file: LabelledFile, folder: ModelFolder?) throws -> TaskKind {
        if task.task == .regression { return .regression }
        if let labels = task.labels { return .classification(labels: labels.names) }
        if let folder, !folder.report.absent.contains(where: { $0.hasPrefix("classifier.") }) {
            return folder.configuration.taskKind
        }
        return .classification(labels: try file.labelSet())
    }

    private func prepare(
        _ folder: ModelFolder?,
        _ head: Head,
        kind: TaskKind,
        work: TrainingRun
    ) throws -> (Student, Vocabulary, TokenizerConfiguration) {
        let labels: [String]
        let problem: BertConfiguration.ProblemType
        switch kind {
        case .classification(let names): (labels, problem) = (names, .classification)
        case .regression: (labels, problem) = (["score"], .regression)
        }
        if let folder {
            let vocabulary = try folder.loadVocabulary()
            let tokenizer = try TokenizerConfiguration(folder: folder.url, vocabulary: vocabulary)
            let student = try Student.pretrained(
                folder,
                labels: labels,
                problemType: problem,
                seed: training.seed,
                adjust: { work.applyDropout(to: &$0) }
            )
            return (student, vocabulary, tokenizer)
        }
        var (configuration, vocabulary, tokenizer) = try fresh.described()
        configuration.head = head
        (configuration.labels, configuration.problemType) = (labels, problem)
        work.applyDropout(to: &configuration)
        return (.random(configuration, seed: training.seed), vocabulary, tokenizer)
    }
}

extension ScheduleOptions {
    /// How training goes.
    func configuration(_ training: TrainingOptions) -> TrainingConfiguration {
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
    /// The model that the options describe: its configuration, without labels, and its tokenizer.
    ///
    /// - Precondition: none of the options is missing.
    func described() throws -> (BertConfiguration, Vocabulary, TokenizerConfiguration) {
        guard let path = vocabulary, let layers = shape.layers, let hidden = shape.hidden,
            let heads = shape.heads, let intermediate = shape.intermediate
        else { preconditionFailure("checked when the options were read") }
        let vocabulary = try Vocabulary(contentsOf: URL(filePath: path))
        let positions = maxPositions ?? 512
        let tokenizer = TokenizerConfiguration(
            lowercase: !cased,
            stripAccents: nil,
            splitChineseCharacters: true,
            modelMaximumLength: positions
        )
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
    mutating func fill(from report: ComparisonReport, result: TrainingResult, run: ResolvedRun) {
        fill(from: report.table, result: result, run: run)
    }

    mutating func fill(from table: TextTable, result: TrainingResult, run: ResolvedRun) {
        comparisonHeader = table.columns.map(\.title)
        comparisonRows = table.rows
        if let best = result.best {
            metrics = [Metric(type: best.score.metric, value: best.score.value)]
            details.append(("Best step", "\(best.step) of \(result.steps)"))
        }
        command = "bertkit \(run.command) --config run.yaml"
        details.append(("BertKit", Tool.version))
        details += run.entries.map { ($0.name, $0.values.joined(separator: ", ")) }
    }
}
