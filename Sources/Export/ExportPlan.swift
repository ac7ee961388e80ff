public import Bert
import Conversion
public import Diagnostics
import Foundation
import Tensors
import Tokenization

/// What an export will write; nothing has been written yet.
public struct ExportPlan: Sendable {
    /// An output of the exported model.
    public struct Output: Sendable {
        public let name: String
        let dimensions: [Dimension]

        enum Dimension {
            case fixed(Int)
            case sequences
            /// One sequence, as often as there are any.
            case one
            /// The tokens of the longest sequence: the others are padded.
            case length
            /// The tokens of all sequences.
            case tokens
        }

        /// `[batch_size, 2]`: names stand for what a caller chooses.
        public var shape: String {
            let sizes = dimensions.map { dimension in
                switch dimension {
                case .fixed(let size): String(size)
                case .one: "1"
                case .sequences: "batch_size"
                case .length: "sequence_length"
                case .tokens: "tokens"
                }
            }
            return "[\(sizes.joined(separator: ", "))]"
        }

        /// The extents for these sequences.
        func dimensions(for texts: PackedBatch) -> [Int] {
            let sequences = 0..<texts.sequenceCount
            return dimensions.map { dimension in
                switch dimension {
                case .fixed(let size): size
                case .sequences, .one: sequences.count
                case .length: sequences.map { texts.length(of: $0) }.max() ?? 0
                case .tokens: texts.tokenCount
                }
            }
        }
    }

    public let source: Checkpoint
    public let options: ExportOptions
    public let configuration: BertConfiguration
    /// Remarks, as sentences.
    public let notes: [String]
    /// What of the source is not written, with the rule that says so.
    public let ignored: [(name: String, rule: String)]
    public let outputs: [Output]
    /// The files that hold weights, by name, with their layouts.
    let files: [(name: String, layout: FileLayout)]
    let tensors: [PlannedTensor]
    let conversion: ConversionPlan

    /// The bytes of the files with weights.
    public var byteCount: Int { files.reduce(0) { $0 + $1.layout.byteCount } }
    /// The file that a runtime opens; of a single file it is empty.
    public var modelFileName: String { files[0].name }
    /// Whether what is written answers as the model does but for the last bits: no weight is rounded, and GGUF's
    /// runtime does not compute another GELU.
    public var isExact: Bool {
        options.weights == .float32
            && !(options.format == .gguf && configuration.activation == .gelu)
    }
    /// How many tensors of the model are written.
    public var tensorCount: Int { tensors.count }

    /// Plans an export.
    ///
    /// - Throws: `Failure` when the source is no complete model of its configuration, or the format or
    ///   its runtime cannot express it.
    public init(_ source: Checkpoint, _ options: ExportOptions) throws(Failure) {
        try self.init(source, options, longestMessage: ONNXFile.longestMessage)
    }

    /// - Parameter longestMessage: the most bytes of an ONNX file with weights inside.
    package init(
        _ source: Checkpoint,
        _ options: ExportOptions,
        longestMessage: Int
    ) throws(Failure) {
        try Self.check(options)
        guard source.configuration != nil else {
            throw source.configurationProblem
                ?? Failure(.missingInput, source.url.relativePath, "there is no configuration")
        }
        var conversionOptions = ConversionOptions(format: .safetensors)
        conversionOptions.head = options.leavesHeadOut ? .none : .keep
        conversionOptions.isCased = options.isCased
        // Constants that config.json cannot say are in the graph itself.
        conversionOptions.allowsApproximation = true
        let conversion = try ConversionPlan(source, conversionOptions)
        guard let configuration = conversion.configuration else {
            preconditionFailure("the source has a configuration")
        }
        self.source = source
        self.options = options
        self.configuration = configuration
        self.conversion = conversion
        var notes = conversion.notes
        let written: [PlannedTensor]
        switch options.format {
        case .onnx:
            try Self.checkHead(configuration, source, "ONNX")
            var builder = GraphBuilder(
                configuration,
                keys: Dictionary(
                    uniqueKeysWithValues: conversion.rows.map { ($0.canonicalName, $0.to) }
                ),
                weights: Self.onnx(options.weights)
            )
            builder.model()
            let file = ONNXFile(
                builder.graph,
                version: options.version,
                longest: longestMessage
            )
            let isRounded = [.int8Dynamic, .int8QDQ].contains(options.weights)
            let main = (
                name: isRounded ? "model_quantized.onnx" : "model.onnx", layout: file.layout
            )
            let external = (name: ONNXFile.externalName, layout: file.external)
            files = file.external.places.isEmpty ? [main] : [main, external]
            outputs = builder.graph.outputs.map { value in
                Output(
                    name: value.name,
                    dimensions: value.dimensions.map { dimension in
                        switch dimension {
                        case .fixed(let size): .fixed(size)
                        case .named("batch_size"): .sequences
                        case .named: .length
                        }
                    }
                )
            }
            written = builder.tensors
        case .gguf:
            try GGUFCheck.refuse(configuration, conversion)
            notes += GGUFCheck.notes(configuration)
            let model = GGUFModel(
                conversion,
                configuration,
                options.weights.gguf,
                name: source.url.standardizedFileURL.lastPathComponent
            )
            files = [(name: "", layout: model.header.layout)]
            let hasHead = configuration.head == .sequenceClassification
            outputs = [
                hasHead
                    ? Output(
                        name: "cls.output",
                        dimensions: [.sequences, .fixed(configuration.labels.count)]
                    )
                    : Output(
                        name: "embeddings",
                        dimensions: [.tokens, .fixed(configuration.hiddenSize)]
                    )
            ]
            written = model.tensors
        case .coreML:
            try Self.checkHead(configuration, source, "a program of Core ML's")
            let lengths = try Self.lengths(options, configuration)
            var builder = MILBuilder(
                configuration,
                lengths: lengths,
                isHalf: options.weights == .float16
            )
            builder.model()
            let file = CoreMLFile(
                builder.program,
                lengths: lengths,
                labels: configuration.head.hasLabels ? configuration.labels : [],
                version: options.version
            )
            var layout = FileLayout()
            layout.append(file.bytes)
            files = [
                (name: CoreMLPackage.modelName, layout: layout),
                (name: CoreMLPackage.weightsName, layout: builder.weights.layout),
            ]
            outputs = builder.program.outputs.map { value in
                let inner = value.type.dimensions.dropFirst().map { size in
                    size.map { Output.Dimension.fixed($0) } ?? .length
                }
                return Output(name: value.name, dimensions: [.one] + inner)
            }
            notes.append(
                "Core ML is experimental: the package's structure is checked, and no Core ML has run it"
            )
            written = builder.tensors
        }
        tensors = written
        self.notes = notes
        let used = Set(written.map(\.parameter))
        ignored =
            conversion.ignored
            + conversion.rows.filter { !used.contains($0.canonicalName) }
            .map { ($0.from ?? $0.canonicalName, "no output of the exported model reads it") }
    }

    private static func checkHead(
        _ configuration: BertConfiguration,
        _ source: Checkpoint,
        _ format: String
    ) throws(Failure) {
        guard GraphBuilder.heads.contains(configuration.head) else {
            throw Failure(
                .usage,
                source.url.relativePath,
                "a model with \(configuration.head.phrase) is not written as \(format)",
                remedy: "Leave the head out with --head none"
            )
        }
    }

    /// The lengths of a program, ascending.
    private static func lengths(
        _ options: ExportOptions,
        _ configuration: BertConfiguration
    ) throws(Failure) -> [Int] {
        let longest = configuration.longestSequence
        guard !options.lengths.isEmpty else { return [min(128, longest)] }
        if let length = options.lengths.first(where: { $0 < 1 || $0 > longest }) {
            throw Failure(
                .usage,
                "--lengths",
                "\(length) is no length of a sequence: the model reads 1 to \(longest) pieces"
            )
        }
        return Set(options.lengths).sorted()
    }

    /// - Precondition: ONNX has these weights.
    private static func onnx(_ weights: ExportOptions.Weights) -> ONNXWeights {
        switch weights {
        case .float32: return .float32
        case .float16: return .float16
        case .int8Dynamic: return .int8Dynamic
        case .int8QDQ: return .int8QDQ
        case .q8: preconditionFailure("ONNX has no Q8_0")
        }
    }

    /// Refuses weights that the format does not have.
    private static func check(_ options: ExportOptions) throws(Failure) {
        if options.format != .coreML, !options.lengths.isEmpty {
            throw Failure(
                .usage,
                "--lengths",
                "lengths are settled for --to coreml alone: other formats take any"
            )
        }
        switch (options.format, options.weights) {
        case (.coreML, .q8), (.coreML, .int8Dynamic), (.coreML, .int8QDQ):
            throw Failure(
                .usage,
                options.weights == .q8 ? "--dtype" : "--int8",
                "a program of Core ML's is written with weights in f32 or f16",
                remedy: "Take --dtype f16"
            )
        case (.onnx, .q8):
            throw Failure(
                .usage,
                "--dtype",
                "q8_0 is a type of GGUF, and ONNX has none like it",
                remedy: "Take --int8 dynamic"
            )
        case (.gguf, .int8Dynamic), (.gguf, .int8QDQ):
            throw Failure(
                .usage,
                "--int8",
                "GGUF does not say how inputs are rounded",
                remedy: "Take --dtype q8_0"
            )
        default: return
        }
    }
}

extension ExportOptions.Weights {
    /// - Precondition: GGUF has them.
    fileprivate var gguf: GGUFWeights {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .q8: .q8
        case .int8Dynamic, .int8QDQ: preconditionFailure("GGUF rounds no inputs")
        }
    }
}
