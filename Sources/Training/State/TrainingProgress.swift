import Diagnostics

/// Where training stands between two steps, besides the numbers of the model and the optimizer.
///
/// Order of examples and dropout are drawn from counters, so that these places are all there is of a
/// generator's state.
public struct TrainingProgress: Sendable, Hashable, Codable {
    /// Steps taken.
    public internal(set) var step = 0
    /// The epoch under way, from 0.
    public internal(set) var epoch = 0
    /// Batches of that epoch that steps were taken on.
    public internal(set) var batches = 0
    /// Batches of all epochs, as dropout counts them.
    public internal(set) var microStep: UInt32 = 0
    /// Of the epoch's steps.
    public internal(set) var lossSum = 0.0
    public internal(set) var epochLosses: [Double] = []
    public internal(set) var evaluations: [TrainingEvent.EvaluationReport] = []
    /// The evaluation whose weights are kept.
    public internal(set) var best: TrainingEvent.EvaluationReport?
    /// Evaluations since then.
    public internal(set) var looksSinceBest = 0
    /// Whether the last step's evaluation is still to be done.
    public internal(set) var awaitsEvaluation = false

    public init() {}

    /// Refuses what no run of this trainer can have come to.
    ///
    /// - Throws: `Failure` of kind `.badData`.
    func check(_ trainer: Trainer, of path: String) throws(Failure) {
        let (perEpoch, group) = (
            trainer.batchesPerEpoch, trainer.configuration.gradientAccumulation
        )
        guard (0..<trainer.configuration.epochs).contains(epoch),
            (0...perEpoch).contains(batches), batches % group == 0 || batches == perEpoch,
            step == epoch * trainer.stepsPerEpoch + (batches + group - 1) / group,
            epochLosses.count == epoch, looksSinceBest >= 0
        else {
            throw Failure(
                .badData,
                path,
                "it says step \(step), epoch \(epoch) and batch \(batches), which is no place of a run of "
                    + "\(trainer.configuration.epochs) epochs of \(perEpoch) batches"
            )
        }
    }
}

/// Training between two steps as its memory stands: all that is needed to go on from here.
///
/// Valid only while it is being handed over.
public struct TrainingMoment {
    public let progress: TrainingProgress
    public let parts: [StatePart]
}

/// A stretch of memory with its name in a state file.
public struct StatePart {
    public let name: String
    public let bytes: UnsafeRawBufferPointer

    public init(name: String, bytes: UnsafeRawBufferPointer) {
        (self.name, self.bytes) = (name, bytes)
    }
}

/// A moment of training that was saved.
public struct SavedTraining {
    public let progress: TrainingProgress
    public let file: StateFile

    public init(progress: TrainingProgress, file: StateFile) {
        (self.progress, self.file) = (progress, file)
    }
}
