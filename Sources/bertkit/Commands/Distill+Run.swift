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
        guard try runOptions.announce(run) else { return }
        guard let trainPath = data.train, let devPath = data.dev else {
            return try runGeneral(run)
        }
        var recipe = try self.recipe.chosen()
        try stages.apply(to: &recipe)
        let work = try TrainingRun(
            columns: data.columns,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let teacher = try TextClassifier(contentsOf: URL(filePath: self.teacher.teacher))
        work.remarks.note(teacher)
        let kind = teacher.configuration.taskKind
        let trainFile = try work.read(trainPath)
        let devFile = try work.read(devPath)
        let general = try generalTeacher(beside: teacher, of: recipe)
        let student = try prepare(teacher, general, work: work)
        recipe = try settled(
            recipe,
            student: student.model.configuration,
            teacher: teacher.configuration,
            general: general?.configuration
        )
        let encode = { (file: TaskFile) in
            try work.encode(
                file,
                kind: kind,
                tokenizer: teacher.tokenizer,
                models: [
                    (self.teacher.teacher, teacher.configuration),
                    (startName, student.model.configuration),
                ]
            )
        }
        let train = try encode(trainFile)
        let dev = try encode(devFile)

        let teacherMeasure = ModelRunner.measure(
            teacher.model,
            name: "teacher",
            bytesOnDisk: teacher.folder.weightsByteCount,
            on: dev,
            pool: work.pool
        )
        try checkFinite(teacherMeasure.logits, classCount: kind.outputCount, of: devFile)
        let check = TeacherCheck(logits: teacherMeasure.logits, targets: dev.targets, kind: kind)
        work.remarks.say(
            "teacher: \(check.score.metric) \(Numbers.fixed(check.score.value, 4)) on the "
                + "development data"
        )
        if let warning = check.warning { work.remarks.warn(warning) }
        for line in student.origin { work.remarks.say("student: \(line)") }

        let inference = BertInference(teacher.model, pool: work.pool)
        var logits: [Float] = []
        if recipe.stages.contains(where: \.readsTeacherLogits) {
            logits = answers(of: inference, to: train)
            try checkFinite(logits, classCount: kind.outputCount, of: trainFile)
        }
        let readers = [teacher.configuration, student.model.configuration, general?.configuration]
            .compactMap(\.self)
        var log = TrainingLog()
        let result = try self.train(
            student.model,
            by: recipe,
            StageObjectives(
                student: student.model.configuration,
                teacher: inference,
                general: general.map { BertInference($0.model, pool: work.pool) },
                data: train,
                teacherLogits: logits,
                workerCount: work.pool.workerCount,
                seed: training.seed
            ),
            data: train,
            dev: dev,
            text: try plainText(teacher.tokenizer, readBy: readers, work),
            pieces: try pieceSource(
                teacher.vocabulary,
                teacher.tokenizer,
                head: general?.model,
                readBy: readers
            ),
            work: work,
            log: &log
        )
        let measured = ModelRunner.measure(
            student.model,
            name: "student",
            bytesOnDisk: 0,
            on: dev,
            pool: work.pool
        )
        let card = ModelCard(
            name: URL(filePath: output.output).lastPathComponent,
            summary:
                "A BERT \(kind.isRegression ? "regressor" : "classifier") distilled with BertKit "
                + "from a teacher of \(teacher.configuration.hiddenLayerCount) layers, on "
                + "\(Numbers.count(train.count)) examples."
        )
        let report = try work.write(
            student.model,
            measured: measured,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: teacher.vocabulary,
                configuration: teacher.tokenizerConfiguration,
                maximumPositions: student.model.configuration.longestSequence
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
                teacher: teacherMeasure,
                students: [measured],
                temperature: 1
            )
        }
        try StandardOutput.write(report.table.plain + "\n")
    }

    /// The recipe for these models, shown: what it settles, and which layers it matches.
    func settled(
        _ recipe: Recipe,
        student: BertConfiguration,
        teacher: BertConfiguration,
        general: BertConfiguration? = nil
    ) throws -> Recipe {
        try student.checkCanTrain("the student")
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
        _ work: TrainingRun
    ) throws(Failure) -> TextData? {
        guard let path = recipe.text else { return nil }
        let text = try PlainText(path: path)
        work.remarks.say("\(printable(path)): \(Numbers.count(text.lineCount)) lines of text")
        let longest = models.map(\.longestSequence)
        return TextData(
            text,
            tokenizer: tokenizer,
            maximumLength: min(training.maxLength, longest.min() ?? training.maxLength)
        )
    }

    /// Finite weights can give answers that are not; nothing can be learnt from those.
    private func checkFinite(
        _ logits: [Float],
        classCount: Int,
        of file: TaskFile
    ) throws(Failure) {
        guard let index = logits.firstIndex(where: { !$0.isFinite }) else { return }
        throw Failure(
            .badData,
            teacher.teacher,
            "the teacher's answer to line \(file.line(index / classCount)) of "
                + "\(printable(file.name)) is \(logits[index])",
            remedy: "Its weights are damaged, or too large for 32-bit floats"
        )
    }

    /// Where the student's sizes come from, as the user spelled it.
    private var startName: String {
        if case .folder(let path) = student.`init` { path } else { teacher.teacher }
    }

    /// The teacher's answers to every training example, computed once, in pieces so that progress
    /// shows.
    private func answers(of inference: BertInference, to data: EncodedDataset) -> [Float] {
        let bar = ProgressBar("teacher's answers", total: data.count, isQuiet: runOptions.quiet)
        var logits: [Float] = []
        logits.reserveCapacity(data.count * inference.model.configuration.labels.count)
        for start in stride(from: 0, to: data.count, by: 1024) {
            let end = min(start + 1024, data.count)
            logits += inference.logits(data.batch(start..<end))
            bar.update(end)
        }
        bar.finish()
        return logits
    }

    private func prepare(
        _ teacher: TextClassifier,
        _ general: MaskedLanguageModel?,
        work: TrainingRun
    ) throws -> Student {
        let shape = StudentShape(student.shape)
        switch student.`init` {
        case .random: return random(like: teacher.configuration, work)
        case .teacherLayers(let listed):
            guard let general else { return try copied(teacher.model, listed, work) }
            let encoder = try copied(general.model, listed, work)
            var configuration = encoder.model.configuration
            configuration.head = .sequenceClassification
            configuration.labels = teacher.configuration.labels
            configuration.problemType = teacher.configuration.problemType
            let model = BertModel(configuration, seed: training.seed)
            model.copyShared(from: teacher.model)
            model.copyShared(from: encoder.model)
            return Student(
                model: model,
                origin: encoder.origin.map { $0 + " of pieces" }
                    + ["pooler and classifier of the other teacher, where their shapes are equal"]
            )
        case .folder(let path):
            let folder = try ModelFolder.open(URL(filePath: path), requireHead: false)
            let vocabulary = try folder.loadVocabulary()
            try vocabulary.check(agreesWith: teacher.vocabulary, student: printable(path))
            let student = try Student.pretrained(
                folder,
                labels: teacher.configuration.labels,
                problemType: teacher.configuration.problemType,
                seed: training.seed,
                adjust: { work.applyDropout(to: &$0) }
            )
            try shape.check(against: student.model.configuration, folder: path)
            return student
        }
    }
}

extension Distill {
    /// A student of a configuration's kind with new weights.
    func random(like teacher: BertConfiguration, _ work: TrainingRun) -> Student {
        let shape = student.shape
        var configuration = teacher
        configuration.hiddenLayerCount = shape.layers ?? configuration.hiddenLayerCount
        configuration.hiddenSize = shape.hidden ?? configuration.hiddenSize
        configuration.attentionHeadCount = shape.heads ?? configuration.attentionHeadCount
        configuration.intermediateSize = shape.intermediate ?? configuration.intermediateSize
        work.applyDropout(to: &configuration)
        return .random(configuration, seed: training.seed)
    }

    /// A student of some of a teacher's layers.
    ///
    /// - Parameter listed: the layers; nil for as many as are asked for, evenly spaced.
    func copied(
        _ teacher: BertModel,
        _ listed: [Int]?,
        _ work: TrainingRun
    ) throws(Failure) -> Student {
        let shape = StudentShape(student.shape)
        let count = teacher.configuration.hiddenLayerCount
        let wanted = shape.layers ?? count
        guard wanted <= count else {
            throw Failure(
                .usage,
                "--layers",
                "\(wanted) layers cannot be copied from a teacher of \(count)"
            )
        }
        let layers =
            listed ?? LayerSelection.evenlySpaced(studentLayers: wanted, teacherLayers: count)
        return try .copying(
            layers: layers,
            of: teacher,
            shape: shape,
            adjust: { work.applyDropout(to: &$0) }
        )
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
