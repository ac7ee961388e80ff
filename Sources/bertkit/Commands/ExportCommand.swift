public import ArgumentParser
import Bert
import Checkpoints
import Conversion
import Datasets
import Diagnostics
import Evaluation
public import Export
import Foundation
import Kernels
import Provenance
import Tokenization

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model for another runtime.",
        discussion: """
            Writes what programs that know nothing of BertKit run. The weights go from file to file \
            in pieces, are read back and compared before the output gets its name, and nothing is \
            left where something fails. With --data, what was written answers texts beside the \
            model, and a line for each output says how they differ.

            Formats to write:
              onnx  a folder with model.onnx (opset 18), config.json and the tokenizer's files, for
                    ONNX Runtime, optimum and transformers.js
              gguf  one file of the architecture bert, for llama.cpp; single texts only
              coreml  a package (.mlpackage) with a program for iOS 17 and macOS 14; experimental,
                    since no Core ML has run one of them yet

            Examples:
              bertkit export student/ student-onnx/ --to onnx
              bertkit export student/ student-int8/ --to onnx --int8 dynamic --data dev.tsv
              bertkit export student/ student-qdq/ --to onnx --int8 qdq
              bertkit export student/ student.gguf --to gguf --dtype q8_0
              bertkit export student/ student.mlpackage --to coreml --dtype f16 --lengths 64
            """
    )

    @Argument(help: "A model folder, or a file of weights.", completion: .file())
    var model: String

    @Argument(
        help: "The folder (onnx, coreml) or file (gguf) to write. It must not exist yet.",
        completion: .file()
    )
    var output: String

    @Option(help: ArgumentHelp("The format to write.", valueName: "format"))
    var to: ExportOptions.Format

    @Option(
        help: ArgumentHelp(
            "What weights are stored as (default: f32); q8_0 is for gguf. In f16, the inputs and outputs "
                + "of onnx and coreml stay as they are.",
            valueName: "type"
        )
    )
    var dtype: StoredType?

    @Option(
        help: ArgumentHelp(
            "The encoder's matrices as bytes, with a scale for each output, and inputs rounded to bytes: by "
                + "the operators of dynamic quantisation (dynamic), or as bytes and numbers again "
                + "around plain products (qdq). For onnx.",
            valueName: "form"
        )
    )
    var int8: ByteForm?

    @Option(
        help: ArgumentHelp(
            "Texts to run what was written on, and the model beside it: plain lines, or a task file whose "
                + "labels are not needed.",
            valueName: "file"
        ),
        completion: .file()
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The lengths in pieces that a program of coreml takes, padding included (default: 128, or as "
                + "many as the model has positions for). More than one needs iOS 18 or macOS 15.",
            valueName: "count,…"
        )
    )
    var lengths: LengthList?

    @Option(help: ArgumentHelp("Keep the head, or leave it out.", valueName: "choice"))
    var head = HeadChoice.keep

    @OptionGroup(title: "Source") var origin: SourceOptions
    @OptionGroup(title: "Texts") var columns: ColumnOptions
    @OptionGroup(title: "Run") var runOptions: ExportRunOptions

    struct ExportRunOptions: ParsableArguments {
        @Flag(help: "Plan everything, say what would be written, and stop.")
        var dryRun = false

        @Flag(
            help: "Replace the output if it exists; a folder only if it is empty or a model's."
        )
        var force = false

        @Flag(help: "No progress and no remarks on standard error.")
        var quiet = false
    }

    enum StoredType: String, CaseIterable, ExpressibleByArgument {
        case f32, f16
        case q8 = "q8_0"
    }

    enum ByteForm: String, CaseIterable, ExpressibleByArgument { case dynamic, qdq }

    enum HeadChoice: String, CaseIterable, ExpressibleByArgument { case keep, none }

    func validate() throws {
        if int8 != nil, dtype != nil {
            throw ValidationError("'--int8' and '--dtype' both say what weights are stored as")
        }
    }

    private var options: ExportOptions {
        var options = ExportOptions(format: to, version: Tool.version)
        switch (int8, dtype) {
        case (.dynamic, _): options.weights = .int8Dynamic
        case (.qdq, _): options.weights = .int8QDQ
        case (nil, .f16): options.weights = .float16
        case (nil, .q8): options.weights = .q8
        case (nil, .f32), (nil, nil): options.weights = .float32
        }
        options.leavesHeadOut = head == .none
        options.lengths = lengths?.lengths ?? []
        options.isCased = origin.casing.map { $0 == .cased }
        options.force = runOptions.force
        return options
    }

    func run() throws {
        let url = URL(filePath: output)
        let remarks = Remarks(isQuiet: runOptions.quiet)
        try AtomicOutput.check(url, force: runOptions.force)
        let checkpoint = try Checkpoint.open(
            URL(filePath: model),
            configuration: origin.config.map { URL(filePath: $0) },
            vocabulary: origin.vocabulary.map { URL(filePath: $0) }
        )
        var options = options
        if let data {
            let texts = try sequences(data, checkpoint)
            options.texts = texts.batch(0..<texts.count)
        }
        let plan = try ExportPlan(checkpoint, options)
        for note in plan.notes { remarks.note(note) }
        for line in ConversionRemarks.notWritten(plan.ignored) { remarks.note(line) }
        if runOptions.dryRun {
            return try StandardOutput.write(
                "\(printable(model)): \(checkpoint.layout)\n"
                    + "Dry run: \(printable(output)) is not written; it would be \(to.rawValue), "
                    + "\(plan.tensorCount) tensors, \(Numbers.count(plan.byteCount)) bytes\n"
                    + plan.outputs.map { "  \($0.name) \($0.shape)\n" }.joined()
            )
        }
        let progress = ByteProgress("export", byteCount: plan.byteCount, isQuiet: runOptions.quiet)
        let report: Exporter.Report
        do {
            defer { progress.end() }
            report = try Exporter(plan).write(to: url, additionalFiles: records(plan)) {
                progress.update($0)
            }
        }
        for output in report.comparisons
        where !output.isGood(isExact: plan.isExact) {
            remarks.warn("\(output.name): what was written answers otherwise than the model")
        }
        if report.nonFiniteCount > 0 {
            remarks.warn("\(Numbers.count(report.nonFiniteCount)) values are not finite")
        }
        try StandardOutput.write(text(plan, checkpoint, report))
    }

    /// What a folder says of itself: a card, and where it comes from.
    private func records(_ plan: ExportPlan) throws(Failure) -> [ModelFolder.File] {
        guard to == .onnx else { return [] }
        let provenance = try Provenance(
            command: ShellText.command,
            [
                ("model", model), ("config", origin.config), ("vocabulary", origin.vocabulary),
                ("data", data),
            ]
        )
        let name = URL(filePath: model).standardizedFileURL.lastPathComponent
        var card = ModelCard(
            name: "\(name) for ONNX Runtime",
            summary: "Exported by BertKit from \(plan.source.layout)."
        )
        card.pipeline = plan.configuration.head.pipeline
        card.tags = [plan.configuration.modelType.rawValue, "onnx"]
        card.command = ShellText.command
        card.details = provenance.details
        card.use = [
            "`onnxruntime.InferenceSession` runs `\(plan.modelFileName)`; its texts are cut by",
            "`tokenizer.json`.",
        ]
        return [ModelFolder.File(card), provenance.file]
    }

    /// A file's examples as the model's tokenizer cuts them; what labels there are is not read.
    private func sequences(_ path: String, _ checkpoint: Checkpoint) throws(Failure)
        -> EncodedDataset
    {
        guard let source = checkpoint.tokenizer, let configuration = checkpoint.configuration else {
            throw checkpoint.configurationProblem
                ?? Failure(
                    .missingInput,
                    checkpoint.url.relativePath,
                    "there is no WordPiece vocabulary to cut the texts of \(printable(path)) with",
                    remedy: "Give one with --vocabulary"
                )
        }
        let file = try LabelledFile(
            contentsOf: URL(filePath: path),
            kind: nil,
            options: columns.readerOptions(labels: .ignored)
        )
        try configuration.checkHoldsTexts(checkpoint.url.relativePath)
        try configuration.checkReads(
            pairs: file.hasPairs,
            from: path,
            model: checkpoint.url.relativePath
        )
        let vocabulary = try source.loadVocabulary(atMost: configuration.vocabularySize)
        let tokenizerConfiguration = try source.loadConfiguration(vocabulary)
        return try EncodedDataset(
            file,
            kind: nil,
            tokenizer: WordPieceTokenizer(
                vocabulary: vocabulary,
                configuration: tokenizerConfiguration
            ),
            maximumLength: min(
                configuration.longestSequence,
                max(tokenizerConfiguration.modelMaximumLength, BertConfiguration.fewestPositions)
            ),
            workers: WorkerPool.availableProcessors
        )
    }

    private func text(
        _ plan: ExportPlan,
        _ checkpoint: Checkpoint,
        _ report: Exporter.Report
    ) -> String {
        var text = "\(printable(model)): \(checkpoint.layout)\n"
        text +=
            "\(printable(output)): \(to.rawValue), \(plan.tensorCount) tensors, "
            + "\(Numbers.count(plan.byteCount)) bytes, read back equal\n"
        for (name, byteCount) in report.files where !name.isEmpty {
            text += "  \(printable(name))  \(Numbers.count(byteCount)) bytes\n"
        }
        for output in report.comparisons {
            let labels = output.agreement.map { ", labels agree \(Numbers.percent($0))" } ?? ""
            text +=
                "-[\(output.isGood(isExact: plan.isExact) ? "✓" : "x")] \(output.name) "
                + "\(output.dimensions): largest difference "
                + "\(Numbers.scientific(Double(output.largestDifference)))\(labels)\n"
        }
        guard report.comparisons.isEmpty else { return text }
        let weights = Numbers.scientific(Double(report.largestDifference))
        for output in plan.outputs {
            text +=
                "  \(output.name) \(output.shape): not run, which '--data' does; weights differ from the "
                + "checkpoint's by at most \(weights)\n"
        }
        return text
    }
}

extension ExportOptions.Format: ExpressibleByArgument {}
