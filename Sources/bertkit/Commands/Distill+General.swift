import ArgumentParser
import Bert
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Tokenization
import Training

/// What stages that predict word pieces read and train.
struct PieceSource {
    let vocabulary: Vocabulary
    /// Whose head a student's begins as; nil for a new one.
    var head: BertModel?
    let seed: UInt64
    /// Text to measure with.
    var held: TextData?

    /// A masked language model on a student's encoder; the student itself where it is one.
    func model(on student: BertModel) -> BertModel {
        guard student.configuration.head != .maskedLanguageModel else { return student }
        var configuration = student.configuration
        configuration.head = .maskedLanguageModel
        let model = BertModel(configuration, seed: seed)
        if let head { model.copyShared(from: head) }
        model.copyShared(from: student)
        return model
    }

    /// The text as a stage hides its pieces.
    func masked(_ text: TextData, _ stage: RecipeStage) throws(Failure) -> MaskedText {
        var frequencies: (counts: [Int], exponent: Double)?
        if stage.maskSmoothing > 0 {
            let counts = try text.pieceCounts(vocabularySize: vocabulary.count)
            frequencies = (counts, stage.maskSmoothing)
        }
        return MaskedText(
            text,
            masking: try Masking(vocabulary, share: stage.maskedShare, frequencies: frequencies)
        )
    }

    func evaluation(seed: UInt64, _ stage: RecipeStage) throws(Failure) -> MaskedEvaluation? {
        guard let held else { return nil }
        let masking = try Masking(vocabulary, share: stage.maskedShare)
        return try MaskedEvaluation(MaskedText(held, masking: masking), seed: seed)
    }
}

extension Distill {
    /// Distils a masked language model into a smaller one, by the recipe's stages on plain text.
    func runGeneral(_ run: ResolvedRun) throws {
        var recipe = try self.recipe.chosen(recipeName)
        guard recipe.stages.contains(where: \.predictsPieces) else {
            throw Failure(
                .usage,
                "--train",
                "recipe \(recipe.name) trains a classifier, and there are no labelled examples",
                remedy: "Give --train and --dev, or choose recipe distilbert"
            )
        }
        let left = recipe.stages.filter { !$0.predictsPieces }.map(\.name)
        recipe.stages.removeAll { !$0.predictsPieces }
        try stages.apply(to: &recipe)
        let work = try TrainingRun(
            run,
            columns: nil,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        if let other = teacher.generalTeacher {
            throw Failure(
                .usage,
                "--general-teacher",
                "\(printable(other)) is given, but without --train the teacher is that model",
                remedy: "Give it as --teacher"
            )
        }
        if !left.isEmpty {
            work.remarks.note("without --train, \(left.joined(separator: ", ")) is left out")
        }
        let teacher = try MaskedLanguageModel(contentsOf: URL(filePath: self.teacher.teacher[0]))
        try teacher.configuration.checkHoldsTexts(self.teacher.teacher[0])
        let start = generalStart
        var run = run
        run.settle("init", [start.defaultValueDescription])
        let student = try generalStudent(start, teacher, work)
        let configuration = student.model.configuration
        recipe = try settled(recipe, student: configuration, teacher: teacher.configuration)
        for line in student.origin { work.remarks.say("student: \(line)") }
        let text = try plainText(
            teacher.tokenizer,
            readBy: [teacher.configuration, configuration],
            work
        )
        let pieces = try pieceSource(
            teacher.vocabulary,
            teacher.tokenizer,
            head: start.isOfTeacherLayers ? teacher.model : nil,
            readBy: [teacher.configuration, configuration]
        )
        if output.dryRun {
            return try work.sayPlan(
                of: DryModel(student.model),
                plan(recipe, examples: 0, lines: text?.count ?? 0),
                hasRecipe: true,
                isMeasured: self.recipe.devText != nil
            )
        }
        var log = try work.log()
        let result = try train(
            student.model,
            by: recipe,
            StageObjectives(
                student: configuration,
                teacher: BertInference(teacher.model, pool: work.pool),
                data: nil,
                teacherLogits: [],
                workerCount: work.pool.workerCount,
                seed: training.seed
            ),
            data: nil,
            dev: nil,
            text: text,
            pieces: pieces,
            work: work,
            log: &log
        )
        var card = ModelCard(
            name: URL(filePath: output.output).lastPathComponent,
            summary: "A BERT masked language model distilled with BertKit from a teacher of "
                + "\(teacher.configuration.hiddenLayerCount) layers, on "
                + "\(Numbers.count(text?.count ?? 0)) lines of text."
        )
        card.tags = ["bert", "fill-mask", "knowledge-distillation"]
        let table = try work.keeper.finish(student.model, result, log) {
            try work.write(
                student.model,
                tokenizer: (teacher.vocabulary, teacher.tokenizerConfiguration),
                evaluation: try pieces.evaluation(seed: training.seed, recipe.stages[0]),
                run: run,
                log: log,
                card: card,
                result: result,
                recipe: recipe
            )
        }
        try StandardOutput.write(table.plain + "\n")
    }

    /// The teacher of stages that predict word pieces, which reads what the other teacher reads.
    func generalTeacher(
        beside teacher: TextClassifier,
        of recipe: Recipe
    ) throws(Failure) -> MaskedLanguageModel? {
        guard let path = self.teacher.generalTeacher else { return nil }
        guard recipe.stages.contains(where: \.predictsPieces) else {
            throw Failure(
                .usage,
                "--general-teacher",
                "no stage of recipe \(recipe.name) predicts word pieces, but \(printable(path)) is "
                    + "given",
                remedy: "Leave it out, or choose recipe distilbert"
            )
        }
        let general = try MaskedLanguageModel(contentsOf: URL(filePath: path))
        try general.vocabulary.check(
            agreesWith: teacher.vocabulary,
            student: printable(path),
            remedy: "One student learns from both teachers: they need the same vocabulary"
        )
        try general.configuration.checkHoldsTexts(path)
        return general
    }

    /// What stages that predict word pieces need besides the text.
    ///
    /// - Parameters:
    ///   - head: the model whose head the student's begins as; nil for a new one.
    ///   - models: all that read the text.
    func pieceSource(
        _ vocabulary: Vocabulary,
        _ tokenizer: WordPieceTokenizer,
        head: BertModel?,
        readBy models: [BertConfiguration]
    ) throws(Failure) -> PieceSource {
        var source = PieceSource(vocabulary: vocabulary, head: head, seed: training.seed, held: nil)
        if let path = recipe.devText {
            let longest = models.map(\.longestSequence).min() ?? training.maxLength
            source.held = TextData(
                try PlainText(path: path),
                tokenizer: tokenizer,
                maximumLength: min(training.maxLength, longest)
            )
        }
        return source
    }

    /// Refuses what labelled examples are needed for.
    func checkGeneral() throws {
        if teacher.teacher.count > 1 {
            throw ValidationError(
                "Without '--train' there is one '--teacher', a masked language model"
            )
        }
        if teacher.cache != nil {
            throw ValidationError("'--cache' keeps answers to training examples: give '--train'")
        }
        if selection.metric != nil {
            throw ValidationError(
                "'--metric' is of labelled examples: without '--train' the perplexity decides"
            )
        }
        if case .slimmed = student.`init` {
            throw ValidationError(
                "A teacher is slimmed by what it does with labelled examples: give '--train'"
            )
        }
    }

    /// What was asked for; else layers of the teacher, or new weights where all sizes are given.
    private var generalStart: StudentStart {
        student.`init` ?? (student.shape.missing.isEmpty ? .random : .teacherLayers(nil))
    }

    private func generalStudent(
        _ start: StudentStart,
        _ teacher: MaskedLanguageModel,
        _ work: TrainingRun
    ) throws -> Student {
        switch start {
        case .random: return try random(like: teacher.configuration, work)
        case .teacherLayers: return try copied(teacher.model, start, work)
        case .slimmed, .teacherEmbeddings: preconditionFailure("refused before")
        case .folder(let path):
            let start = try MaskedLanguageModel(
                contentsOf: URL(filePath: path),
                newHead: training.seed,
                adjust: { work.applyDropout(to: &$0) }
            )
            try start.vocabulary.check(agreesWith: teacher.vocabulary, student: printable(path))
            try checkSizes(of: start.configuration, folder: path)
            let created = start.created.joined(separator: ", ")
            return Student(
                model: start.model,
                origin: ["weights from \(printable(path))"]
                    + (start.created.isEmpty
                        ? [] : ["new, since the checkpoint has none: \(created)"])
            )
        }
    }
}
