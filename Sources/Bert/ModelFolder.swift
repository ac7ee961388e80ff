public import Checkpoints
public import Diagnostics
public import Foundation
public import Tensors

/// A model as Hugging Face keeps it: one folder with `config.json`, the weights in
/// `tf_model.h5`, the vocabulary and the tokenizer's files.
public struct ModelFolder: Sendable {
    /// What was found in the weights, and what becomes of every tensor.
    public struct Report: Sendable {
        /// Which layout was recognised.
        public let layout: String
        /// Which stored tensor is which parameter, in the order of the file.
        public let used: [KeyMap.Row]
        /// What is in the file and not read, with the rule that says so.
        public let ignored: [(name: String, rule: String)]
        /// Parameters of the pooler and the head that the file does not hold and that training
        /// has to create. Empty when the head was required.
        public let absent: [String]
        /// Assumptions and remarks, as sentences.
        public let notes: [String]
    }

    public let url: URL
    public let configuration: BertConfiguration
    /// `vocab.txt`: one token per line.
    public let vocabularyURL: URL
    /// `tokenizer_config.json`, where there is one.
    public let tokenizerConfigurationURL: URL?
    /// `special_tokens_map.json`, where there is one.
    public let specialTokensMapURL: URL?
    /// `tokenizer.json`, where there is one.
    public let tokenizerURL: URL?
    /// The bytes of the weights on the disk.
    public let weightsByteCount: Int
    public let report: Report

    private let store: any TensorStore
    private let resolution: HuggingFaceTensorFlow.Resolution

    /// Opens a folder: reads the configuration, and the structure of the weights but no value.
    ///
    /// - Parameter requireHead: whether a file without the pooler or the sequence classifier is a
    ///   `Failure`. When it is not required, `report.absent` lists what has to be created; nothing
    ///   else may be missing.
    public static func open(_ url: URL, requireHead: Bool) throws(Failure) -> ModelFolder {
        try ModelFolder(url, requireHead: requireHead)
    }

    private init(_ url: URL, requireHead: Bool) throws(Failure) {
        try Self.checkIsFolder(url)
        let file = try Self.configuration(url)
        var configuration = file.configuration
        configuration.head = .sequenceClassification
        let vocabulary = url.appending(path: "vocab.txt")
        guard Self.exists(vocabulary) else {
            throw Failure(.missingInput, url.relativePath, "the folder has no vocab.txt")
        }
        let weights = try Self.weights(in: url)
        let resolution = try HuggingFaceTensorFlow.resolve(
            weights.store,
            hiddenSize: configuration.hiddenSize,
            classifierRule: Self.classifierRule(file.architectures)
        )
        let optional = BertParameters<Shape>(configuration).leaves.map(\.name)
            .filter { $0.hasPrefix("pooler.") || $0.hasPrefix("classifier.") }
        let absent = optional.filter { !resolution.has($0) }
        if requireHead, absent.contains(where: { $0.hasPrefix("classifier.") }) {
            throw Self.headless(weights.store, resolution)
        }
        self.url = url
        self.configuration = configuration
        vocabularyURL = vocabulary
        func optionalURL(_ name: String) -> URL? {
            let url = url.appending(path: name)
            return Self.exists(url) ? url : nil
        }
        tokenizerConfigurationURL = optionalURL("tokenizer_config.json")
        specialTokensMapURL = optionalURL("special_tokens_map.json")
        tokenizerURL = optionalURL("tokenizer.json")
        weightsByteCount = weights.byteCount
        store = weights.store
        self.resolution = resolution
        report = Report(
            layout: HuggingFaceTensorFlow.layout(of: weights.store),
            used: resolution.rows,
            ignored: resolution.ignored + weights.weightlessLayers.map { ($0, "holds no tensor") },
            absent: requireHead ? [] : absent,
            notes: file.assumptions + weights.notes + resolution.notes
        )
    }

    /// Reads every parameter: canonical names and orientation, 32-bit floats.
    ///
    /// Tensors that are missing, unexpected, mis-shaped or not finite are one `Failure` that lists
    /// them all. The pooler and the classifier are `nil` exactly where `report.absent` says so.
    public func loadParameters() throws(Failure) -> BertParameters<Tensor> {
        var shapes = BertParameters<Shape>(configuration)
        // Half a head is a damaged file, not a missing head.
        if isAbsent("pooler.dense") { shapes.pooler = nil }
        if isAbsent("classifier") { shapes.classifier = nil }
        let specification = shapes.leaves
        // What the file lacks is looked for under the name it would have.
        let written = HuggingFaceTensorFlow.keyMap(configuration)
        let found = Set(resolution.rows.map(\.canonical))
        let wanted = Set(specification.map(\.name))
        let map = KeyMap(
            rows: resolution.rows.filter { wanted.contains($0.canonical) }
                + written.rows.filter { !found.contains($0.canonical) }
        )
        let tensors = try map.collect(
            specification,
            from: store,
            ignoring: Set(resolution.ignored.map(\.name))
        )
        return shapes.map { name, _ in
            guard let tensor = tensors[name] else { preconditionFailure("\(name) was collected") }
            return tensor
        }
    }

    private func isAbsent(_ prefix: String) -> Bool {
        report.absent.contains("\(prefix).weight") && report.absent.contains("\(prefix).bias")
    }
}
