public import Checkpoints
public import Diagnostics
public import Foundation
import Tensors

/// What a checkpoint is, for `bertkit inspect`: nothing is computed and no value is read.
public struct CheckpointSummary: Sendable, Encodable {
    public struct TensorRow: Sendable, Encodable {
        /// The name in the file.
        public let name: String
        /// The parameter it is; `nil` for one that is no parameter of a BERT classifier.
        public let canonicalName: String?
        /// Why it is not read, when a rule says so.
        public let ignoredBecause: String?
        public let shape: [Int]
        public let elementType: String
        public let bytes: Int
    }

    /// Numbers of elements in the stored tensors that are parameters of a BERT classifier.
    public struct ParameterCounts: Sendable, Encodable {
        /// Every parameter, the head included.
        public let total: Int
        /// Without `classifier`: what the literature gives as the size of an encoder.
        public let withoutHead: Int
        /// Without `embeddings` (the three tables and their layer normalisation) and without
        /// `classifier`.
        public let withoutHeadAndEmbeddings: Int
        /// `embeddings` alone.
        public let embeddings: Int
        /// `pooler` alone.
        public let pooler: Int
        /// `classifier` alone.
        public let head: Int
        /// Elements of stored tensors that are no parameter of a BERT classifier.
        public let notCounted: Int
    }

    public let path: String
    public let layout: String
    /// `config.json` as BertKit understands it; `nil` without a usable one.
    public let configuration: JSONValue?
    /// Why there is no usable configuration.
    public let configurationProblem: String?
    /// Keys of `config.json` that BertKit does not know.
    public let unknownConfigurationKeys: [String]
    /// `sequence classification`, `none`, or the heads that were passed over.
    public let head: String
    public let labels: [String]
    public let tensors: [TensorRow]
    public let parameters: ParameterCounts
    /// The bytes of all stored tensors, uncompressed.
    public let tensorBytes: Int
    public let fileBytes: Int
    public let notes: [String]

    /// Inspects a model's folder or an HDF5 file. A file takes the `config.json` beside it.
    public init(inspecting url: URL) throws(Failure) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw Failure(.missingInput, url.relativePath, "there is no such file or folder")
        }
        let weights: ModelFolder.Weights
        let folder: URL
        if isFolder.boolValue {
            folder = url
            weights = try ModelFolder.weights(in: url)
        } else if url.lastPathComponent.hasSuffix(".index.json") {
            folder = url.deletingLastPathComponent()
            weights = try ModelFolder.Weights(index: url)
        } else {
            folder = url.deletingLastPathComponent()
            weights = try ModelFolder.Weights(hdf5: url)
        }
        var file: BertConfigurationFile?
        var problem: String?
        do throws(Failure) {
            file = try ModelFolder.configuration(folder)
        } catch {
            problem = error.description
        }
        try self.init(path: url.relativePath, weights: weights, file: file, problem: problem)
    }

    private init(
        path: String,
        weights: ModelFolder.Weights,
        file: BertConfigurationFile?,
        problem: String?
    ) throws(Failure) {
        let resolution = try HuggingFaceTensorFlow.resolve(
            weights.store,
            hiddenSize: file?.configuration.hiddenSize,
            classifierRule: ModelFolder.classifierRule(file?.architectures ?? [])
        )
        let canonical = Dictionary(
            uniqueKeysWithValues: resolution.rows.map { ($0.stored, $0.canonical) }
        )
        let rules = Dictionary(resolution.ignored.map { ($0.name, $0.rule) }) { first, _ in first }
        self.path = path
        layout = HuggingFaceTensorFlow.layout(of: weights.store)
        configuration = file.map(Self.shown)
        configurationProblem = problem
        unknownConfigurationKeys = file?.configuration.raw.keys.sorted() ?? []
        tensors = weights.store.entries.map { entry in
            TensorRow(
                name: entry.name,
                canonicalName: canonical[entry.name],
                ignoredBecause: rules[entry.name],
                shape: entry.shape.dimensions,
                elementType: entry.elementType.rawValue,
                bytes: entry.byteCount
            )
        }
        let others = Set(rules.values.filter { $0.hasSuffix("head") }).sorted()
        let hasHead = resolution.has("classifier.weight")
        head = ((hasHead ? ["sequence classification"] : []) + others).joined(separator: ", ")
        labels = hasHead ? file?.configuration.labels ?? [] : []
        parameters = ParameterCounts(tensors)
        tensorBytes = tensors.reduce(0) { $0 + $1.bytes }
        fileBytes = weights.byteCount
        notes =
            (file?.assumptions ?? []) + weights.notes + resolution.notes
            + weights.weightlessLayers.map { "the layer \(printable($0)) holds no tensor" }
    }
}

extension CheckpointSummary {
    /// What the configuration says about the model; what it says about the writing library is
    /// left out.
    private static func shown(_ file: BertConfigurationFile) -> JSONValue {
        guard case .object(var members) = file.configuration.json else { return .null }
        for key in [
            "add_cross_attention", "bos_token_id", "dtype", "eos_token_id", "is_decoder",
            "tie_word_embeddings", "torch_dtype", "transformers_version", "use_cache",
        ] { members[key] = nil }
        members["architectures"] = .array(file.architectures.map(JSONValue.string))
        members["hidden_act"] = .string(file.configuration.activation.name)
        return .object(members)
    }
}

extension CheckpointSummary.ParameterCounts {
    init(_ tensors: [CheckpointSummary.TensorRow]) {
        func count(_ prefix: String) -> Int {
            tensors.filter { $0.canonicalName?.hasPrefix(prefix) ?? false }
                .reduce(0) { $0 + $1.shape.reduce(1, *) }
        }
        total = count("")
        notCounted = tensors.filter { $0.canonicalName == nil }
            .reduce(0) { $0 + $1.shape.reduce(1, *) }
        head = count("classifier.")
        embeddings = count("embeddings.")
        pooler = count("pooler.")
        withoutHead = total - head
        withoutHeadAndEmbeddings = total - head - embeddings
    }
}
