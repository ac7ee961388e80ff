public import ArgumentParser
public import Kernels

/// How a model is run over texts.
struct InferenceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The longest sequence in pieces; longer texts are cut (default: what the model can "
                + "read).",
            valueName: "count"
        )
    )
    var maxLength: Int?

    @OptionGroup var compute: ComputeOptions

    func validate() throws { try Limits.check("--max-length", maxLength, 3...65_536) }
}

/// The numbers that a model is run in.
struct PrecisionOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The numbers that matrix products are computed in: f32, bf16 (f32 where the processor "
                + "lacks it) or int8."
        )
    )
    var precision: Precision = .f32
}

extension Precision: ExpressibleByArgument {}

/// A comma-separated list of precisions other than f32.
struct PrecisionList: ExpressibleByArgument {
    var list: [Precision] = []

    init() {}

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let precision = Precision(rawValue: String(part)), precision != .f32,
                !list.contains(precision)
            else { return nil }
            list.append(precision)
        }
    }

    var defaultValueDescription: String { list.map(\.rawValue).joined(separator: ",") }

    static let allValueStrings = Precision.allCases.filter { $0 != .f32 }.map(\.rawValue)
}

extension ComputeOptions {
    /// Workers asked for, or one per processor.
    var workerCount: Int { workers ?? WorkerPool.availableProcessors }
}
