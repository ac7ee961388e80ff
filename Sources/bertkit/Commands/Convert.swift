public import ArgumentParser
import Bert
import Checkpoints
public import Conversion
import Diagnostics
import Foundation
import Kernels
import Tensors

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint in another layout.",
        discussion: """
            Reads any layout BERT weights are kept in and writes the whole folder in another: \
            weights, configuration, vocabulary, tokenizer files, model card. What will happen to \
            every tensor is planned first; then the tensors are written one by one, and read \
            back before the folder gets its name.

            Layouts to write:
              hf-h5          tf_model.h5 for TensorFlow's classes of transformers 4
              keras-hub      a KerasHub preset, for from_preset
              keras-weights  model.weights.h5 of a KerasHub model, for load_weights
              safetensors    model.safetensors for PyTorch and all that reads it

            Example:
              bertkit convert teacher/ teacher-pt/ --to safetensors
            """
    )

    @Argument(help: "A model folder, or a file of weights.", completion: .file())
    var source: String

    @Argument(help: "The folder to write. It must not exist yet.", completion: .directory)
    var destination: String

    @Option(help: ArgumentHelp("The layout to write.", valueName: "layout"))
    var to: ExportFormat

    @Option(
        help: ArgumentHelp(
            "What weights are stored as: f32, f16 or bf16, rounded to nearest even "
                + "(default: as they are; f64 becomes f32).",
            valueName: "type"
        )
    )
    var dtype: StoredType?

    @Option(
        help: ArgumentHelp(
            "Keep the head, leave it out, or make a new sequence classifier.",
            valueName: "choice"
        )
    )
    var head = HeadOption.keep

    @Option(help: ArgumentHelp("The labels of a new head.", valueName: "name,…"))
    var labels: NameList?

    @Option(help: ArgumentHelp("The seed of a new head's weights.", valueName: "number"))
    var seed: UInt64 = 42

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
        )
    )
    var shardSize: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Write only the tensors whose canonical name fits, '*' standing for anything. May be "
                + "given several times.",
            valueName: "pattern"
        )
    )
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "Take a stored tensor that no layout knows for a parameter. May be given several times.",
            valueName: "stored=canonical"
        )
    )
    var rename: [Renaming] = []

    @Option(
        help: ArgumentHelp(
            "The configuration, where none lies beside the weights.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The vocabulary, where none lies beside the weights.",
            valueName: "file"
        ),
        completion: .file(extensions: ["txt"])
    )
    var vocabulary: String?

    @Flag(
        help:
            "Whether letters keep their case, where no file says it (default: as the vocabulary looks)."
    )
    var casing: Casing?

    @Flag(
        help:
            "Write a model that the target computes slightly differently, and measure by how much."
    )
    var allowApproximation = false

    @Flag(help: "Print the plan, tensor by tensor, and stop.")
    var dryRun = false

    @Flag(help: "Replace the destination if it exists.")
    var force = false

    @Flag(help: "No progress and no remarks on standard error.")
    var quiet = false

    enum Casing: String, EnumerableFlag { case cased, uncased }

    enum HeadOption: String, CaseIterable, ExpressibleByArgument { case keep, none, new }

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

    func validate() throws {
        try Limits.check("--gzip", gzip, 1...9)
        if head == .new, labels == nil {
            throw ValidationError("'--head new' needs '--labels'")
        }
        if head != .new, labels != nil {
            throw ValidationError("'--labels' is for '--head new'")
        }
    }

    private var options: ConversionOptions {
        var options = ConversionOptions(format: to)
        options.elementType = dtype?.elementType
        options.compression = gzip
        options.shardByteCount = shardSize?.byteCount
        options.only = only
        options.renames = rename.map { ($0.stored, $0.canonical) }
        options.allowsApproximation = allowApproximation
        options.isCased = casing.map { $0 == .cased }
        options.force = force
        switch head {
        case .keep: options.head = .keep
        case .none: options.head = .none
        case .new: options.head = .new(labels: labels?.names ?? [], seed: seed)
        }
        return options
    }

    func run() throws {
        let output = URL(filePath: destination)
        let remarks = Remarks(isQuiet: quiet)
        if !dryRun { try AtomicOutput.check(output, force: force) }
        let checkpoint = try Checkpoint.open(
            URL(filePath: source),
            configuration: config.map { URL(filePath: $0) },
            vocabulary: vocabulary.map { URL(filePath: $0) }
        )
        let plan = try ConversionPlan(checkpoint, options)
        for note in plan.notes { remarks.note(note) }
        if dryRun {
            try StandardOutput.write(plan.text)
            return
        }
        for (name, rule) in plan.ignored {
            remarks.note("not written: \(printable(name)) (\(rule))")
        }
        let command =
            "bertkit " + CommandLine.arguments.dropFirst().map(quoted).joined(separator: " ")
        let report = try Conversion(plan).write(to: output, command: command)
        for (name, narrowing) in report.narrowing {
            remarks.warn(
                "\(name): \(Numbers.count(narrowing.overflowCount)) values overflowed, "
                    + "\(Numbers.count(narrowing.underflowCount)) became subnormal or 0"
            )
        }
        var text =
            "\(printable(source)): \(checkpoint.layout)\n"
            + "\(printable(destination)): \(to.phrase), \(plan.rows.count) tensors, "
            + "\(Numbers.count(plan.byteCount)) bytes, read back equal\n"
        for (name, byteCount) in report.files {
            text += "  \(printable(name))  \(Numbers.count(byteCount)) bytes\n"
        }
        if !plan.approximations.isEmpty {
            text += try measuredDifference(checkpoint, output, plan)
        }
        try StandardOutput.write(text)
    }

    /// What an approximate target answers, beside what the source does.
    private func measuredDifference(
        _ source: Checkpoint,
        _ output: URL,
        _ plan: ConversionPlan
    ) throws -> String {
        let comparison = try ModelComparison(
            source,
            Checkpoint.open(output),
            workers: WorkerPool.availableProcessors
        )
        var text = plan.approximations.map { "  approximation: \($0)\n" }.joined()
        for output in comparison.outputs ?? [] {
            text +=
                "  \(output.name): largest difference \(Numbers.scientific(output.maximum)), "
                + "mean \(Numbers.scientific(output.mean))\n"
        }
        if let reason = comparison.notRunBecause { text += "  not measured: \(reason)\n" }
        return text
    }

    /// An argument as a shell takes it.
    private func quoted(_ argument: String) -> String {
        let plain = argument.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0)
                || "-_./=,:".unicodeScalars.contains($0)
        }
        return plain && !argument.isEmpty
            ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
    }
}

extension ExportFormat: ExpressibleByArgument {}

/// A size in bytes: `100MB`, `2GB`, `500KB` (powers of 1000), or a plain number.
struct ByteSize: ExpressibleByArgument {
    var byteCount: Int

    init?(argument: String) {
        let units = [("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)]
        let upper = argument.uppercased()
        let unit = units.first { upper.hasSuffix($0.0) }
        let digits = unit == nil ? upper[...] : upper.dropLast(2)
        guard let number = Int(digits), number > 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        guard !overflow else { return nil }
        byteCount = product
    }
}

/// `STORED=CANONICAL`.
struct Renaming: ExpressibleByArgument {
    var stored: String
    var canonical: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        (stored, canonical) = (parts[0], parts[1])
    }
}
