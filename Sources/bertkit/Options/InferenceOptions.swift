import ArgumentParser
import Kernels

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

extension ComputeOptions {
    /// Workers asked for, or one per processor.
    var workerCount: Int { workers ?? WorkerPool.availableProcessors }
}
