public import ArgumentParser
public import Training

struct Pretrain: RunFileCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a masked language model on plain text.",
        discussion: """
            Hides pieces of each text and trains the model to find them: from random weights \
            (--vocabulary and the four sizes), or going on from a checkpoint (--init; a head \
            that it lacks is created). Held-out text decides which weights are kept. 'finetune' \
            makes a classifier of the result, and 'distill --recipe distilbert' a smaller model.

            Examples:
              bertkit pretrain --text text.txt --vocabulary vocab.txt \\
                --layers 2 --hidden 128 --heads 2 --intermediate 512 --output encoder/
              bertkit pretrain --text domain.txt --init bert-base/ \\
                --epochs 1 --learning-rate 2e-5 --output bert-domain/
            """
    )

    @Option(
        help: ArgumentHelp("The folder of the model to go on from.", valueName: "dir"),
        completion: .directory
    )
    var `init`: String?

    @OptionGroup(title: "Data") var text: PlainTextOptions
    @OptionGroup(title: "Data") var masking: MaskingOptions
    @OptionGroup(title: "Model From Random Weights") var fresh: FreshModelOptions
    @OptionGroup(title: "Training") var schedule: ScheduleOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Run") var runOptions: RunOptions

    func checkTogether() throws {
        if text.devText != nil, text.holdOut != nil {
            throw ValidationError(
                "'--hold-out' measures with lines of '--text', but '--dev-text' is given"
            )
        }
        if `init` != nil {
            if let name = fresh.given.first {
                throw ValidationError(
                    "'\(name)' describes a model from random weights, but '--init' is given"
                )
            }
        } else if !fresh.missing.isEmpty {
            let names = fresh.missing.map { "'\($0)'" }.joined(separator: ", ")
            throw ValidationError(
                "Give '--init', or describe a model from random weights: \(names) missing"
            )
        }
    }
}

extension TextSelection.LongTexts: ExpressibleByArgument {}

/// Plain text to train on, and to measure with.
struct PlainTextOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Plain text, one sentence or document per line.",
            valueName: "file"
        ),
        completion: .file()
    )
    var text: String

    @Option(
        help: ArgumentHelp(
            "Text that decides which weights are kept, instead of lines of the other file.",
            valueName: "file"
        ),
        completion: .file()
    )
    var devText: String?

    @Option(
        help: ArgumentHelp(
            "Every so-many-th line of the text is kept from training to measure with; 0 for none "
                + "(default: \(Self.standardHoldOut), beside --dev-text none).",
            valueName: "count"
        )
    )
    var holdOut: Int?

    private static let standardHoldOut = 100

    /// Which lines are held out: every so-many-th, or none for 0.
    var heldEvery: Int { holdOut ?? (devText == nil ? Self.standardHoldOut : 0) }

    func validate() throws {
        try Limits.check("--hold-out", holdOut, 0...1_000_000_000)
        if holdOut == 1 { throw ValidationError("'--hold-out 1' leaves nothing to train on") }
    }
}

/// Which texts are read, and how pieces are hidden.
struct MaskingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The share of the words' pieces that is to be found.",
            valueName: "share"
        )
    )
    var maskedShare = 0.15

    @Option(
        help: ArgumentHelp(
            "How much rarer pieces are preferred: each is drawn by its count to the power of minus "
                + "this; DistilBERT's is 0.7, and 0 draws all alike.",
            valueName: "number"
        )
    )
    var maskSmoothing = 0.0

    @Option(
        help: ArgumentHelp(
            "Texts of fewer tokens, special ones included, are left out; DistilBERT's is 12.",
            valueName: "count"
        )
    )
    var minimumTokens = 0

    @Option(
        help: ArgumentHelp(
            "Texts with this share of unknown pieces or more are left out; DistilBERT's is 0.5, and 1 "
                + "keeps all.",
            valueName: "share"
        )
    )
    var unknownShare = 1.0

    @Option(
        help: ArgumentHelp(
            "What becomes of lines that are too long: a 'stretch' of each, another in every epoch, or "
                + "'split' in pieces, as DistilBERT's.",
            valueName: "way"
        )
    )
    var longTexts = TextSelection.LongTexts.stretch

    var selection: TextSelection {
        TextSelection(
            minimumTokens: minimumTokens,
            unknownShare: unknownShare,
            longTexts: longTexts
        )
    }

    func validate() throws {
        try Limits.check("--minimum-tokens", minimumTokens, 0...65_536)
        try Limits.check("--unknown-share", unknownShare, 0...1, above: true)
        try Limits.check("--masked-share", maskedShare, 0...1, above: true)
        try Limits.check("--mask-smoothing", maskSmoothing, 0...10)
    }
}
