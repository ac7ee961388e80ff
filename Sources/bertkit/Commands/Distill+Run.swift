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
        var recipe = try self.recipe.chosen()
        try stages.apply(to: &recipe)
        let work = try TrainingRun(
            data: data,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let teacher = try TextClassifier(contentsOf: URL(filePath: self.teacher.teacher))
        work.remarks.note(teacher)
        let kind = teacher.configuration.taskKind
        let trainFile = try work.read(data.train)
        let devFile = try work.read(data.dev)
        let start = try self.start(from: teacher.configuration)
        var run = run
        run.settle("init", [start.defaultValueDescription])
        if student.`init` == nil {
            work.remarks.say("student: starts as --init \(start.defaultValueDescription) says")
        }
        let given = try prepare(start, teacher, work: work)
        let encode = { (file: TaskFile) in
            try work.encode(
                file,
                kind: kind,
                tokenizer: teacher.tokenizer,
                models: [
                    (self.teacher.teacher, teacher.configuration),
                    (startName, (given?.model ?? teacher.model).configuration),
                ]
            )
        }
        let train = try encode(trainFile)
        let dev = try encode(devFile)
        let student = try given ?? slim(start, teacher.model, data: train, work: work)
        recipe = try settled(recipe, student: student.model, teacher: teacher.model)

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
        var log = TrainingLog()
        let result = try self.train(
            student.model,
            by: recipe,
            StageObjectives(
                student: student.model.configuration,
                teacher: inference,
                data: train,
                teacherLogits: logits,
                workerCount: work.pool.workerCount,
                seed: training.seed
            ),
            data: train,
            dev: dev,
            text: try plainText(teacher, student: student.model, work),
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
    private func settled(
        _ recipe: Recipe,
        student: BertModel,
        teacher: BertModel
    ) throws -> Recipe {
        try student.configuration.checkCanTrain("the student")
        let (own, other) = (student.configuration, teacher.configuration)
        let settled = try recipe.resolved(
            student: own,
            teacher: other,
            hasText: self.recipe.text != nil
        )
        if !runOptions.quiet {
            let terminal = Terminal.standardError
            let table = try settled.layerTable(student: own, teacher: other).plain
            for line in (settled.yaml + table).split(separator: "\n") {
                terminal.write(terminal.styled(String(line), .faint) + "\n")
            }
        }
        return settled
    }

    /// The plain text that is given, for both models.
    private func plainText(
        _ teacher: TextClassifier,
        student: BertModel,
        _ work: TrainingRun
    ) throws(Failure) -> TextData? {
        guard let path = recipe.text else { return nil }
        let text = try PlainText(path: path)
        work.remarks.say("\(printable(path)): \(Numbers.count(text.lineCount)) lines of text")
        let longest = [teacher.configuration, student.configuration].map(\.longestSequence)
        return TextData(
            text,
            tokenizer: teacher.tokenizer,
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
}

extension StudentShape {
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
