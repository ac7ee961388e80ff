import Bert
import Diagnostics
import Distillation
import Foundation
import Kernels
import Provenance
import Training

/// Whether the command that runs is to go on from what its run folder holds.
enum Resumption {
    @TaskLocal static var isWanted = false
}

/// A saved state's header: where the run is, besides the numbers.
struct RunState: Codable {
    var conditions: RunConditions
    /// The stage under way, from 0.
    var stage: Int
    /// Of the stages before it, or of all.
    var result: TrainingResult?
    /// Of the best stage before it, where another may still fall behind it.
    var earlierBest: TrainingResult?
    /// Nil once training is over.
    var progress: TrainingProgress?
}

/// Where a stage stands among a recipe's.
struct StagePlace {
    var index = 0
    /// Of the stages before it.
    var result: TrainingResult?
    /// The best of those, with its weights.
    var best: (weights: FloatBuffer, result: TrainingResult)?
    /// Whom the stage is for, where it trains another model.
    var student: (any StudentModel)?

    static let (studentPart, bestPart) = ("student's weights", "earlier best weights")

    fileprivate var parts: [StatePart] {
        var parts: [StatePart] = []
        if let student { parts.append(StatePart(student, Self.studentPart)) }
        if let best {
            let bytes = UnsafeRawBufferPointer(best.weights.bytes)
            parts.append(StatePart(name: Self.bestPart, bytes: bytes))
        }
        return parts
    }
}

extension StatePart {
    fileprivate init(_ model: any StudentModel, _ name: String) {
        let bytes = UnsafeRawBufferPointer(start: model.arenaBase, count: model.arena.count * 4)
        self.init(name: name, bytes: bytes)
    }
}

/// A state that a run goes on from.
struct SavedRun {
    let state: RunState
    let file: StateFile
    /// The record so far.
    let log: [UInt8]

    /// The weights and the result of a run whose training was over.
    func trained(_ model: any StudentModel) throws(Failure) -> TrainingResult? {
        guard state.progress == nil else { return nil }
        try read("weights", into: model)
        guard let result = state.result else {
            throw Failure(.badData, file.path, "it has no result of the training")
        }
        return result
    }

    func read(_ part: String, into model: any StudentModel) throws(Failure) {
        try file.read(
            part,
            into: UnsafeMutableRawBufferPointer(
                start: model.arenaBase,
                count: model.arena.count * 4
            )
        )
    }
}

/// Saves a run's state now and then and when a signal ends it, in the folder beside its output.
///
/// A class because its identity is the run's hold on the folder.
final class RunKeeper {
    /// Nil for a dry run, which trains nothing.
    private let held: RunFolder?
    /// What the run goes on from; nil begins.
    private(set) var saved: SavedRun?
    private let conditions: RunConditions
    private let interval: Duration?
    private let count: Int
    private let remarks: Remarks
    private var lastSave = ContinuousClock.now
    /// Saves that failed since the last that did not.
    private var failures = 0

    private static let failureLimit = 3
    private static let logPart = "record"

    /// Takes the folder for this process, and a new run's says there which it is; a dry run has none.
    ///
    /// - Throws: `Failure` where another has it, it holds an interrupted run that is not meant, or it cannot
    ///   be written.
    static func open(_ run: ResolvedRun, _ output: OutputOptions) throws(Failure) -> RunFolder? {
        if output.dryRun { return nil }
        // A signal that comes before it is known what to remove waits for that.
        Interruption.setDeferred(true)
        Interruption.handleSignals(removing: nil)
        defer { Interruption.setDeferred(false) }
        let folder = try prepare(run, output)
        try Interruption.check()
        return folder
    }

    private static func prepare(
        _ run: ResolvedRun,
        _ output: OutputOptions
    ) throws(Failure) -> RunFolder {
        let url = RunFolder.url(beside: URL(filePath: output.output))
        let folder = try RunFolder(opening: url)
        guard !Resumption.isWanted else { return folder }
        if folder.hasStates, !output.force {
            throw Failure(
                .cannotCreate,
                url.relativePath,
                "an interrupted run with this output is saved there",
                remedy: "Go on with \(Self.command(url)), or start anew with --force"
            )
        }
        folder.removeStates()
        try RunRecord(run, force: output.force).write(in: url)
        Interruption.handleSignals(removing: RunFolder.leftovers(of: url))
        return folder
    }

    /// - Throws: `Failure` where the folder's states cannot be gone on with.
    init(
        _ held: RunFolder?,
        _ run: ResolvedRun,
        _ output: OutputOptions,
        provenance: Provenance,
        precision: Precision,
        remarks: Remarks
    ) throws(Failure) {
        self.held = held
        self.remarks = remarks
        conditions = RunConditions(run, provenance, precision: precision)
        interval = output.states.saveEvery > 0 ? .seconds(60 * output.states.saveEvery) : nil
        count = output.states.keepStates
        guard Resumption.isWanted, let folder = held else { return }
        let file = try folder.newest { remarks.warn("passed over: \($0.description)") }
        guard let file else {
            remarks.say("nothing was saved yet: the run begins again")
            return
        }
        let state = try file.content(RunState.self)
        let path = URL(filePath: file.path).relativePath
        try state.conditions.check(conditions, of: path)
        for doubt in state.conditions.doubts(conditions) { remarks.warn(doubt) }
        saved = SavedRun(state: state, file: file, log: try file.bytes(Self.logPart))
        remarks.say("going on from \(printable(file.path))")
    }

    deinit {
        Interruption.setDeferred(false)
        Interruption.handleSignals(removing: nil)
    }

    /// The command line that goes on with a run.
    static func command(_ folder: URL) -> String {
        "'bertkit resume \(ShellText.quoted(folder.relativePath))'"
    }

    private var folder: RunFolder {
        guard let held else { preconditionFailure("a dry run trains nothing") }
        return held
    }

    private var command: String { Self.command(folder.url) }

    /// Where a stage goes on, if the saved state is of that stage.
    func training(of stage: Int) -> SavedTraining? {
        guard let saved, saved.state.stage == stage, let progress = saved.state.progress else {
            return nil
        }
        return SavedTraining(progress: progress, file: saved.file)
    }

    /// Where the stages of a recipe go on, the student's weights with them.
    func place(of student: any StudentModel, among count: Int) throws(Failure) -> StagePlace {
        guard let saved else { return StagePlace() }
        let (state, file) = (saved.state, saved.file)
        guard (0..<count).contains(state.stage), (state.stage == 0) == (state.result == nil) else {
            throw Failure(.badData, file.path, "it is at stage \(state.stage) of \(count)")
        }
        var place = StagePlace(index: state.stage, result: state.result)
        if let result = state.earlierBest {
            let weights = FloatBuffer(count: student.arena.count)
            try file.read(StagePlace.bestPart, into: weights.bytes)
            place.best = (weights, result)
        }
        if file.has(StagePlace.studentPart) {
            try saved.read(StagePlace.studentPart, into: student)
        }
        return place
    }

    // MARK: Saving

    private var isDue: Bool { interval.map { ContinuousClock.now - lastSave >= $0 } ?? false }

    /// Saves a moment of training where it is time to, or a signal has come.
    ///
    /// - Throws: `Failure` of kind `.interrupted` after a signal, and where saving fails for good.
    func keep(
        _ moment: TrainingMoment,
        _ place: StagePlace,
        _ log: RunLog
    ) throws(Failure) {
        let signal = Interruption.signal
        guard signal != nil || isDue else { return }
        let state = RunState(
            conditions: conditions,
            stage: place.index,
            result: place.result,
            earlierBest: place.best?.result,
            progress: moment.progress
        )
        do throws(Failure) {
            try save(state, moment.parts + place.parts, log)
        } catch {
            failures += 1
            guard signal != nil || failures == Self.failureLimit else {
                remarks.warn("\(error.description) \(older); training goes on")
                return
            }
            throw unsaved(error)
        }
        if let signal { throw interruption(signal, "after step \(moment.progress.step)") }
    }

    private func save(
        _ state: RunState,
        _ parts: [StatePart],
        _ log: RunLog
    ) throws(Failure) {
        let text = log.saved
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: text)
        let log = StatePart(name: Self.logPart, bytes: UnsafeRawBufferPointer(bytes))
        defer { lastSave = .now }
        try folder.save(state, parts + [log], keeping: count)
        failures = 0
    }

    private var older: String {
        folder.hasStates ? "The state saved before still loads" : "Nothing was saved before"
    }

    private func unsaved(_ failure: Failure) -> Failure {
        Failure(
            failure.kind,
            failure.subject,
            "\(failure.reason), so the run ends without being saved again",
            remedy: folder.hasStates
                ? "\(older): when it can be written, go on with \(command)" : older
        )
    }

    private func interruption(_ signal: Int32, _ place: String) -> Failure {
        Failure(
            .interrupted(signal: signal),
            "training",
            "stopped by \(Interruption.name(of: signal)) \(place), and saved",
            remedy: "Go on with \(command)"
        )
    }

    // MARK: Ends

    /// A failure of training with what is left of the run.
    func explained(_ failure: Failure) -> Failure {
        switch failure.kind {
        case .interrupted(let signal) where failure.remedy == nil:
            // Before anything new was done.
            return interruption(signal, "at the saved place")
        case .diverged where folder.hasStates:
            return Failure(
                failure.kind,
                failure.subject,
                failure.reason,
                remedy: [
                    failure.remedy, "The last state saved is kept in \(folder.url.relativePath)",
                ]
                .compactMap(\.self).joined(separator: ". ")
            )
        default: return failure
        }
    }

    /// Carries out what follows training, then removes the folder. Where that fails or is interrupted, the
    /// trained weights are saved first.
    func finish<Result>(
        _ model: any StudentModel,
        _ result: TrainingResult,
        _ log: RunLog,
        _ body: () throws -> Result
    ) throws -> Result {
        do {
            let value = try body()
            folder.clear()
            return value
        } catch let failure as Failure {
            let state = RunState(
                conditions: conditions,
                stage: 0,
                result: result,
                earlierBest: nil,
                progress: nil
            )
            do throws(Failure) {
                try save(state, [StatePart(model, "weights")], log)
            } catch {
                throw unsaved(error)
            }
            if case .interrupted(let signal) = failure.kind {
                throw interruption(signal, "after training")
            }
            throw Failure(
                failure.kind,
                failure.subject,
                failure.reason,
                remedy: [failure.remedy, "What was trained is saved: go on with \(command)"]
                    .compactMap(\.self).joined(separator: ". ")
            )
        }
    }
}
