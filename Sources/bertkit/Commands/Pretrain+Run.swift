import Bert
import Checkpoints
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Tokenization
import Training

extension Pretrain {
    func run(_ run: ResolvedRun) throws {
        var run = run
        let rate = schedule.learningRate ?? ScheduleOptions.standardLearningRate
        if schedule.learningRate == nil { run.settle("learning-rate", ["\(rate)"]) }
        if text.devText == nil { run.settle("hold-out", ["\(text.heldEvery)"]) }
        guard try runOptions.announce(run) else { return }
        let work = try TrainingRun(
            run,
            columns: nil,
            training: training,
            output: output,
            compute: compute,
            isQuiet: runOptions.quiet
        )
        let (model, vocabulary, tokenizer) = try prepare(work)
        try model.configuration.checkCanTrain(`init` ?? outputName)
        try model.configuration.checkHoldsTexts(`init` ?? outputName)
        let reader = MaskedTextReader(
            tokenizer: WordPieceTokenizer(vocabulary: vocabulary, configuration: tokenizer),
            vocabulary: vocabulary,
            maximumLength: min(training.maxLength, model.configuration.longestSequence),
            share: masking.maskedShare,
            smoothing: masking.maskSmoothing,
            selection: masking.selection
        )
        let (train, held) = try reader.read(text, work)
        let evaluation = try held.map { (held) throws(Failure) in
            try MaskedEvaluation(held, seed: training.seed)
        }
        if output.dryRun {
            let planned = [
                PlannedStage(
                    "pre-training",
                    examples: train.count,
                    schedule.configuration(training, learningRate: rate)
                )
            ]
            return try work.sayPlan(
                of: DryModel(model),
                planned,
                hasRecipe: false,
                isMeasured: held != nil
            )
        }
        var log = try work.log()
        var score: (() throws(Failure) -> DevelopmentScore)?
        if let evaluation {
            score = { () throws(Failure) in try evaluation.measure(model, pool: work.pool).score }
        }
        let result = try work.train(
            model,
            data: train,
            score: score,
            objective: MaskedLanguageObjective(),
            configuration: schedule.configuration(training, learningRate: rate),
            label: "pre-training",
            places: { "the epoch's sequences \(listing($0.map { String($0 + 1) }))" },
            log: &log
        )
        var card = ModelCard(
            name: outputName,
            summary: "A BERT masked language model trained with BertKit on "
                + "\(Numbers.count(train.count)) lines of text."
        )
        card.tags = ["bert", "fill-mask"]
        let table = try work.keeper.finish(model, result, log) {
            try work.write(
                model,
                tokenizer: (vocabulary, tokenizer),
                evaluation: evaluation,
                run: run,
                log: log,
                card: card,
                result: result,
                recipe: nil
            )
        }
        try StandardOutput.write(table.plain + "\n")
    }

    private var outputName: String { URL(filePath: output.output).lastPathComponent }

    private func prepare(
        _ work: TrainingRun
    ) throws -> (BertModel, Vocabulary, TokenizerConfiguration) {
        if let path = `init` {
            let found = try MaskedLanguageModel(
                contentsOf: URL(filePath: path),
                newHead: training.seed,
                adjust: { work.applyDropout(to: &$0) }
            )
            work.remarks.say("model: weights from \(printable(path))")
            if !found.created.isEmpty {
                let names = found.created.joined(separator: ", ")
                work.remarks.say("model: new, since the checkpoint has none: \(names)")
            }
            return (found.model, found.vocabulary, found.tokenizerConfiguration)
        }
        var (configuration, vocabulary, tokenizer) = try fresh.described()
        configuration.head = .maskedLanguageModel
        work.applyDropout(to: &configuration)
        try configuration.checkFits(output.output)
        work.remarks.say("model: every weight is new, drawn from seed \(training.seed)")
        return (BertModel(configuration, seed: training.seed), vocabulary, tokenizer)
    }
}

/// Text files as masked training data.
struct MaskedTextReader {
    let tokenizer: WordPieceTokenizer
    let vocabulary: Vocabulary
    let maximumLength: Int
    let share: Double
    let smoothing: Double
    /// Of what is trained on.
    let selection: TextSelection

    /// What is trained on, and what is held out if anything is.
    func read(
        _ options: PlainTextOptions,
        _ work: TrainingRun
    ) throws(Failure) -> (train: MaskedText, held: MaskedText?) {
        let every = options.heldEvery
        let text = try PlainText(
            path: options.text,
            part: every > 0 ? .rest(every: every) : .all
        )
        var held: PlainText?
        if let path = options.devText {
            held = try PlainText(path: path)
        } else if every > 0 {
            held = try PlainText(path: options.text, part: .held(every: every))
        }
        work.remarks.say(
            "\(printable(options.text)): \(Numbers.count(text.lineCount)) lines of text to train on"
        )
        if let held {
            work.remarks.say(
                "\(printable(held.path)): \(Numbers.count(held.lineCount)) lines held out"
            )
        }
        let data = try self.data(text).selecting(selection)
        work.say(data.census, of: options.text)
        let masking = try masking(data, of: smoothing)
        return (
            MaskedText(data, masking: masking),
            // What is measured with does not depend on what is trained on.
            try held.map { (held) throws(Failure) in
                MaskedText(self.data(held), masking: try self.masking(data, of: 0))
            }
        )
    }

    private func data(_ text: PlainText) -> TextData {
        TextData(text, tokenizer: tokenizer, maximumLength: maximumLength)
    }

    private func masking(_ data: TextData, of smoothing: Double) throws(Failure) -> Masking {
        guard smoothing > 0 else { return try Masking(vocabulary, share: share) }
        let counts = try data.pieceCounts(vocabularySize: vocabulary.count)
        return try Masking(vocabulary, share: share, frequencies: (counts, smoothing))
    }
}

extension TrainingRun {
    /// Writes a masked language model with its measure on held-out text, and returns that as a table.
    func write(
        _ model: BertModel,
        tokenizer: (Vocabulary, TokenizerConfiguration),
        evaluation: MaskedEvaluation?,
        run: ResolvedRun,
        log: RunLog,
        card: ModelCard,
        result: TrainingResult,
        recipe: Recipe?
    ) throws -> TextTable {
        var table = TextTable([
            .init("held-out text"), .init("value", .right),
        ])
        var results: [String: JSONValue] = [:]
        var summary = RunSummary(log)
        if let evaluation {
            let found = try evaluation.measure(model, pool: pool)
            results = [
                "masked_pieces": .integer(evaluation.maskedCount),
                "perplexity": .number(found.perplexity), "loss": .number(found.loss),
                "accuracy": .number(found.accuracy),
            ]
            table.append(["masked pieces", Numbers.count(evaluation.maskedCount)])
            table.append(["perplexity", Numbers.fixed(found.perplexity, 2)])
            table.append(["loss, nats", Numbers.fixed(found.loss, 4)])
            table.append(["accuracy", Numbers.fixed(found.accuracy, 4)])
            summary.add(found, sequences: evaluation.sequenceCount)
        }
        try write(
            model,
            tokenizerFiles: TokenizerFiles.files(
                vocabulary: tokenizer.0,
                configuration: tokenizer.1,
                maximumPositions: model.configuration.longestSequence
            ),
            run: run,
            log: log,
            recipe: recipe
        ) { _ in
            var card = card
            card.pipeline = "fill-mask"
            card.fill(from: table, result: result, run: run)
            return (card, .object(results), summary)
        }
        return table
    }
}
