import Bert
public import Checkpoints
public import Diagnostics
public import Foundation
import Tensors
public import Tokenization

/// A folder with a BiLSTM: its configuration, vocabulary and weights.
public struct BiLSTMFolder: Sendable {
    public let url: URL
    public let configuration: BiLSTMConfiguration
    public let naming: BiLSTMNaming
    /// The container of the tensors.
    public let store: any TensorStore
    /// Remarks, as sentences.
    public let notes: [String]

    /// The bytes of the weights on the disk.
    public var weightsByteCount: Int { store.fileByteCount }
    /// Container and names, in words.
    public var layout: String { "\(store.layout), \(naming.phrase)" }

    /// Whether a path is such a folder, as its `config.json` says; a damaged one is none.
    public static func isOne(_ url: URL) -> Bool {
        let file = url.appending(path: "config.json")
        guard FileManager.default.fileExists(atPath: file.path),
            let bytes = try? readFile(file),
            let value = try? JSONValue.parse(bytes, source: file.relativePath)
        else { return false }
        return BiLSTMConfiguration.isOne(value)
    }

    /// Opens a folder: reads the configuration, and the structure of the weights but no value.
    ///
    /// - Throws: `Failure` naming every tensor that is missing, superfluous or of another shape.
    public init(contentsOf url: URL) throws(Failure) {
        let file = url.appending(path: "config.json")
        let value = try JSONValue.parse(try readFile(file), source: file.relativePath)
        configuration = try BiLSTMConfiguration(value, source: file.relativePath)
        self.url = url
        let present = BiLSTMNaming.allCases.filter {
            FileManager.default.fileExists(atPath: url.appending(path: $0.fileName).path)
        }
        guard let naming = present.first else {
            throw Failure(
                .missingInput,
                url.relativePath,
                "the folder has neither \(BiLSTMNaming.keras.fileName) nor "
                    + BiLSTMNaming.pyTorch.fileName
            )
        }
        self.naming = naming
        notes =
            present.count > 1
            ? ["read from \(naming.fileName); not from \(present[1].fileName) beside it"] : []
        store = try TensorContainer.open(url.appending(path: naming.fileName))
        try checkTensors()
    }

    /// The store's entry of each tensor, and what it is.
    func entries() -> [(entry: TensorEntry, row: KeyMap.Row)] {
        let rows = Dictionary(uniqueKeysWithValues: stored.map { ($0.stored, $0) })
        return store.entries.compactMap { entry in rows[entry.name].map { (entry, $0) } }
    }

    /// Every tensor that the file has to hold; second biases under their own name.
    private var stored: [KeyMap.Row] {
        naming.keyMap.rows
            + naming.secondBiases.map {
                KeyMap.Row(canonical: $0.canonical, stored: $0.stored, transform: .identity)
            }
    }

    private func checkTensors() throws(Failure) {
        let shapes = Dictionary(
            uniqueKeysWithValues: BiLSTMLayout.shapes(configuration).map { ($0.name, $0.shape) }
        )
        let found = Dictionary(store.entries.map { ($0.name, $0) }) { first, _ in first }
        var problems: [String] = []
        for row in stored {
            guard let shape = shapes[row.canonical], let wanted = row.transform.stored(shape) else {
                preconditionFailure("no parameter \(row.canonical)")
            }
            guard let entry = found[row.stored] else {
                problems.append("\(row.stored) is missing")
                continue
            }
            if entry.shape != wanted {
                problems.append("\(row.stored) is \(entry.shape), must be \(wanted)")
            } else if !entry.elementType.isFloat {
                problems.append("\(row.stored) holds no floats")
            }
        }
        let known = Set(stored.map(\.stored))
        problems += store.entries.filter { !known.contains($0.name) }
            .map { "\(printable($0.name)) is no tensor of a BiLSTM" }
        guard problems.isEmpty else {
            throw Failure(
                .badData,
                store.source,
                "the tensors are not those of config.json: " + problems.joined(separator: "; ")
            )
        }
    }

    /// Reads all weights.
    ///
    /// - Throws: `Failure` naming every tensor that holds values that are not finite.
    public func loadModel() throws(Failure) -> BiLSTMModel {
        let model = BiLSTMModel(zeros: configuration)
        let second = Set(naming.secondBiases.map(\.stored))
        var bad: [String] = []
        var added: [(name: String, tensor: Tensor)] = []
        for (entry, row) in entries() {
            let tensor = row.transform.canonical(try store.tensor(entry))
            if tensor.firstNonFiniteIndex != nil { bad.append(entry.name) }
            if second.contains(entry.name) {
                added.append((row.canonical, tensor))
            } else {
                model.set(row.canonical, to: tensor)
            }
        }
        // Both biases add to the same gates.
        for (name, tensor) in added {
            var sum = model.tensor(name)
            for index in sum.values.indices { sum.values[index] += tensor.values[index] }
            model.set(name, to: sum)
        }
        guard bad.isEmpty else {
            throw Failure(
                .badData,
                store.source,
                "values that are not finite in \(bad.sorted().joined(separator: ", "))"
            )
        }
        return model
    }

    /// The vocabulary, which has one piece for each row of the embeddings.
    public func loadVocabulary() throws(Failure) -> Vocabulary {
        let file = url.appending(path: "vocab.txt")
        let vocabulary = try Vocabulary(contentsOf: file)
        guard vocabulary.count == configuration.vocabularySize else {
            throw Failure(
                .badData,
                file.relativePath,
                "the vocabulary has \(vocabulary.count) pieces, and config.json says \"vocab_size\" "
                    + "\(configuration.vocabularySize)"
            )
        }
        return vocabulary
    }

    /// How the model's texts are folded.
    public func loadTokenizerConfiguration(
        _ vocabulary: Vocabulary
    ) throws(Failure) -> TokenizerConfiguration {
        try TokenizerConfiguration(folder: url, vocabulary: vocabulary)
    }
}
