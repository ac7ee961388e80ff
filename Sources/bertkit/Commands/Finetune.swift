import ArgumentParser
import Kernels

struct Finetune: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a classifier of texts or words, or a regressor, on labelled data.",
        discussion: """
            Starts from a pretrained encoder (--model; a task head it lacks is created), or from \
            random weights (--vocabulary and the four sizes). Makes teachers, and the baseline \
            a distilled student is compared with. A BiLSTM starts from random weights, or from \
            its folder.

            Examples:
              bertkit finetune --model bert-base/ \\
                --train train.tsv --dev dev.tsv --output teacher/
              bertkit finetune --vocabulary vocab.txt \\
                --layers 2 --hidden 128 --heads 2 --intermediate 512 \\
                --train train.tsv --dev dev.tsv --output small/
              bertkit finetune --model bert-base/ \\
                --train train.conll --dev dev.conll --metric f1 --output tagger/
              bertkit finetune --student bilstm --vocabulary vocab.txt --epochs 10 \\
                --train train.tsv --dev dev.tsv --output bilstm/
            """
    )

    @Option(
        help: ArgumentHelp("The folder of the model to start from.", valueName: "dir"),
        completion: .directory
    )
    var model: String?

    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Model From Random Weights") var fresh: FreshModelOptions
    @OptionGroup(title: "Model From Random Weights") var recurrent: RecurrentModelOptions
    @OptionGroup(title: "Training") var schedule: ScheduleOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Training") var selection: SelectionOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
        if model != nil {
            if let name = (fresh.given + recurrent.given).first {
                throw ValidationError(
                    "'\(name)' describes a model from random weights, but '--model' is given"
                )
            }
        } else if recurrent.kind == .bilstm {
            try fresh.checkDescribesBiLSTM()
            if training.precision != .f32 {
                throw ValidationError("A BiLSTM is trained in f32: leave '--precision' out")
            }
        } else if let name = recurrent.bilstm.given.first {
            throw ValidationError("'\(name)' is a size of a BiLSTM: add '--student bilstm'")
        } else if !fresh.missing.isEmpty {
            let names = fresh.missing.map { "'\($0)'" }.joined(separator: ", ")
            throw ValidationError(
                "Give '--model', or describe a model from random weights: \(names) missing"
            )
        }
    }
}

/// A model that starts from random weights.
struct FreshModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The WordPiece vocabulary, one piece per line.", valueName: "file"),
        completion: .file(extensions: ["txt"])
    )
    var vocabulary: String?

    @Flag(help: "The vocabulary is cased: keep capitals and accents.")
    var cased = false

    @OptionGroup var shape: ShapeOptions

    @Option(help: "The feed-forward part's activation (default: gelu).")
    var activation: ActivationChoice?

    @Option(
        help: ArgumentHelp("The longest sequence it can read (default: 512).", valueName: "count")
    )
    var maxPositions: Int?

    func validate() throws { try Limits.check("--max-positions", maxPositions, 3...65_536) }

    var missing: [String] { (vocabulary == nil ? ["--vocabulary"] : []) + shape.missing }

    /// The options that were given.
    var given: [String] {
        let all = ["--vocabulary", "--layers", "--hidden", "--heads", "--intermediate"]
        return all.filter { !missing.contains($0) }
            + [
                cased ? "--cased" : nil, activation != nil ? "--activation" : nil,
                maxPositions != nil ? "--max-positions" : nil,
            ].compactMap(\.self)
    }

    /// Refuses what a BiLSTM does not have.
    func checkDescribesBiLSTM() throws {
        if vocabulary == nil {
            throw ValidationError(
                "A BiLSTM from random weights needs its pieces: add '--vocabulary'"
            )
        }
        try shape.checkDescribesBiLSTM()
        if activation != nil {
            throw ValidationError(
                "'--activation' is of a transformer; a BiLSTM's hidden layer is ReLU"
            )
        }
        if maxPositions != nil {
            throw ValidationError(
                "'--max-positions' is of a transformer; a BiLSTM has no positions"
            )
        }
    }
}

/// What makes a BiLSTM of a model from random weights.
struct RecurrentModelOptions: ParsableArguments {
    @Option(
        name: .customLong("student"),
        help: ArgumentHelp(
            "What the model is: 'bert' or 'bilstm' (default: bert).",
            valueName: "kind"
        )
    )
    var kind: StudentKind?

    @OptionGroup var bilstm: BiLSTMOptions

    /// The options that were given.
    var given: [String] { (kind != nil ? ["--student"] : []) + bilstm.given }
}
