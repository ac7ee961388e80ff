import Bert
import BiLSTM
import Datasets
import Diagnostics
import Distillation
import Foundation
import Kernels
import Testing
import Tokenization
import Training

/// A small run of some kind, made again from nothing for every part of it.
private enum SmallRun: String, CaseIterable, CustomTestStringConvertible {
    case plain, accumulated, evaluatedOften, stopsEarly, keepsLast, projections, masked, bilstm

    var testDescription: String { rawValue }

    /// All that a run leaves: bits of weights and of every number reported.
    struct Left: Equatable {
        var weights: [UInt32]
        var result: TrainingResult
        var steps: [UInt64]
        var evaluations: [TrainingEvent.EvaluationReport]
    }

    /// Runs on from `saved` until `interruption` throws.
    ///
    /// - Returns: nil where the run was interrupted; `events` has what it reported until then.
    func run(
        from saved: SavedTraining? = nil,
        events: Events = Events(),
        keep: (TrainingMoment) throws(Failure) -> Void = { _ in }
    ) throws -> Left? {
        let (model, trainer) = try made(pool: WorkerPool(workerCount: 2))
        let result: TrainingResult
        do {
            result = try trainer.run(from: saved, keep: keep) { events.record($0) }
        } catch {
            guard case .interrupted = error.kind else { throw error }
            return nil
        }
        let weights = UnsafeBufferPointer(start: model.arenaBase, count: model.arena.count)
        return Left(
            weights: weights.map(\.bitPattern),
            result: result,
            steps: events.steps.flatMap { [$0.loss.bitPattern, $0.gradientNorm.bitPattern] },
            evaluations: events.evaluations
        )
    }

    private func made(pool: WorkerPool) throws -> (any TrainableModel, Trainer) {
        let data = try SmallTask.data(43)
        let gold = LogitObjective(
            CrossEntropyLoss(targets: data.targets, classCount: SmallTask.classCount)
        )
        var model: any TrainableModel = SmallTask.model()
        var input: any TrainingData = data
        var objective: any TrainingObjective = gold
        var configuration = SmallTask.trainingConfiguration()
        // What it scores is made up, but of the model's bits.
        var scores: [Double]? = [1, 3, 2, 2, 1, 1, 4, 0, 0, 0, 0, 0, 0]
        switch self {
        case .plain: break
        case .accumulated:
            configuration = SmallTask.trainingConfiguration(batchSize: 5, accumulation: 4)
        case .evaluatedOften:
            configuration.evaluateEvery = 2
        case .stopsEarly:
            configuration = SmallTask.trainingConfiguration(epochs: 6)
            configuration.evaluateEvery = 4
            configuration.patience = 3
        case .keepsLast: scores = nil
        case .projections:
            var wide = SmallTask.configuration(dropout: 0)
            (wide.hiddenSize, wide.hiddenLayerCount) = (24, 4)
            let teacher = BertModel(wide, seed: 9)
            let own = SmallTask.configuration()
            let recipe = try #require(Recipe.named("tinybert", text: false)).resolved(
                student: own,
                teacher: wide,
                hasText: false
            )
            var objectives = StageObjectives(
                student: own,
                teacher: BertInference(teacher, pool: pool),
                data: data,
                teacherLogits: [],
                workerCount: 2,
                seed: 1
            )
            objective = try objectives.next(recipe.stages[0])
            #expect(objective.auxiliary != nil)
        case .masked:
            let masking = try Masking(
                Vocabulary(
                    pieces: MaskingTests.pieces + (95..<125).map { "w\($0)" }
                )
            )
            var own = SmallTask.configuration()
            own.head = .maskedLanguageModel
            model = BertModel(own, seed: 2)
            input = MaskedText(data, masking: masking)
            objective = MaskedLanguageObjective()
        case .bilstm:
            model = BiLSTMModel(
                BiLSTMConfiguration(
                    vocabularySize: 130,
                    embeddingSize: 8,
                    units: 6,
                    hiddenSize: 10,
                    readsPairs: false,
                    dropout: 0.2,
                    labels: ["0", "1", "2"],
                    problemType: .classification
                ),
                seed: 3
            )
        }
        let trained = model
        var score: (() throws(Failure) -> DevelopmentScore)?
        if let scores {
            score = { () throws(Failure) in
                let weights = UnsafeBufferPointer(
                    start: trained.arenaBase,
                    count: trained.arena.count
                )
                let sum = weights.reduce(0.0) { $0 + Double($1) }
                let place = Int(abs(sum) * 1e6) % scores.count
                return DevelopmentScore(metric: "made-up", value: scores[place], loss: sum)
            }
        }
        let trainer = Trainer(
            trained,
            data: input,
            objective: objective,
            configuration: configuration,
            pool: pool,
            score: score
        )
        return (trained, trainer)
    }
}

@Suite struct ResumeTests {
    private static let stop = Failure(.interrupted(signal: 2), "test", "stopped")

    /// Lends a folder for states.
    private func temporary<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "bertkit-resume-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }

    /// Interrupts a run at one of its moments, counted from 0, and saves that.
    ///
    /// - Returns: nil when the run ended before.
    private func interrupted(
        _ run: SmallRun,
        at moment: Int,
        from saved: SavedTraining? = nil,
        events: Events,
        _ file: URL
    ) throws -> SavedTraining? {
        var count = 0
        let left = try run.run(from: saved, events: events) { (found) throws(Failure) in
            defer { count += 1 }
            guard count == moment else { return }
            try StateFile.write(found.progress, found.parts, to: file)
            throw Self.stop
        }
        guard left == nil else { return nil }
        let state = try StateFile(verifying: file.path)
        return SavedTraining(progress: try state.content(TrainingProgress.self), file: state)
    }

    @Test(arguments: SmallRun.allCases)
    fileprivate func `interrupted at any moment, a run ends with the bits of one that was not`(
        _ run: SmallRun
    ) throws {
        let expected = try #require(try run.run())
        try temporary { folder in
            var moment = 0
            while true {
                let events = Events()
                let file = folder.appending(path: "state-\(moment)")
                guard let saved = try interrupted(run, at: moment, events: events, file) else {
                    break
                }
                let left = try #require(try run.run(from: saved, events: events))
                #expect(left == expected, "interrupted at moment \(moment)")
                moment += 1
            }
            #expect(moment >= expected.result.steps, "\(moment) moments")
        }
    }

    @Test(arguments: SmallRun.allCases)
    fileprivate func `interrupted after every moment, it ends with the same bits`(
        _ run: SmallRun
    ) throws {
        let expected = try #require(try run.run())
        try temporary { folder in
            let events = Events()
            let file = folder.appending(path: "state")
            var saved: SavedTraining?
            // The moment that a run goes on from is its first; the next is where it is interrupted.
            while true {
                let reported = Events()
                let next = try interrupted(
                    run,
                    at: saved == nil ? 0 : 1,
                    from: saved,
                    events: reported,
                    file
                )
                guard let next else { break }
                saved = next
                events.steps += reported.steps
                events.evaluations += reported.evaluations
                // Accumulated batches are computed again: such a run must be let go on for a step.
                guard run != .accumulated else { break }
            }
            let left = try #require(try run.run(from: saved, events: events))
            #expect(left == expected, "\(run)")
        }
    }

    @Test func `saving at every moment changes no bit`() throws {
        for run in [SmallRun.evaluatedOften, .masked] {
            let expected = try #require(try run.run())
            try temporary { folder in
                let file = folder.appending(path: "state")
                let left = try run.run { (moment) throws(Failure) in
                    try StateFile.write(moment.progress, moment.parts, to: file)
                }
                #expect(left == expected)
            }
        }
    }

    @Test func `an evaluation that is interrupted is done again`() throws {
        let data = try SmallTask.data(40)
        let configuration = SmallTask.trainingConfiguration(evaluateEvery: 3)
        func trainer(
            _ model: BertModel,
            _ score: @escaping () throws(Failure) -> DevelopmentScore
        ) -> Trainer {
            Trainer(
                model,
                data: data,
                objective: CrossEntropyLoss(
                    targets: data.targets,
                    classCount: SmallTask.classCount
                ),
                configuration: configuration,
                pool: WorkerPool(workerCount: 2),
                score: score
            )
        }
        let good = DevelopmentScore(metric: "accuracy", value: 1, loss: 1)
        let whole = SmallTask.model()
        let expected = try trainer(whole) { good }.run { _ in }
        try temporary { folder in
            let file = folder.appending(path: "state")
            var looks = 0
            #expect(throws: Self.stop) {
                try trainer(SmallTask.model()) { () throws(Failure) in
                    looks += 1
                    if looks == 2 { throw Self.stop }
                    return good
                }.run(
                    keep: { (moment) throws(Failure) in
                        try StateFile.write(moment.progress, moment.parts, to: file)
                    }
                ) { _ in }
            }
            let state = try StateFile(verifying: file.path)
            let progress = try state.content(TrainingProgress.self)
            #expect(progress.awaitsEvaluation && progress.evaluations.count == 1)
            let model = SmallTask.model()
            let result = try trainer(model) { good }
                .run(from: SavedTraining(progress: progress, file: state)) { _ in }
            #expect(result == expected)
            #expect(SmallTask.bits(model) == SmallTask.bits(whole))
        }
    }

    @Test func `a moment of another run is refused`() throws {
        try temporary { folder in
            func saved(_ run: SmallRun, at moment: Int) throws -> SavedTraining {
                let file = folder.appending(path: "\(run)")
                return try #require(
                    try interrupted(run, at: moment, events: Events(), file)
                )
            }
            let plain = try saved(.plain, at: 4)
            for other in [SmallRun.accumulated, .projections, .bilstm, .masked] {
                let failure = #expect(throws: Failure.self) { try other.run(from: plain) }
                #expect(failure?.kind == .badData, "\(other)")
            }
        }
    }
}
