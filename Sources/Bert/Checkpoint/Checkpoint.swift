public import Checkpoints
public import Diagnostics
public import Foundation
public import Tensors

/// A model's weights in any layout, with what is known about the model: the one door to every
/// checkpoint.
///
/// Opening reads names, shapes and the configuration, and no value.
///
/// ```swift
/// let checkpoint = try Checkpoint.open(URL(filePath: "bert-base-uncased"))
/// let words = try checkpoint.tensor(named: "embeddings.word_embeddings.weight")
/// ```
public struct Checkpoint: Sendable {
    /// A parameter of the model, and how the file stores it.
    public struct StoredTensor: Sendable, Hashable {
        /// The canonical name: PyTorch's key for BERT without the model prefix.
        public let name: String
        /// The canonical shape; linear weights are `[output, input]`.
        public let shape: Shape
        public let entry: TensorEntry
        public let transform: KeyMap.Transform
    }

    /// The folder or file, as the user gave it.
    public let url: URL
    /// The container of the tensors.
    public let store: any TensorStore
    /// Whose names the tensors have; `nil` when nobody's that is known.
    public let naming: Naming?
    /// Every parameter, in the order of the file.
    public let tensors: [StoredTensor]
    /// Second copies of tied parameters; `checkTies` compares them.
    public let copies: [StoredTensor]
    /// What is no part of the model, with the rule that says so.
    public let ignored: [(name: String, rule: String)]
    /// What no rule knows.
    public let unknown: [TensorEntry]
    /// The configuration; `nil` when there is none that is understood.
    public let configuration: BertConfiguration?
    /// Why there is no configuration.
    public let configurationProblem: Failure?
    /// Whether the configuration that was found is damaged or contradicts the tensors, rather than
    /// being of a model that is not understood.
    public let configurationIsWrong: Bool
    /// The classes that the configuration names.
    public let architectures: [String]
    /// What is on top of the encoder, decided by the tensors, and by the configuration where those
    /// of two heads have the same names.
    public let head: Head
    /// The vocabulary and how texts are folded; `nil` without a vocabulary.
    public let tokenizer: TokenizerSource?
    /// Assumptions and remarks, as sentences.
    public let notes: [String]

    private let byName: [String: Int]
    private let namedHead: Head?

    /// The layout in words: container and names.
    public var layout: String {
        naming.map { "\(store.layout), \($0.phrase)" } ?? store.layout
    }

    /// Opens a folder or a file of any layout.
    ///
    /// - Parameters:
    ///   - configuration: a configuration to be taken in the place of the one beside the weights.
    ///   - vocabulary: likewise.
    /// - Throws: `Failure` when the weights cannot be found, are damaged, or claim a parameter
    ///   twice. A missing or unusable configuration is no failure yet: `configurationProblem` is.
    public static func open(
        _ url: URL,
        configuration: URL? = nil,
        vocabulary: URL? = nil
    ) throws(Failure) -> Checkpoint {
        try checkIsEncoder(url)
        let weights = try WeightsFinder.find(url)
        return try Checkpoint(
            url: url,
            weights: weights,
            configuration: configuration,
            vocabulary: vocabulary
        )
    }

    /// Refuses a folder of a student that is no encoder, whose tensors no naming here knows.
    private static func checkIsEncoder(_ url: URL) throws(Failure) {
        let file = url.appending(path: "config.json")
        guard FileManager.default.fileExists(atPath: file.path), let bytes = try? readFile(file),
            case .object(let members)? = try? JSONValue.parse(bytes, source: file.relativePath),
            members["model_type"] == .string("bilstm")
        else { return }
        throw Failure(
            .badData,
            url.relativePath,
            "it is a BiLSTM student, and a model of BERT's kind is needed here"
        )
    }

    private init(
        url: URL,
        weights: WeightsFinder,
        configuration given: URL?,
        vocabulary: URL?
    ) throws(Failure) {
        let store = weights.store
        var resolution = try NameResolution(store)
        let finder = ConfigurationFinder(
            folder: weights.folder,
            weights: weights,
            resolution: resolution
        )
        var described: DescribedConfiguration?
        var problem: Failure?
        var isWrong = false
        do throws(Failure) {
            let found = try finder.find(given)
            if let reason = Contradiction.find(found.file.configuration, resolution) {
                isWrong = true
                throw Failure(
                    .badData,
                    found.origin,
                    "the configuration contradicts the tensors: \(reason)"
                )
            }
            described = found
        } catch {
            // A configuration that was asked for has to be one.
            if given != nil { throw error }
            problem = error
            isWrong = isWrong || finder.isDamaged
        }
        resolution.nameHead(hiddenSize: described?.file.configuration.hiddenSize)
        let head = resolution.head(named: described?.file.namedHead)
        self.url = url
        self.store = store
        naming = resolution.naming
        tensors = resolution.tensors
        copies = resolution.copies
        ignored =
            resolution.ignored + store.weightlessLayers.map { ($0, "holds no tensor") }
        unknown = resolution.unknown
        self.head = head
        namedHead = described?.file.namedHead
        var configuration = described?.file.configuration
        configuration?.head = head
        self.configuration = configuration
        configurationProblem = problem
        configurationIsWrong = isWrong
        architectures = described?.file.architectures ?? []
        tokenizer = try TokenizerSource.find(weights, given: vocabulary)
        notes =
            weights.notes + store.notes + (described?.notes ?? []) + resolution.notes
            + Self.contradiction(described?.file.namedHead, head, described)
        byName = Dictionary(
            uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) }
        )
    }

    private static func contradiction(
        _ named: Head?,
        _ found: Head,
        _ described: DescribedConfiguration?
    ) -> [String] {
        guard let named, named != found, let described else { return [] }
        return ["\(described.origin) names a \(named.phrase); the weights have \(found.article)"]
    }

    /// What would be on top of the encoder if there were parameters of these canonical names too.
    public func head(adding names: some Sequence<String>) -> Head {
        NameResolution.head(Set(tensors.map(\.name)).union(names), named: namedHead)
    }

    /// The parameters, and what no rule knows under the names of the file, where it holds floats.
    package var everyTensor: [StoredTensor] {
        tensors
            + unknown.filter(\.elementType.isFloat).map {
                StoredTensor(name: $0.name, shape: $0.shape, entry: $0, transform: .identity)
            }
    }

    /// The parameter of a canonical name; `nil` when the file has none.
    public subscript(name: String) -> StoredTensor? {
        byName[name].map { tensors[$0] }
    }

    /// The values of a parameter in canonical orientation, as 32-bit floats.
    ///
    /// - Parameter name: the canonical name.
    /// - Throws: `badData` when there is no such parameter or it cannot be read.
    public func tensor(named name: String) throws(Failure) -> Tensor {
        guard let stored = self[name] else {
            throw Failure(.badData, store.source, "there is no tensor \"\(printable(name))\"")
        }
        return stored.transform.canonical(try store.tensor(stored.entry))
    }
}

extension Head {
    /// With its article, for a sentence: `a masked-language-model head`, `no head`.
    var article: String { self == .none ? phrase : "a \(phrase)" }
}
