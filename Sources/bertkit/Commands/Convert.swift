import ArgumentParser
import Bert
import BiLSTM
import Checkpoints
import Conversion
import Diagnostics
import Foundation
import Kernels
import Provenance

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint in another layout.",
        discussion: """
            Reads any layout BERT weights are kept in and writes the whole folder in another: \
            weights, configuration, vocabulary, tokenizer files, model card. What will happen to \
            every tensor is planned first; then the tensors are written one by one, and read \
            back before the folder gets its name. Values that are not finite are carried over as \
            they are, with a warning.

            Layouts to write:
              hf-h5          tf_model.h5 for TensorFlow's classes of transformers 4
              keras-hub      a KerasHub preset, for from_preset
              keras-weights  model.weights.h5 of a KerasHub model, for load_weights
              safetensors    model.safetensors for PyTorch and all that reads it

            A BiLSTM is written as keras-weights, of its own Keras layers, or as safetensors, with
            the names of torch.nn.LSTM.

            Examples:
              bertkit convert teacher/ teacher-pt/ --to safetensors
              bertkit convert bert_model.ckpt bert-h5/ --to hf-h5 --dry-run
            """
    )

    @Argument(help: "A model folder, or a file of weights.", completion: .file())
    var source: String

    @Argument(help: "The folder to write. It must not exist yet.", completion: .directory)
    var destination: String

    @OptionGroup(title: "Target") var target: TargetOptions
    @OptionGroup(title: "Model") var model: ModelSelectionOptions
    @OptionGroup(title: "Source") var origin: SourceOptions
    @OptionGroup(title: "Run") var runOptions: ConversionRunOptions

    struct ConversionRunOptions: ParsableArguments {
        @Flag(help: "Print the plan, tensor by tensor, and stop.")
        var dryRun = false

        @Flag(help: "Replace the destination if it exists and is empty or a model's folder.")
        var force = false

        @Flag(help: "No progress and no remarks on standard error.")
        var quiet = false
    }

    private var options: ConversionOptions {
        var options = ConversionOptions(format: target.to)
        options.elementType = target.dtype?.elementType
        options.compression = target.gzip
        options.shardByteCount = target.shardSize?.byteCount
        options.only = model.only
        options.renames = model.rename.map { ($0.stored, $0.canonical) }
        options.allowsApproximation = model.allowApproximation
        options.isCased = origin.casing.map { $0 == .cased }
        options.force = runOptions.force
        switch model.head {
        case .keep: options.head = .keep
        case .none: options.head = .none
        case .new: options.head = .new(labels: model.labels?.names ?? [], seed: model.seed ?? 42)
        }
        return options
    }

    func run() throws {
        let output = URL(filePath: destination)
        let remarks = Remarks(isQuiet: runOptions.quiet)
        try checkApart(output: destination, source: source)
        if !runOptions.dryRun { try AtomicOutput.check(output, force: runOptions.force) }
        if BiLSTMFolder.isOne(URL(filePath: source)) { return try convertBiLSTM(to: output) }
        let checkpoint = try Checkpoint.open(
            URL(filePath: source),
            configuration: origin.config.map { URL(filePath: $0) },
            vocabulary: origin.vocabulary.map { URL(filePath: $0) }
        )
        let plan = try ConversionPlan(checkpoint, options)
        for note in plan.notes { remarks.note(note) }
        if runOptions.dryRun {
            try StandardOutput.write(plan.text)
            return
        }
        for line in ConversionRemarks.notWritten(plan.ignored) { remarks.note(line) }
        let report = try write(plan, to: output)
        for line in ConversionRemarks.warnings(report) { remarks.warn(line) }
        if let line = ConversionRemarks.underflow(report) { remarks.note(line) }
        var text =
            "\(printable(source)): \(checkpoint.layout)\n"
            + "\(printable(destination)): \(target.to.phrase), \(plan.rows.count) tensors, "
            + "\(Numbers.count(plan.byteCount)) bytes, read back equal\n"
        for (name, byteCount) in report.files {
            text += "  \(printable(name))  \(Numbers.count(byteCount)) bytes\n"
        }
        if !plan.approximations.isEmpty {
            text += try measuredDifference(checkpoint, output, plan)
        }
        try StandardOutput.write(text)
    }

    /// Writes the folder; a long conversion shows on a terminal how far it is.
    private func write(_ plan: ConversionPlan, to output: URL) throws -> Conversion.Report {
        let provenance = try Provenance(
            command: ShellText.command,
            [("model", source), ("config", origin.config), ("vocabulary", origin.vocabulary)]
        )
        let progress = ByteProgress("convert", byteCount: plan.byteCount, isQuiet: runOptions.quiet)
        defer { progress.end() }
        return try Conversion(plan).write(
            to: output,
            command: ShellText.command,
            details: provenance.details,
            additionalFiles: [provenance.file]
        ) { progress.update($0) }
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
}
