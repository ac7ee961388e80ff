import ArgumentParser
import Bert
import Checkpoints
import Compression
import Conversion
import Datasets
import Diagnostics
import Foundation
import Kernels
import Provenance

struct Compress: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store a model in fewer bytes, and measure what that costs.",
        discussion: """
            Does what is asked for, step by step in this order: leaves out layers, prunes heads, cuts \
            neurons of the feed-forward parts, cuts the vocabulary, stores matrices as int8, stores the rest as \
            f16 or bf16. Prints parameters and bytes after each step and, given --data, accuracy and \
            KL divergence from the original. What misses the gate is not written, and the exit code \
            is 4.

            Pruned heads are "pruned_heads" in config.json, as transformers has them: its PyTorch \
            classes read such folders with --to safetensors; its TensorFlow classes do not prune.

            Every command of bertkit reads int8 folders; 'convert --dtype f32' makes ordinary \
            checkpoints of them, for other programs.

            Examples:
              bertkit compress student/ small/ --int8 --vocabulary train.tsv \\
                  --vocabulary-size 15000 --data dev.tsv --max-drop 0.01
              bertkit compress teacher/ half/ --layers 0,2,4,5 --heads-and-neurons 0.25 \\
                  --train train.tsv --data dev.tsv --dtype f16 --to safetensors
            """
    )

    @Argument(help: "A model folder, or a file of weights.", completion: .file())
    var model: String

    @Argument(help: "The folder to write. It must not exist yet.", completion: .directory)
    var output: String

    @OptionGroup(title: "What is cut") var cuts: CompressionCuts
    @OptionGroup(title: "How it is stored") var storage: CompressionStorage
    @OptionGroup(title: "Data") var data: CompressionData
    @OptionGroup(title: "Quality gate") var gate: CompressionGate
    @OptionGroup(title: "Machine") var compute: ComputeOptions
    @OptionGroup(title: "Model Card") var card: CardOptions
    @OptionGroup(title: "Run") var runOptions: CompressionRunOptions

    struct CompressionRunOptions: ParsableArguments {
        @Flag(help: "Do and measure everything, and write nothing.")
        var dryRun = false

        @Flag(help: "Replace the output if it exists and is empty or a model's folder.")
        var force = false

        @Flag(help: "No progress and no remarks on standard error.")
        var quiet = false
    }

    func validate() throws {
        guard isAnythingAsked else {
            throw ValidationError(
                "Nothing is to be done: give '--layers', '--heads-and-neurons', '--vocabulary', "
                    + "'--int8' or '--dtype'"
            )
        }
        if gate.isAsked, data.data == nil { throw ValidationError("A quality gate needs '--data'") }
        if cuts.headsAndNeurons != nil, data.data == nil, data.train == nil {
            throw ValidationError("'--heads-and-neurons' needs '--train' or '--data'")
        }
        if data.seed != nil, cuts.headsAndNeurons == nil {
            throw ValidationError(
                "'--seed' draws the examples that heads and neurons are judged on: add "
                    + "'--heads-and-neurons'"
            )
        }
        if cuts.vocabulary == .fromData, data.data == nil {
            throw ValidationError("'--vocabulary from-data' needs '--data'")
        }
        if data.train != nil, cuts.headsAndNeurons == nil, cuts.vocabulary != .fromData {
            throw ValidationError(
                "'--train' is for '--heads-and-neurons' and '--vocabulary from-data'"
            )
        }
    }

    private var isAnythingAsked: Bool {
        cuts.layers != nil || cuts.headsAndNeurons != nil || cuts.vocabulary != nil
            || storage.int8 || storage.dtype != nil
    }

    private var options: CompressionOptions {
        var options = CompressionOptions(format: storage.to.format)
        options.layers = cuts.layers?.numbers
        options.headAndNeuronFraction = cuts.headsAndNeurons
        options.vocabulary = cuts.vocabulary.map { choice in
            switch choice {
            case .fromData: VocabularyChoice(text: nil, size: cuts.vocabularySize)
            case .file(let path):
                VocabularyChoice(text: URL(filePath: path), size: cuts.vocabularySize)
            }
        }
        options.isInt8 = storage.int8
        options.elementType = storage.dtype?.elementType
        options.compression = storage.gzip
        options.gate = QualityGate(
            minimumQuality: gate.minAccuracy,
            maximumDrop: gate.maxDrop,
            maximumDivergence: gate.maxKl
        )
        options.seed = data.seed ?? 42
        options.force = runOptions.force
        return options
    }

    func run() throws {
        let url = URL(filePath: output)
        let remarks = Remarks(isQuiet: runOptions.quiet)
        try AtomicOutput.check(url, force: runOptions.force)
        let checkpoint = try Checkpoint.open(URL(filePath: model))
        let fileKind = checkpoint.head.fileKind
        var compressor = try Compressor(
            checkpoint,
            options,
            data: try data.data.map { try open($0, fileKind, remarks) },
            training: try data.train.map { try open($0, fileKind, remarks) },
            maximumLength: data.maxLength,
            pool: WorkerPool(workerCount: compute.workerCount)
        )
        for note in compressor.notes { remarks.note(note) }
        for line in ConversionRemarks.notWritten(compressor.ignored) { remarks.note(line) }
        let result = try compressor.run { remarks.say("compress: \($0)") }
        try StandardOutput.write(
            "\(printable(model)): \(checkpoint.layout)\n\n" + CompressionText.table(result.steps)
                + "\n" + result.storage.map { $0 + "\n" }.joined()
        )
        if runOptions.dryRun {
            return try StandardOutput.write(
                "\nDry run: \(printable(output)) is not written; it would be "
                    + "\(storage.to.format.phrase)\n"
            )
        }
        var provenance = try Provenance(
            command: ShellText.command,
            [
                ("model", model), ("data", data.data), ("train", data.train),
                ("vocabulary", cuts.vocabulary?.path),
            ]
        )
        provenance.results = .array(result.steps.map(\.json))
        let files = try compressor.write(
            result,
            to: url,
            complete: { card in
                card.command = ShellText.command
                card.details += provenance.details
                self.card.fill(&card)
            },
            additionalFiles: [provenance.file]
        )
        var text = "\n\(printable(output)): \(storage.to.format.phrase), read back equal\n"
        for (name, byteCount) in files {
            text += "  \(printable(name))  \(Numbers.count(byteCount)) bytes\n"
        }
        try StandardOutput.write(text)
    }

    private func open(
        _ path: String,
        _ kind: LabelledFile.Kind,
        _ remarks: Remarks
    ) throws -> LabelledFile {
        let file = try LabelledFile(
            contentsOf: URL(filePath: path),
            kind: kind,
            options: data.columns.readerOptions(labels: .ifPresent)
        )
        remarks.note(file)
        return file
    }
}

/// The report of a compression for people.
enum CompressionText {
    /// A row for each step; what the data would say is left out where there is none.
    static func table(_ steps: [CompressionStep]) -> String {
        let last = steps[steps.count - 1]
        let hasQuality = last.quality != nil
        let hasDivergence = last.divergence != nil
        var columns: [TextTable.Column] = [
            .init("step"), .init("parameters", .right), .init("bytes", .right),
            .init("smaller", .right),
        ]
        if hasQuality { columns.append(.init(last.qualityName, .right)) }
        if hasDivergence { columns.append(.init(last.divergenceName, .right)) }
        var table = TextTable(columns)
        for step in steps {
            let ratio = Double(steps[0].byteCount) / Double(max(1, step.byteCount))
            var cells = [
                step.name, Numbers.count(step.parameterCount), Numbers.count(step.byteCount),
                "\(Numbers.fixed(ratio, 2)) ×",
            ]
            if hasQuality { cells.append(step.quality.map { Numbers.fixed($0, 4) } ?? "–") }
            if hasDivergence {
                cells.append(step.divergence.map { Numbers.scientific($0) } ?? "–")
            }
            table.append(cells)
        }
        return table.plain
    }
}

extension CompressionStep {
    fileprivate var json: JSONValue {
        var fields: [String: JSONValue] = [
            "step": .string(name), "parameters": .integer(parameterCount),
            "bytes": .integer(byteCount),
        ]
        if let quality { fields[qualityName] = .number(quality) }
        if let divergence { fields[divergenceName] = .number(divergence) }
        return .object(fields)
    }
}
