public import Checkpoints
public import Diagnostics
public import Foundation
import Tensors

/// What a checkpoint is, for `bertkit inspect`.
public struct CheckpointSummary: Sendable, Encodable {
    public struct TensorRow: Sendable, Encodable {
        /// The name in the file.
        public let name: String
        /// The parameter it is; `nil` for one that is no parameter that is known.
        public let canonicalName: String?
        /// Why it is not read, when a rule says so.
        public let ignoredBecause: String?
        public let shape: [Int]
        public let elementType: String
        /// How the bytes are kept, where not plainly in one piece.
        public let storage: String?
        public let bytes: Int
        /// What is odd about the values, as phrases.
        public let oddities: [String]
    }

    /// Numbers of elements in the stored tensors that are parameters.
    public struct ParameterCounts: Sendable, Encodable {
        /// Every parameter, the head included.
        public let total: Int
        /// Without the head: what the literature gives as the size of an encoder.
        public let withoutHead: Int
        /// Without the head and without `embeddings` (the tables and their layer normalisation).
        public let withoutHeadAndEmbeddings: Int
        /// `embeddings` alone.
        public let embeddings: Int
        /// `pooler` alone.
        public let pooler: Int
        /// The head alone.
        public let head: Int
        /// Elements of stored tensors that are no parameter.
        public let notCounted: Int
    }

    public let path: String
    public let layout: String
    /// The configuration as BertKit understands it; `nil` without a usable one.
    public let configuration: JSONValue?
    /// Why there is no usable configuration.
    public let configurationProblem: String?
    /// Keys of the configuration that BertKit does not know.
    public let unknownConfigurationKeys: [String]
    /// `sequence-classification head`, …; `no head`.
    public let head: String
    public let labels: [String]
    public let tensors: [TensorRow]
    public let parameters: ParameterCounts
    /// The bytes of all stored tensors, uncompressed.
    public let tensorBytes: Int
    public let fileBytes: Int
    public let notes: [String]

    /// Inspects a folder or a file of any layout.
    ///
    /// - Parameter values: whether every value is looked at, for what is odd.
    public init(inspecting url: URL, values: Bool = true) throws(Failure) {
        try self.init(Checkpoint.open(url), values: values)
    }

    /// What is known about a model that is no encoder.
    ///
    /// - Parameters:
    ///   - names: for each stored tensor of the model its canonical name.
    ///   - rules: why a stored tensor is no parameter of its own.
    ///   - isHead: whether a canonical name is of what is behind the encoder.
    ///   - isEmbedding: whether it is of the embeddings.
    package init(
        path: String,
        layout: String,
        store: any TensorStore,
        configuration: JSONValue,
        head: String,
        labels: [String],
        names: [String: String],
        rules: [String: String],
        isHead: (String) -> Bool,
        isEmbedding: (String) -> Bool,
        notes: [String]
    ) throws(Failure) {
        let scan = try TensorScan.run(store)
        self.path = path
        self.layout = layout
        self.configuration = configuration
        configurationProblem = nil
        unknownConfigurationKeys = []
        tensors = store.entries.map { entry in
            TensorRow(
                name: entry.name,
                canonicalName: names[entry.name],
                ignoredBecause: rules[entry.name],
                shape: entry.shape.dimensions,
                elementType: entry.storedElementType.rawValue,
                storage: entry.storage.isEmpty ? nil : entry.storage,
                bytes: entry.storedByteCount,
                oddities: scan[entry.name].map {
                    Oddities.phrases(of: $0, count: entry.shape.count)
                }
                    ?? []
            )
        }
        self.head = head
        self.labels = labels
        parameters = ParameterCounts(tensors, isHead: isHead, isEmbedding: isEmbedding)
        tensorBytes = tensors.reduce(0) { $0 + $1.bytes }
        fileBytes = store.fileByteCount
        self.notes = notes
    }

    public init(_ checkpoint: Checkpoint, values: Bool = true) throws(Failure) {
        let store = checkpoint.store
        if values { try checkpoint.checkValues() }
        let scan = values ? try TensorScan.run(store) : [:]
        let oddities = Oddities(checkpoint, scan)
        let canonical = Dictionary(
            uniqueKeysWithValues: checkpoint.tensors.map { ($0.entry.name, $0.name) }
        )
        var rules = Dictionary(checkpoint.ignored.map { ($0.name, $0.rule) }) { first, _ in first }
        for copy in checkpoint.copies { rules[copy.entry.name] = "a copy of \(copy.name)" }
        path = checkpoint.url.relativePath
        layout = checkpoint.layout
        configuration = checkpoint.configuration.map {
            Self.shown($0, architectures: checkpoint.architectures)
        }
        configurationProblem = checkpoint.configurationProblem?.description
        unknownConfigurationKeys = checkpoint.configuration?.raw.keys.sorted() ?? []
        tensors = store.entries.map { entry in
            TensorRow(
                name: entry.name,
                canonicalName: canonical[entry.name],
                ignoredBecause: rules[entry.name],
                shape: entry.shape.dimensions,
                elementType: entry.storedElementType.rawValue,
                storage: entry.storage.isEmpty ? nil : entry.storage,
                bytes: entry.storedByteCount,
                oddities: oddities.phrases[entry.name] ?? []
            )
        }
        head = checkpoint.head.phrase
        labels = checkpoint.head.hasLabels ? checkpoint.configuration?.labels ?? [] : []
        parameters = ParameterCounts(tensors)
        tensorBytes = tensors.reduce(0) { $0 + $1.bytes }
        fileBytes = store.fileByteCount
        let empty = store.weightlessLayers
            // Where the format has a place for weights outside of all layers, most models have none.
            .filter { $0 != "top_level_model_weights" }.map(printable)
        notes =
            checkpoint.notes
            + (empty.isEmpty ? [] : ["layers without tensors: \(listing(empty))"])
            + oddities.notes + Self.misfits(checkpoint)
    }

    /// Where the tensors are not those of a model of this configuration.
    private static func misfits(_ checkpoint: Checkpoint) -> [String] {
        guard let configuration = checkpoint.configuration else { return [] }
        var shapes = BertParameters<Shape>(configuration)
        // Encoders are kept with a pooler or without.
        if checkpoint["pooler.dense.weight"] == nil, checkpoint.head == .none {
            shapes.pooler = nil
        }
        var (missing, misshaped): ([String], [String]) = ([], [])
        for (name, shape) in shapes.leaves {
            guard let found = checkpoint[name] else {
                missing.append(name)
                continue
            }
            guard found.shape != shape else { continue }
            misshaped.append("\(name) is \(found.shape), must be \(shape)")
        }
        var notes: [String] = []
        if !missing.isEmpty {
            notes.append("the configuration asks for tensors that are missing: \(listing(missing))")
        }
        if !misshaped.isEmpty {
            notes.append("the configuration contradicts the tensors: \(listing(misshaped))")
        }
        return notes
    }

    /// What the configuration says about the model; what it says about the writing library is
    /// left out.
    private static func shown(
        _ configuration: BertConfiguration,
        architectures: [String]
    ) -> JSONValue {
        guard case .object(var members) = configuration.json else { return .null }
        for key in [
            "add_cross_attention", "bos_token_id", "dtype", "eos_token_id", "is_decoder",
            "tie_word_embeddings", "torch_dtype", "transformers_version", "use_cache",
        ] { members[key] = nil }
        members["architectures"] = .array(architectures.map(JSONValue.string))
        let key = members["activation"] == nil ? "hidden_act" : "activation"
        members[key] = .string(configuration.activation.name)
        return .object(members)
    }
}

extension CheckpointSummary.ParameterCounts {
    fileprivate init(
        _ tensors: [CheckpointSummary.TensorRow],
        isHead: (String) -> Bool,
        isEmbedding: (String) -> Bool
    ) {
        func count(_ isCounted: (String) -> Bool) -> Int {
            tensors.filter { $0.canonicalName.map(isCounted) ?? false }
                .reduce(0) { $0 + $1.shape.reduce(1, *) }
        }
        total = count { _ in true }
        notCounted = tensors.filter { $0.canonicalName == nil }
            .reduce(0) { $0 + $1.shape.reduce(1, *) }
        embeddings = count(isEmbedding)
        pooler = 0
        head = count(isHead)
        withoutHead = total - head
        withoutHeadAndEmbeddings = withoutHead - embeddings
    }

    init(_ tensors: [CheckpointSummary.TensorRow]) {
        func count(_ isCounted: (String) -> Bool) -> Int {
            tensors.filter { $0.canonicalName.map(isCounted) ?? false }
                .reduce(0) { $0 + $1.shape.reduce(1, *) }
        }
        total = count { _ in true }
        notCounted = tensors.filter { $0.canonicalName == nil }
            .reduce(0) { $0 + $1.shape.reduce(1, *) }
        embeddings = count { $0.hasPrefix("embeddings.") }
        pooler = count { $0.hasPrefix("pooler.") }
        withoutHead =
            count {
                $0.hasPrefix("embeddings.") || $0.hasPrefix("embeddings_project.")
                    || $0.hasPrefix("encoder.") || $0.hasPrefix("pooler.")
            }
        head = total - withoutHead
        withoutHeadAndEmbeddings = withoutHead - embeddings
    }
}

/// What is odd about a checkpoint's values.
private struct Oddities {
    var phrases: [String: [String]] = [:]
    var notes: [String] = []

    /// What is odd about a tensor's values alone.
    static func phrases(of values: ValueSummary, count: Int) -> [String] {
        var found: [String] = []
        if values.nanCount > 0 { found.append("\(values.nanCount) NaN") }
        if values.infinityCount > 0 { found.append("\(values.infinityCount) infinite") }
        if values.isConstant, count > 1 {
            found.append(values.minimum == 0 ? "all zero" : "all \(values.minimum)")
        }
        return found
    }

    init(_ checkpoint: Checkpoint, _ scan: [String: ValueSummary]) {
        var first: [UInt64: TensorEntry] = [:]
        let copies = Set(checkpoint.copies.map(\.entry.name))
        let parameters = Set(checkpoint.tensors.map(\.entry.name))
        for entry in checkpoint.store.entries {
            if parameters.contains(entry.name), !entry.elementType.isFloat {
                phrases[entry.name] = ["not floats"]
            }
            if entry.shape.count == 0 { phrases[entry.name] = ["empty"] }
            guard let values = scan[entry.name], entry.shape.count > 0 else { continue }
            var found = Self.phrases(of: values, count: entry.shape.count)
            if !values.isConstant, entry.shape.count > 1, !copies.contains(entry.name) {
                if let other = first[values.digest], other.shape == entry.shape,
                    other.elementType == entry.elementType
                {
                    found.append("same values as \(other.name)")
                } else {
                    first[values.digest] = entry
                }
            }
            if !found.isEmpty { phrases[entry.name] = found }
        }
        let broken = scan.filter { !$0.value.isFinite }.count
        if broken > 0 {
            notes.append(
                broken == 1
                    ? "1 tensor holds values that are not finite"
                    : "\(broken) tensors hold values that are not finite"
            )
        }
        let unknown = checkpoint.unknown.count
        if unknown > 0 {
            notes.append(
                unknown == 1
                    ? "1 tensor is of no use to any model that is known"
                    : "\(unknown) tensors are of no use to any model that is known"
            )
        }
    }
}
