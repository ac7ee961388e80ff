import Bert
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Training

/// The teachers of a distillation, their score and their answers.
struct DistillationTeachers {
    let all: [TextClassifier]
    private let options: TeacherOptions
    private let work: TrainingRun
    /// The number of the one whose layers are read.
    private let layeredNumber: Int

    init(_ options: TeacherOptions, work: TrainingRun) throws {
        self.options = options
        self.work = work
        var all: [TextClassifier] = []
        for name in options.teacher {
            let teacher = try TextClassifier(contentsOf: URL(filePath: name))
            work.remarks.note(teacher)
            if let first = all.first {
                try teacher.check(teachesWith: first, name: name, other: options.teacher[0])
            }
            all.append(teacher)
        }
        self.all = all
        layeredNumber = options.layerTeacher.flatMap { options.teacher.firstIndex(of: $0) } ?? 0
    }

    /// The one whose layers are matched, copied or slimmed.
    var layered: TextClassifier { all[layeredNumber] }

    var phrase: String {
        all.count == 1
            ? "a teacher of \(layered.configuration.hiddenLayerCount) layers"
            : "\(all.count) teachers"
    }

    /// Those who answer in the place of one, if there are several.
    var ensemble: TeacherEnsemble? {
        guard all.count > 1 else { return nil }
        return TeacherEnsemble(
            all.map { BertInference($0.model, pool: work.pool) },
            weights: options.weights
        )
    }

    /// Refuses to guess whose layers are meant.
    func checkLayered(recipe: Recipe, start: StudentStart) throws(Failure) {
        guard all.count > 1, options.layerTeacher == nil else { return }
        let matches = recipe.stages.contains { stage in
            stage.objectives.contains { $0.kind != .prediction && $0.weight > 0 }
        }
        let copies =
            switch start {
            case .teacherLayers, .teacherEmbeddings, .slimmed: true
            case .random, .folder: false
            }
        guard matches || copies else { return }
        throw Failure(
            .usage,
            "--teacher",
            "there are \(all.count) teachers, and "
                + (matches
                    ? "recipe \(recipe.name) matches the layers of one"
                    : start == .teacherEmbeddings
                        ? "the student starts from the embeddings of one"
                        : "the student starts from the layers of one"),
            remedy: "Say which with --layer-teacher"
        )
    }

    /// All teachers as one, measured on the development data, after each was looked at.
    func measure(on dev: EncodedDataset, of file: LabelledFile) throws -> ModelMeasurement {
        let kind = layered.configuration.taskKind
        var measures: [ModelMeasurement] = []
        for (teacher, name) in zip(all, options.teacher) {
            let measure = try ModelRunner.measure(
                teacher.model,
                name: "teacher",
                bytesOnDisk: teacher.folder.weightsByteCount,
                on: dev,
                pool: work.pool
            )
            try checkFinite(measure.logits, Array(0..<dev.count), dev, of: file, teacher: name)
            say(measure.logits, dev, kind, all.count > 1 ? "teacher \(printable(name))" : "teacher")
            measures.append(measure)
        }
        var whole = measures[0]
        guard measures.count > 1 else { return whole }
        whole.name = "teachers"
        whole.logits = TeacherEnsemble.average(measures.map(\.logits), weights: options.weights)
        for other in measures.dropFirst() {
            whole.parameterCount += other.parameterCount
            whole.parameterCountWithoutEmbeddings += other.parameterCountWithoutEmbeddings
            whole.bytesOnDisk += other.bytesOnDisk
            whole.flopsPerToken += other.flopsPerToken
            whole.seconds += other.seconds
        }
        say(whole.logits, dev, kind, "teachers together")
        return whole
    }

    private func say(_ logits: [Float], _ dev: EncodedDataset, _ kind: TaskKind, _ name: String) {
        let check = TeacherCheck(logits: logits, targets: dev.targets, kind: kind)
        work.remarks.say(
            "\(name): \(check.score.metric) \(Numbers.fixed(check.score.value, 4)) on the "
                + "development data"
        )
        if let warning = check.warning { work.remarks.warn(warning) }
    }

    /// The teachers' averaged answers to every training example, or word, `[answers, C]`, computed once or
    /// taken from the cache.
    func answers(to data: EncodedDataset, of file: LabelledFile) throws -> [Float] {
        var logits: [[Float]] = []
        for (teacher, name) in zip(all, options.teacher) {
            let inference = BertInference(teacher.model, pool: work.pool)
            let compute = { (examples: [Int]) throws(Failure) in
                let found = self.answers(of: inference, to: data, examples)
                try checkFinite(found, examples, data, of: file, teacher: name)
                return found
            }
            guard let folder = options.cache else {
                logits.append(try compute(Array(0..<data.count)))
                continue
            }
            let cache = AnswerCache(folder: URL(filePath: folder), teacher: teacher.model)
            let kept = try cache.answers(to: data, compute: compute)
            let path = printable(cache.url.relativePath)
            if let problem = kept.problem {
                work.remarks.note("\(path): \(problem); it was computed and written anew")
            }
            work.remarks.say(
                "teacher's answers: \(Numbers.count(kept.found)) of "
                    + "\(Numbers.count(data.count)) from \(path)"
            )
            logits.append(kept.logits)
        }
        return TeacherEnsemble.average(logits, weights: options.weights)
    }

    /// In pieces, so that progress shows.
    private func answers(
        of inference: BertInference,
        to data: EncodedDataset,
        _ examples: [Int]
    ) -> [Float] {
        let bar = ProgressBar(
            "teacher's answers",
            total: examples.count,
            isQuiet: work.remarks.isQuiet
        )
        var logits: [Float] = []
        let answers = data.answers(examples[...])
        logits.reserveCapacity(answers.count * inference.model.configuration.labels.count)
        for start in stride(from: 0, to: examples.count, by: 1024) {
            let end = min(start + 1024, examples.count)
            logits += inference.logits(data.batch(examples[start..<end]))
            bar.update(end)
        }
        bar.finish()
        return logits
    }

    /// Finite weights can give answers that are not; nothing can be learnt from those.
    private func checkFinite(
        _ logits: [Float],
        _ examples: [Int],
        _ data: EncodedDataset,
        of file: LabelledFile,
        teacher: String
    ) throws(Failure) {
        guard let index = logits.firstIndex(where: { !$0.isFinite }) else { return }
        let row = index / layered.configuration.taskKind.outputCount
        let answers = data.answers(examples[...])
        let example = data.example(of: answers[answers.startIndex + row])
        throw Failure(
            .badData,
            teacher,
            "the teacher's answer to line \(file.line(example)) of \(printable(file.name)) is "
                + "\(logits[index])",
            remedy: "Its weights are damaged, or too large for 32-bit floats"
        )
    }
}
