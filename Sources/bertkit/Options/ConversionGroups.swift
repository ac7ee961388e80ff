public import ArgumentParser
public import Conversion
import Tensors

/// What is written.
struct TargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The layout to write.", valueName: "layout"))
    var to: ExportFormat

    @Option(
        help: ArgumentHelp(
            "What weights are stored as, rounded to nearest even (default: as they are; f64 "
                + "becomes f32).",
            valueName: "type"
        )
    )
    var dtype: StoredType?

    @Option(
        help: ArgumentHelp(
            "Compress HDF5 datasets with shuffle and gzip of this level, 1 to 9.",
            valueName: "level"
        )
    )
    var gzip: Int?

    @Option(
        help: ArgumentHelp(
            "Spread the weights over files of at most so many bytes of tensors: 100MB, 2GB, "
                + "or a number.",
            valueName: "size"
        ),
        transform: ByteSize.init(parsing:)
    )
    var shardSize: ByteSize?

    func validate() throws { try Limits.check("--gzip", gzip, 1...9) }

    enum StoredType: String, CaseIterable, ExpressibleByArgument {
        case f32, f16, bf16

        var elementType: ElementType {
            switch self {
            case .f32: .float32
            case .f16: .float16
            case .bf16: .bfloat16
            }
        }
    }
}

/// What of the model is written.
struct ModelSelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep the head, leave it out, or make a new sequence classifier.",
            valueName: "choice"
        )
    )
    var head = HeadOption.keep

    @Option(help: ArgumentHelp("The labels of a new head.", valueName: "name,…"))
    var labels: NameList?

    @Option(
        help: ArgumentHelp("The seed of a new head's weights (default: 42).", valueName: "number")
    )
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Write only the tensors whose canonical name, as inspect shows it, fits; '*' stands "
                + "for anything. May be given several times.",
            valueName: "pattern"
        )
    )
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "Take a stored tensor that no layout knows for the parameter of this canonical name. "
                + "May be given several times.",
            valueName: "stored=canonical"
        ),
        transform: Renaming.init(parsing:)
    )
    var rename: [Renaming] = []

    @Flag(
        help:
            "Write a model that the target computes slightly differently, and measure by how much."
    )
    var allowApproximation = false

    enum HeadOption: String, CaseIterable, ExpressibleByArgument { case keep, none, new }

    func validate() throws {
        if head == .new, labels == nil {
            throw ValidationError("'--head new' needs '--labels'")
        }
        if head != .new, labels != nil {
            throw ValidationError("'--labels' is for '--head new'")
        }
        if head != .new, seed != nil {
            throw ValidationError("'--seed' is for '--head new'")
        }
    }
}

/// What the source's folder does not say.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The configuration, in the place of the one beside the weights.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The vocabulary, in the place of the one beside the weights.",
            valueName: "file"
        ),
        completion: .file(extensions: ["txt"])
    )
    var vocabulary: String?

    @Flag(
        help:
            "Whether letters keep their case (default: what the files say, else as the vocabulary looks)."
    )
    var casing: Casing?

    enum Casing: String, EnumerableFlag { case cased, uncased }
}

extension ExportFormat: ExpressibleByArgument {}

/// A size in bytes: `100MB`, `2GB`, `500KB` (powers of 1000), or a plain number.
struct ByteSize {
    var byteCount: Int

    init(parsing argument: String) throws {
        let units = [("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)]
        let upper = argument.uppercased()
        let unit = units.first { upper.hasSuffix($0.0) }
        let digits = unit == nil ? upper[...] : upper.dropLast(2)
        guard let number = Int(digits), number > 0,
            case (let product, false) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        else {
            throw ValidationError("a size is a number of bytes, as in 100000, 500KB, 100MB or 2GB")
        }
        byteCount = product
    }
}

/// `STORED=CANONICAL`.
struct Renaming {
    var stored: String
    var canonical: String

    /// A stored name may have `=` in it, and a canonical one has not.
    init(parsing argument: String) throws {
        guard let place = argument.lastIndex(of: "="), place > argument.startIndex,
            argument.index(after: place) < argument.endIndex
        else {
            throw ValidationError("it must be STORED=CANONICAL, the two names of one tensor")
        }
        stored = String(argument[..<place])
        canonical = String(argument[argument.index(after: place)...])
    }
}
