import Bert
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tokenization
import Training

extension Distill {
    func run(_ run: ResolvedRun) throws {
        if let report = try distil(run) { try StandardOutput.write(report.table.plain + "\n") }
    }

    /// Distils and writes a student of a classifier, or of a masked language model where there are no
    /// labelled examples; nil then, and when only the run was to be printed.
    func distil(_ run: ResolvedRun) throws -> ComparisonReport? {
        var run = run
        if self.recipe.recipe == nil { run.settle("recipe", [recipeName]) }
        if isBiLSTM { run.settle("student", [StudentKind.bilstm.rawValue]) }
        guard try runOptions.announce(run) else { return nil }
        guard let trainPath = data.train, let devPath = data.dev else {
            try runGeneral(run)
            return nil
        }
        var recipe = try self.recipe.chosen(recipeName)
        try stages.apply(to: &recipe)
        try variants.apply(to: &recipe)
        let work = try TrainingRun(
            run,
            columns: data.columns,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let teachers = try DistillationTeachers(self.teacher, work: work)
        let teacher = teachers.layered
        let kind = teacher.configuration.taskKind
        if isBiLSTM {
            try BiLSTMOptions.checkAnswers(
                teacher.configuration.head,
                teacher.folder.url.relativePath
            )
        }
        try self.recipe.check(kind)
        let metric = try selection.metric(for: kind, hasTeacher: true)
        let trainFile = try work.read(
            trainPath,
            teacher.configuration.head.fileKind,
            labels: .partial
        )
        try checkLabels(trainFile, recipe)
        if trainFile.kind == .words { try leaveOutVariants(&recipe, trainFile, work) }
        let devFile = try work.read(devPath, teacher.configuration.head.fileKind)
        let general = try generalTeacher(beside: teacher, of: recipe)
        let start =
            isBiLSTM ? bilstmStart(teachers) : try self.start(from: teacher.configuration)
        try teachers.checkLayered(recipe: recipe, start: start)
        run.settle("metric", [metric.rawValue])
        run.settle("init", [start.defaultValueDescription])
        if student.`init` == nil {
            work.remarks.say("student: starts as --init \(start.defaultValueDescription) says")
        }
        let given =
            isBiLSTM
            ? try bilstm(start, teacher, readsPairs: trainFile.hasPairs, work: work)
            : try prepare(start, teacher, general, work: work).map(Pupil.init)
        let planned: BertConfiguration? =
            if let given { given.bert } else { try slimmed(start, teacher.configuration) }
        recipe = try settled(
            recipe,
            student: planned,
            teacher: teacher.configuration,
            general: general?.configuration
        )
        var models: [(name: String, reader: any TextReader)] = []
        for (name, teacher) in zip(self.teacher.teacher, teachers.all) {
            models.append((name, teacher.configuration))
        }
        models.append((startName, given?.model.reader ?? teacher.configuration))
        let encode = { (file: LabelledFile) in
            try work.encode(file, kind: kind, tokenizer: teacher.tokenizer, models: models)
        }
        let train = try encode(trainFile)
        let dev = try encode(devFile)
        if output.dryRun {
            let texts = try plainText(teacher.tokenizer, readBy: [teacher.configuration], work)
            try work.sayPlan(
                of: DryModel(given?.model, planned),
                plan(recipe, examples: train.count, lines: texts?.count ?? 0),
                hasRecipe: true
            )
            return nil
        }
        let teacherMeasure = try teachers.measure(on: dev, of: devFile)
        let student =
            try given ?? Pupil(slim(start, teacher.model, data: train, work: work))
        for line in student.origin { work.remarks.say("student: \(line)") }

        let variantSource = try variantSource(
            recipe,
            trainFile,
            teacher: teacher,
            maximumLength: work.maximumLength(models),
            work: work
        )
        var logits: [Float] = []
        if recipe.stages.contains(where: \.readsTeacherLogits) {
            logits = try teachers.answers(to: train, of: trainFile)
        }
        let readers = [teacher.configuration, student.bert, general?.configuration]
            .compactMap(\.self)
        var log = try work.log()
        let result = try self.train(
            student.model,
            by: recipe,
            StageObjectives(
                student: student.bert,
                teacher: BertInference(teacher.model, pool: work.pool),
                general: general.map { BertInference($0.model, pool: work.pool) },
                data: train,
                teacherLogits: logits,
                ensemble: teachers.ensemble,
                labelsVariants: variants.variantLabels == .keep,
                workerCount: work.pool.workerCount,
                seed: training.seed
            ),
            data: train,
            file: trainFile,
            variants: variantSource,
            dev: DevelopmentJudge(
                data: dev,
                metric: metric,
                teacherLogits: teacherMeasure.logits
            ),
            text: try plainText(
                teacher.tokenizer,
                readBy: readers,
                answersWords: teacher.configuration.head == .tokenClassification,
                work
            ),
            pieces: try pieceSource(
                teacher.vocabulary,
                teacher.tokenizer,
                head: start.isOfTeacherLayers ? general?.model : nil,
                readBy: readers
            ),
            work: work,
            log: &log
        )
        let head = teacher.configuration.head
        var card = ModelCard(
            name: URL(filePath: output.output).lastPathComponent,
            summary:
                "A \(student.model.kindName) \(kind.noun(head)) distilled with BertKit "
                + "from \(teachers.phrase), on "
                + "\(Numbers.count(train.count)) "
                + "\(head == .tokenClassification ? "sentences" : "examples")."
        )
        card.setPipeline(head)
        return try work.keeper.finish(student.model, result, log) {
            var measured = try ModelRunner.measure(
                student.model,
                name: "student",
                bytesOnDisk: 0,
                on: dev,
                pool: work.pool
            )
            measured.layers = try layers(
                of: student.model,
                beside: teacher.model,
                recipe,
                dev,
                work
            )
            return try work.write(
                student.model,
                measured: measured,
                tokenizerFiles: TokenizerFiles.files(
                    vocabulary: teacher.vocabulary,
                    configuration: teacher.tokenizerConfiguration,
                    maximumPositions: student.model.reader.longestSequence
                ),
                run: run,
                log: log,
                card: card,
                result: result,
                recipe: recipe
            ) { (measured) throws(Failure) in
                try ComparisonReport(
                    kind: kind,
                    targets: dev.targets,
                    sentences: dev.words?.offsets,
                    teacher: teacherMeasure,
                    students: [measured],
                    temperature: 1,
                    facts: ExampleFacts(devFile, dev, quotesTexts: false)
                )
            }
        }
    }

    /// How a student's layers compare with the teacher's, by the map that the recipe matches first, else
    /// evenly; nil for a BiLSTM.
    private func layers(
        of student: any StudentModel,
        beside teacher: BertModel,
        _ recipe: Recipe,
        _ dev: EncodedDataset,
        _ work: TrainingRun
    ) throws(Failure) -> LayerSimilarity? {
        let batch = dev.batch(LayerStates.examples(dev))
        guard let student = student as? BertModel,
            let own = LayerStates(student, batch, pool: work.pool),
            let theirs = LayerStates(teacher, batch, pool: work.pool)
        else { return nil }
        let map = recipe.stages.flatMap(\.objectives).lazy.filter { $0.weight > 0 }
            .compactMap(\.map).first
        let pairs = try (map ?? .uniform).pairs(student: own.layerCount, teacher: theirs.layerCount)
        return theirs.similarity(to: own, layerMap: pairs.map { ($0.student, $0.teacher) })
    }

    /// Refuses a recipe that compares with labels where no row has one.
    private func checkLabels(_ file: LabelledFile, _ recipe: Recipe) throws(Failure) {
        let isLabelled =
            if case .texts(let texts) = file { texts.unlabelledCount < texts.count } else {
                file.hasLabels
            }
        let share =
            recipe.stages.filter { $0.data == .task }.compactMap(\.prediction)
            .map { $0.weight > 0 ? $0.hardLabelWeight ?? 0 : 0 }.max() ?? 0
        guard !isLabelled, share > 0 else { return }
        throw Failure(
            .badData,
            file.name,
            "no row has a label, and recipe \(recipe.name) gives labels a share of \(share)",
            remedy: "Give --hard-label-weight 0, or a file with labels"
        )
    }

    /// The recipe for these models, shown: what it settles, and which layers it matches.
    func settled(
        _ recipe: Recipe,
        student: BertConfiguration?,
        teacher: BertConfiguration,
        general: BertConfiguration? = nil
    ) throws -> Recipe {
        try student?.checkCanTrain("the student")
        let settled = try recipe.resolved(
            student: student,
            teacher: teacher,
            general: general,
            hasText: self.recipe.text != nil
        )
        if !runOptions.quiet {
            let terminal = Terminal.standardError
            let table = try settled.layerTable(
                student: student,
                teacher: teacher,
                general: general
            ).plain
            for line in (settled.yaml + table).split(separator: "\n") {
                terminal.write(terminal.styled(String(line), .faint) + "\n")
            }
        }
        return settled
    }

    /// The plain text that is given, for all models that read it.
    func plainText(
        _ tokenizer: WordPieceTokenizer,
        readBy models: [BertConfiguration],
        answersWords: Bool = false,
        _ work: TrainingRun
    ) throws(Failure) -> TextData? {
        guard let path = recipe.text else { return nil }
        let text = try PlainText(path: path)
        work.remarks.say("\(printable(path)): \(Numbers.count(text.lineCount)) lines of text")
        let longest = models.map(\.longestSequence)
        return TextData(
            text,
            tokenizer: tokenizer,
            maximumLength: min(training.maxLength, longest.min() ?? training.maxLength),
            answersWords: answersWords
        )
    }

    /// Where the student's sizes come from, as the user spelled it.
    private var startName: String {
        if case .folder(let path) = student.`init` { path } else { teacher.teacher[0] }
    }
}

extension StudentShape {
    init(_ options: ShapeOptions) {
        self.init(
            layers: options.layers,
            hidden: options.hidden,
            heads: options.heads,
            intermediate: options.intermediate
        )
    }

    /// Refuses sizes that were asked for and are not the folder's.
    func check(against configuration: BertConfiguration, folder: String) throws(Failure) {
        let sizes = [
            ("--layers", layers, configuration.hiddenLayerCount),
            ("--hidden", hidden, configuration.hiddenSize),
            ("--heads", heads, configuration.attentionHeadCount),
            ("--intermediate", intermediate, configuration.intermediateSize),
        ]
        for (option, wanted, own) in sizes {
            if let wanted, wanted != own {
                throw Failure(
                    .usage,
                    option,
                    "\(wanted) was asked for, but the model in \(printable(folder)) has \(own)",
                    remedy: "Leave \(option) out"
                )
            }
        }
    }
}
