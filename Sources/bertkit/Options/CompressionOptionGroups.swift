import ArgumentParser
import Conversion
import Tensors

/// What of the model is left out.
struct CompressionCuts: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The layers to keep, from 0, in their order: 0,2,5.",
            valueName: "number,…"
        )
    )
    var layers: NumberList?

    @Option(
        help: ArgumentHelp(
            "The share of each layer's heads (rounded down) and feed-forward neurons to cut away, above 0 "
                + "and below 1: those that the loss on --train, or else on --data, depends on least "
                + "(|gradient · weight|).",
            valueName: "fraction"
        )
    )
    var headsAndNeurons: Double?

    @Option(
        help: ArgumentHelp(
            "Keep the word pieces that this text uses (any file of lines, or 'from-data' for the texts "
                + "of --data and --train), all special ones and all single characters, so that no text "
                + "gets unknown pieces; vocabulary_map.tsv says which number became which.",
            valueName: "file"
        ),
        completion: .file()
    )
    var vocabulary: VocabularySource?

    @Option(
        help: ArgumentHelp(
            "How many pieces there are to be: those that the text uses most, then others in the order "
                + "of the vocabulary (default: those that it uses).",
            valueName: "count"
        )
    )
    var vocabularySize: Int?

    func validate() throws {
        try Limits.check("--vocabulary-size", vocabularySize, 1...10_000_000)
        if vocabularySize != nil, vocabulary == nil {
            throw ValidationError("'--vocabulary-size' needs '--vocabulary'")
        }
        try Limits.check("--heads-and-neurons", headsAndNeurons, 0...1, above: true, below: true)
    }

    enum VocabularySource: ExpressibleByArgument, Equatable {
        case fromData
        case file(String)

        init?(argument: String) {
            guard !argument.isEmpty else { return nil }
            self = argument == "from-data" ? .fromData : .file(argument)
        }

        /// The file, if it is one.
        var path: String? {
            guard case .file(let path) = self else { return nil }
            return path
        }
    }
}

/// What the model is stored as.
struct CompressionStorage: ParsableArguments {
    @Flag(
        help:
            "Matrices and the tables of words and positions as int8 with a scale for each output or row."
    )
    var int8 = false

    @Option(
        help: ArgumentHelp(
            "What is no int8 is stored as this, rounded to nearest even (default: as it is).",
            valueName: "type"
        )
    )
    var dtype: HalfType?

    @Option(help: ArgumentHelp("The layout to write.", valueName: "layout"))
    var to: Layout = .huggingFaceHDF5

    @Option(
        help: ArgumentHelp(
            "Compress HDF5 datasets with shuffle and gzip of this level, 1 to 9.",
            valueName: "level"
        )
    )
    var gzip: Int?

    func validate() throws {
        try Limits.check("--gzip", gzip, 1...9)
        if gzip != nil, to == .safetensors {
            throw ValidationError("safetensors has no compression: '--gzip' is for hf-h5")
        }
    }

    enum HalfType: String, CaseIterable, ExpressibleByArgument {
        case f16, bf16

        var elementType: ElementType { self == .f16 ? .float16 : .bfloat16 }
    }

    enum Layout: String, CaseIterable, ExpressibleByArgument {
        case huggingFaceHDF5 = "hf-h5"
        case safetensors

        var format: ExportFormat { self == .safetensors ? .safetensors : .huggingFaceHDF5 }
    }
}

/// What the model is judged on.
struct CompressionData: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The examples that every step is measured on, labelled or not.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The examples that heads and neurons are judged on, in the place of --data; 1024 of them are drawn.",
            valueName: "file"
        ),
        completion: .file()
    )
    var train: String?

    @Option(help: ArgumentHelp("The seed that draws them (default: 42).", valueName: "number"))
    var seed: UInt64?

    @OptionGroup var columns: ColumnOptions

    @Option(
        help: ArgumentHelp(
            "The longest sequence in pieces; longer texts are cut (default: what the model can "
                + "read).",
            valueName: "count"
        )
    )
    var maxLength: Int?

    func validate() throws {
        try Limits.check("--max-length", maxLength, 3...65_536)
        guard data == nil, train == nil else { return }
        let given = [
            ("--text-column", columns.textColumn != nil),
            ("--text-pair-column", columns.textPairColumn != nil),
            ("--label-column", columns.labelColumn != nil), ("--header", columns.header == true),
            ("--no-header", columns.header == false), ("--skip-bad-rows", columns.skipBadRows),
            ("--max-length", maxLength != nil),
        ]
        if let (option, _) = given.first(where: \.1) {
            throw ValidationError("'\(option)' is about examples: give '--data'")
        }
    }
}

/// What the model must reach to be written.
struct CompressionGate: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The least accuracy (of scores, Pearson's correlation), 0 to 1.",
            valueName: "share"
        )
    )
    var minAccuracy: Double?

    @Option(
        help: ArgumentHelp("The most by which it may be below the original's.", valueName: "share")
    )
    var maxDrop: Double?

    @Option(
        help: ArgumentHelp(
            "The largest mean KL divergence from the original, in nats.",
            valueName: "number"
        )
    )
    var maxKl: Double?

    var isAsked: Bool { minAccuracy != nil || maxDrop != nil || maxKl != nil }

    func validate() throws {
        try Limits.check("--min-accuracy", minAccuracy, 0...1)
        try Limits.check("--max-drop", maxDrop, 0...1)
        try Limits.check("--max-kl", maxKl, 0...1e6)
    }
}

/// A comma-separated list of numbers from 0.
struct NumberList: ExpressibleByArgument {
    var numbers: [Int] = []

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int(part), (0..<1024).contains(number) else { return nil }
            numbers.append(number)
        }
    }

    var defaultValueDescription: String { numbers.map(String.init).joined(separator: ",") }
}
