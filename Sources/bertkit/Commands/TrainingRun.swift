import Bert
import Checkpoints
import Datasets
import Diagnostics
import Distillation
import Evaluation
import Foundation
import Kernels
import Provenance
import Tokenization
import Training

/// What the commands that train share: data in, a trained model and its records out.
struct TrainingRun {
    /// Of task files, where there are any.
    let columns: ColumnOptions?
    let training: TrainingOptions
    let output: OutputOptions
    let remarks: Remarks
    let pool: WorkerPool
    /// What the run reads, as it was at the start.
    let provenance: Provenance
    /// Saves the state of training.
    let keeper: RunKeeper

    init(
        _ run: ResolvedRun,
        columns: ColumnOptions?,
        training: TrainingOptions,
        output: OutputOptions,
        compute: ComputeOptions,
        isQuiet: Bool
    ) throws {
        self.columns = columns
        self.training = training
        self.output = output
        remarks = Remarks(isQuiet: isQuiet)
        pool = WorkerPool(workerCount: compute.workers ?? WorkerPool.availableProcessors)
        if let limit = compute.memoryLimit { MemoryLimit.set(limit.byteCount) }
        for input in run.inputs {
            try checkApart(output: output.output, source: input.path)
        }
        try Self.check(output)
        let folder = try RunKeeper.open(run, output)
        provenance = try Provenance(run)
        keeper = try RunKeeper(
            folder,
            run,
            output,
            provenance: provenance,
            precision: training.precision,
            remarks: remarks
        )
    }

    /// Refuses, before the long work, an output that could not be written after it.
    private static func check(_ output: OutputOptions) throws(Failure) {
        let outputURL = URL(filePath: output.output)
        try AtomicOutput.check(outputURL, force: output.force)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: outputURL.path, isDirectory: &isFolder),
            !isFolder.boolValue
        {
            throw Failure(.cannotCreate, output.output, "it exists and is not a folder")
        }
        // What is to be created first is checked where it will be.
        var parent = outputURL.standardizedFileURL.deletingLastPathComponent()
        while !FileManager.default.fileExists(atPath: parent.path), parent.path != "/" {
            parent.deleteLastPathComponent()
        }
        guard FileManager.default.isWritableFile(atPath: parent.path) else {
            throw Failure(
                .cannotCreate,
                output.output,
                "the folder \(printable(parent.path)) that is to hold it cannot be written to"
            )
        }
    }

    var outputURL: URL { URL(filePath: output.output) }

    /// - Parameters:
    ///   - kind: what the file holds; nil decides by its content.
    ///   - labels: whether every row has to have one.
    func read(
        _ path: String,
        _ kind: LabelledFile.Kind?,
        labels: TaskFile.LabelUse = .required
    ) throws -> LabelledFile {
        let file = try LabelledFile(
            contentsOf: URL(filePath: path),
            kind: kind,
            options: columns?.readerOptions(labels: labels) ?? TaskFile.Options(labels: labels)
        )
        remarks.note(file)
        return file
    }

    /// A task file as tokens, with what a person should know of it said.
    ///
    /// - Parameter models: all that are to read it, each named as the user spelled it.
    func encode(
        _ file: LabelledFile,
        kind: TaskKind,
        tokenizer: WordPieceTokenizer,
        models: [(name: String, reader: any TextReader)]
    ) throws(Failure) -> EncodedDataset {
        for (name, reader) in models {
            try reader.checkHoldsTexts(name)
            try reader.checkReads(pairs: file.hasPairs, from: file.name, model: name)
        }
        let maximumLength = maximumLength(models)
        let dataset = try EncodedDataset(
            file,
            kind: file.hasLabels ? kind : nil,
            tokenizer: tokenizer,
            maximumLength: maximumLength,
            workers: pool.workerCount
        )
        let name = printable(file.name)
        let mean = Double(dataset.tokenCount) / Double(max(1, dataset.count))
        let what =
            dataset.words.map { "sentences of \(Numbers.count($0.rows.count)) words" } ?? "examples"
        remarks.say(
            "\(name): \(Numbers.count(dataset.count)) \(what), "
                + "\(Numbers.fixed(mean, 1)) tokens each on average"
        )
        if dataset.unlabelledCount > 0 {
            remarks.say(
                "\(name): \(Numbers.count(dataset.unlabelledCount)) of them without a label, which the "
                    + "teacher alone answers"
            )
        }
        if dataset.labelMatching == .byIndex, case .classification(let labels) = kind {
            let list = labels.enumerated().map { "\($0.offset) \(printable($0.element))" }
            remarks.note("\(name): labels are class numbers: \(list.joined(separator: ", "))")
        }
        if let words = dataset.words {
            remarks.noteUnanswered(words, maximumLength: maximumLength, of: file.name)
            return dataset
        }
        remarks.noteTruncated(
            dataset.truncatedExamples,
            of: dataset.count,
            maximumLength: maximumLength,
            from: file.name
        )
        return dataset
    }

    /// The most tokens of a text that all models read.
    func maximumLength(_ models: [(name: String, reader: any TextReader)]) -> Int {
        models.reduce(training.maxLength) { min($0, $1.reader.longestSequence) }
    }

    /// The record to fill, of an interrupted run with what it had; begun where '--log-dir' says, once
    /// everything else has been checked.
    func log() throws(Failure) -> RunLog {
        let follower = try output.logDir.map { (folder) throws(Failure) in
            try LiveLog(folder: folder)
        }
        guard let saved = keeper.saved else { return RunLog(follower: follower) }
        return try RunLog(saved: saved.log, of: saved.file.path, follower: follower)
    }

    /// Trains with a progress bar; the log gets every evaluation and every tenth step.
    ///
    /// Goes on where a saved state of the run stands, and saves states meanwhile.
    ///
    /// - Parameters:
    ///   - score: measures the model as it stands; nil keeps the last weights.
    ///   - place: of the recipe's stage.
    ///   - places: what a message calls some examples of the data.
    func train(
        _ model: any StudentModel,
        data: any TrainingData,
        score: (() throws(Failure) -> DevelopmentScore)?,
        objective: any TrainingObjective,
        configuration: TrainingConfiguration,
        label: String,
        place: StagePlace = StagePlace(),
        places: @escaping ([Int]) -> String,
        log: inout RunLog
    ) throws -> TrainingResult {
        if let result = try keeper.saved?.trained(model) { return result }
        Interruption.setDeferred(true)
        let saved = keeper.training(of: place.index)
        let trainer = Trainer(
            model,
            data: data,
            objective: objective,
            configuration: configuration,
            pool: pool,
            score: score,
            keepsBest: training.keep == .best,
            places: places
        )
        remarks.say(
            "\(label): \(Numbers.count(trainer.stepsPerEpoch * configuration.epochs)) steps on "
                + "\(pool.workerCount) workers, products in \(training.precision.explanation)"
        )
        let done =
            saved.map {
                $0.progress.epoch * data.count
                    + min($0.progress.batches * configuration.batchSize, data.count)
            } ?? 0
        if let saved {
            remarks.say("\(label): \(Numbers.count(saved.progress.step)) steps were done before")
        }
        let bar = ProgressBar(
            label,
            total: data.count * configuration.epochs - done,
            isQuiet: remarks.isQuiet
        )
        var examples = 0
        var state = TrainingState()
        let start = ContinuousClock.now
        defer { log.end(seconds: start.duration(to: .now) / .seconds(1)) }
        do {
            func keep(_ moment: TrainingMoment) throws(Failure) {
                var log = log
                log.end(seconds: start.duration(to: .now) / .seconds(1))
                try keeper.keep(moment, place, log)
            }
            func plan(_ plan: MemoryPlan) throws(Failure) {
                let needed = try MemoryUse.check(plan)
                log.expect(memory: needed)
                remarks.say("\(label): takes up to \(MemoryLimit.megabytes(needed)) of memory")
            }
            let result = try trainer.run(from: saved, plan: plan, keep: keep) {
                (event) throws(Failure) in
                try log.append(event)
                switch event {
                case .step(let step):
                    examples += step.examples
                    state.follow(step)
                    bar.update(examples, training: state)
                case .evaluated(let evaluation):
                    state.follow(evaluation)
                    let mark = evaluation.isBest ? ", best so far" : ""
                    bar.note(
                        "step \(Numbers.count(evaluation.step)): \(evaluation.score.metric) "
                            + "\(Numbers.fixed(evaluation.score.value, 4)), loss "
                            + "\(Numbers.fixed(evaluation.score.loss, 4)) on the development data"
                            + mark
                    )
                }
            }
            bar.finish()
            say(result, of: trainer.stepsPerEpoch * configuration.epochs, label)
            return result
        } catch {
            bar.cancel()
            throw keeper.explained(error)
        }
    }

    /// How training ended, where that is worth a thought.
    private func say(_ result: TrainingResult, of totalSteps: Int, _ label: String) {
        guard let metric = result.best?.score.metric else { return }
        if result.stoppedEarly, let patience = training.earlyStopping {
            remarks.say(
                "\(label): stopped at step \(Numbers.count(result.steps)) of "
                    + "\(Numbers.count(totalSteps)) after \(patience) measurements without a better "
                    + metric
            )
        } else if result.endsAtBest {
            remarks.say("\(label): the best \(metric) came at the last look: more epochs may help")
        }
    }

    /// Writes the model folder with the run and the log beside it, and returns the comparison that
    /// its card shows.
    ///
    /// - Parameters:
    ///   - measured: the model on the development data; its bytes on disk are filled in here.
    ///   - report: compares the completed measurement.
    func write(
        _ model: any StudentModel,
        measured: ModelMeasurement,
        tokenizerFiles: [(name: String, bytes: [UInt8])],
        run: ResolvedRun,
        log: RunLog,
        card: ModelCard,
        result: TrainingResult,
        recipe: Recipe? = nil,
        report: (ModelMeasurement) throws(Failure) -> ComparisonReport
    ) throws -> ComparisonReport {
        var comparison: ComparisonReport?
        try write(
            model,
            tokenizerFiles: tokenizerFiles,
            run: run,
            log: log,
            recipe: recipe
        ) { (byteCount) throws(Failure) in
            var measured = measured
            measured.bytesOnDisk = byteCount
            let made = try report(measured)
            comparison = made
            var card = card
            card.fill(from: made.table, result: result, run: run)
            var summary = RunSummary(log)
            if let scores = made.students.last ?? made.teacher {
                card.metrics = scores.cardMetrics
                summary.add(scores, of: measured)
            }
            let results = try JSONValue.parse(Array(made.json().utf8), source: "comparison")
            return (card, results, summary)
        }
        guard let comparison else { preconditionFailure("a folder was written without a card") }
        return comparison
    }

    /// Writes the model folder with the run and the log beside it.
    ///
    /// - Parameter card: the model's, given the size of its weights on disk, and what was measured.
    func write(
        _ model: any StudentModel,
        tokenizerFiles: [(name: String, bytes: [UInt8])],
        run: ResolvedRun,
        log: RunLog,
        recipe: Recipe?,
        card: (_ byteCount: Int) throws(Failure) -> (ModelCard, results: JSONValue, RunSummary)
    ) throws {
        try model.write(
            tokenizerFiles: tokenizerFiles.map { ModelFolder.File(name: $0.name, bytes: $0.bytes) },
            records: { (byteCount) throws(Failure) in
                var (card, results, summary) = try card(byteCount)
                model.describeUse(on: &card)
                output.card.fill(&card)
                card.details += provenance.details
                var provenance = provenance
                provenance.command = card.command
                provenance.options = run.entries.map { ($0.name, $0.values) }
                provenance.results = results
                return [ModelFolder.File(card), provenance.file] + summary.files
            },
            to: outputURL,
            force: output.force,
            additionalFiles: [
                ModelFolder.File(name: "run.yaml", bytes: Array(run.yaml.utf8))
            ]
                + log.files.map { ModelFolder.File(name: $0.name, bytes: $0.bytes) }
                + (recipe.map {
                    [ModelFolder.File(name: "recipe.yaml", bytes: Array($0.yaml.utf8))]
                } ?? [])
        )
        remarks.say("written: \(printable(output.output))/")
    }

    /// Puts a dropout given as an option in the place of the configuration's.
    func applyDropout(to configuration: inout BertConfiguration) {
        guard let dropout = training.dropout else { return }
        configuration.hiddenDropoutProbability = dropout
        configuration.attentionDropoutProbability = dropout
        configuration.classifierDropout = nil
    }
}

extension LabelledFile {
    /// Where some examples, ascending, stand in the file, for a message.
    func places(_ examples: [Int]) -> String {
        let lines = examples.map { String(line($0)) }
        return "line\(lines.count == 1 ? "" : "s") \(listing(lines)) of \(printable(name))"
    }
}
