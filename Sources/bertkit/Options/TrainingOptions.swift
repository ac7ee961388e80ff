public import ArgumentParser
import Datasets
import Diagnostics
public import Distillation
import Kernels

extension SelectionMetric: ExpressibleByArgument {}

/// The numbers that models are trained in; int8 is for models that are.
enum TrainingPrecision: String, CaseIterable, ExpressibleByArgument { case f32, bf16 }

enum KeptWeights: String, CaseIterable, ExpressibleByArgument { case best, last }

/// How weights move in fine-tuning.
struct ScheduleOptions: ParsableArguments {
    static let standardLearningRate = 5e-5

    @Option(
        help: ArgumentHelp("Passes over the training file.", valueName: "count")
    )
    var epochs = 3

    @Option(
        help: ArgumentHelp("Examples per batch.", valueName: "count")
    )
    var batchSize = 32

    @Option(
        help: ArgumentHelp(
            "The highest learning rate (default: \(Self.standardLearningRate), of a BiLSTM "
                + "\(BiLSTMOptions.standardLearningRate)).",
            valueName: "rate"
        )
    )
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "The share of all steps over which the learning rate rises; then it falls to zero, "
                + "both in a straight line.",
            valueName: "share"
        )
    )
    var warmup = 0.1

    @Option(
        help: ArgumentHelp(
            "AdamW's decoupled weight decay; biases and layer norms have none.",
            valueName: "rate"
        )
    )
    var weightDecay = 0.01

    @Option(
        help: ArgumentHelp(
            "The global norm that gradients are scaled down to; 0 leaves them as they are.",
            valueName: "norm"
        )
    )
    var clipNorm = 1.0

    func validate() throws {
        try ScheduleLimits.check(epochs: epochs, batchSize: batchSize)
        try ScheduleLimits.check(
            learningRate: learningRate,
            warmup: warmup,
            weightDecay: weightDecay,
            clipNorm: clipNorm
        )
    }
}

/// What any schedule may be.
enum ScheduleLimits {
    static func check(epochs: Int?, batchSize: Int?) throws {
        try Limits.check("--epochs", epochs, 1...100_000)
        try Limits.check("--batch-size", batchSize, 1...65_536)
    }

    static func check(
        learningRate: Double?,
        warmup: Double?,
        weightDecay: Double?,
        clipNorm: Double?
    ) throws {
        try Limits.check("--learning-rate", learningRate, 0...1, above: true)
        try Limits.check("--warmup", warmup, 0...1)
        try Limits.check("--weight-decay", weightDecay, 0...1)
        try Limits.check("--clip-norm", clipNorm, 0...1e6)
    }
}

/// The optimisation, as far as fine-tuning and distillation share it.
struct TrainingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Batches per optimiser step.", valueName: "count")
    )
    var gradientAccumulation = 1

    @Option(
        help: ArgumentHelp(
            "The longest sequence in pieces; longer texts are cut, the longer of a pair first.",
            valueName: "count"
        )
    )
    var maxLength = 128

    @Option(
        help: ArgumentHelp(
            "Dropout of hidden states and attention (default: the model configuration's, of a new BiLSTM "
                + "\(BiLSTMOptions.standardDropout)).",
            valueName: "share"
        )
    )
    var dropout: Double?

    @Option(
        name: .customLong("precision"),
        help: ArgumentHelp(
            "The numbers that matrix products are computed in: f32, or bf16 with f32 weights and sums "
                + "(f32 where the processor lacks it)."
        )
    )
    var numbers: TrainingPrecision = .f32

    @Option(
        help: ArgumentHelp(
            "The seed of initial weights, shuffling and dropout.",
            valueName: "number"
        )
    )
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Measure on the development file every so many steps as well as after each epoch.",
            valueName: "steps"
        )
    )
    var evaluateEvery: Int?

    @Option(
        help: ArgumentHelp(
            "Stop, or go on to the next stage, after so many measurements without a better one "
                + "(default: train to the end).",
            valueName: "count"
        )
    )
    var earlyStopping: Int?

    @Option(help: "Which weights are written: the best on the development file, or the last.")
    var keep: KeptWeights = .best

    var precision: Precision { numbers == .bf16 ? .bf16 : .f32 }

    func validate() throws {
        try Limits.check("--gradient-accumulation", gradientAccumulation, 1...65_536)
        try Limits.check("--max-length", maxLength, 3...65_536)
        try Limits.check("--dropout", dropout, 0...1, below: true)
        try Limits.check("--early-stopping", earlyStopping, 1...1_000_000)
        try Limits.check("--evaluate-every", evaluateEvery, 1...1_000_000_000)
    }
}

/// What decides which weights are the best, of labelled examples.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What is measured on the development file, and decides which weights are best: accuracy, f1 (of entities, "
                + "where the labels of words mark them), f1-macro, "
                + "matthews, cross-entropy, and against a teacher kl and agreement; of scores "
                + "pearson, spearman, mse (default: accuracy, of scores pearson).",
            valueName: "metric"
        )
    )
    var metric: SelectionMetric?

    /// The measure for a task, refused if it is none of this task's.
    func metric(for kind: TaskKind, hasTeacher: Bool) throws(Failure) -> SelectionMetric {
        let metric = metric ?? .standard(for: kind)
        try metric.check(kind, hasTeacher: hasTeacher)
        return metric
    }
}
