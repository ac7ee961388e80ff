import Checkpoints
import Diagnostics
import Tensors

/// What the tensors of a store are, by their names.
struct NameResolution {
    let naming: Naming?
    private(set) var tensors: [Checkpoint.StoredTensor] = []
    private(set) var copies: [Checkpoint.StoredTensor] = []
    private(set) var ignored: [(name: String, rule: String)] = []
    private(set) var unknown: [TensorEntry] = []
    private(set) var notes: [String] = []

    /// Whether these are weights of keras-bert, not of bert4keras, which has the same scheme.
    var isKerasBert: Bool {
        naming == .kerasBert && tensors.contains { $0.entry.name.contains("Encoder-1-") }
    }

    /// Throws when two stored tensors claim to be the same parameter, or one is stored in a shape
    /// that its layout does not have.
    init(_ store: any TensorStore) throws(Failure) {
        guard let (naming, meanings) = Naming.recognise(store.entries) else {
            naming = nil
            unknown = store.entries
            return
        }
        self.naming = naming
        var storedByCanonical: [String: String] = [:]
        for (entry, meaning) in zip(store.entries, meanings) {
            switch meaning {
            case .ignored(let rule): ignored.append((entry.name, rule))
            case .unknown: unknown.append(entry)
            case .parameter(let name, let transform):
                if let other = storedByCanonical.updateValue(entry.name, forKey: name) {
                    // A classifier with a dense layer of its own does not use the encoder's pooler,
                    // which some files keep nevertheless.
                    if name.hasPrefix("pooler."),
                        other.hasSuffix(name) != entry.name.hasSuffix(name)
                    {
                        let rule = "the encoder's pooler, which this head does not use"
                        if entry.name.hasSuffix(name) {
                            storedByCanonical[name] = other
                            ignored.append((entry.name, rule))
                            continue
                        }
                        tensors.removeAll { $0.name == name }
                        ignored.append((other, rule))
                        tensors.append(try Self.stored(name, entry, transform, store))
                        continue
                    }
                    throw Failure(
                        .badData,
                        store.source,
                        "both \"\(printable(other))\" and \"\(printable(entry.name))\" claim to be "
                            + printable(name)
                    )
                }
                tensors.append(try Self.stored(name, entry, transform, store))
            case .copy(let name, let transform):
                copies.append(try Self.stored(name, entry, transform, store))
            }
        }
        promoteCopies()
    }

    private static func stored(
        _ name: String,
        _ entry: TensorEntry,
        _ transform: KeyMap.Transform,
        _ store: any TensorStore
    ) throws(Failure) -> Checkpoint.StoredTensor {
        guard let shape = transform.canonical(entry.shape) else {
            throw Failure(
                .badData,
                store.source,
                "\"\(printable(entry.name))\" is \(entry.shape), a shape that \(printable(name)) "
                    + "is not stored in"
            )
        }
        return Checkpoint.StoredTensor(
            name: name,
            shape: shape,
            entry: entry,
            transform: transform
        )
    }

    /// A copy without an original is the parameter itself: some files keep a decoder's bias only
    /// under the decoder's name.
    private mutating func promoteCopies() {
        var known = Set(tensors.map(\.name))
        copies.removeAll { copy in
            guard known.insert(copy.name).inserted else { return false }
            tensors.append(copy)
            return true
        }
    }

    /// Takes a matrix and a bias that are left over for the classifier, when there is exactly one
    /// such pair that fits: in Keras a head has the name its maker gave it.
    mutating func nameHead(hiddenSize: Int?) {
        let hidden =
            hiddenSize
            ?? tensors.first { $0.name == "embeddings.LayerNorm.bias" }?.shape.dimensions.first
        guard naming != .pyTorch, naming != .google, let hidden,
            !tensors.contains(where: { Self.heads.contains($0.name) })
        else { return }
        func parent(_ name: String, of variable: String) -> String? {
            for ending in ["/\(variable):0", "/\(variable)"] where name.hasSuffix(ending) {
                return String(name.dropLast(ending.count))
            }
            return nil
        }
        let pairs = unknown.compactMap { entry -> (kernel: TensorEntry, bias: TensorEntry)? in
            guard let path = parent(entry.name, of: "kernel"), entry.shape.rank == 2,
                entry.shape[0] == hidden,
                let bias = unknown.first(where: {
                    parent($0.name, of: "bias") == path && $0.shape == [entry.shape[1]]
                })
            else { return nil }
            return (entry, bias)
        }
        guard pairs.count == 1, let (kernel, bias) = pairs.first else { return }
        unknown.removeAll { $0.name == kernel.name || $0.name == bias.name }
        tensors.append(
            Checkpoint.StoredTensor(
                name: "classifier.weight",
                shape: [kernel.shape[1], kernel.shape[0]],
                entry: kernel,
                transform: .transpose
            )
        )
        tensors.append(
            Checkpoint.StoredTensor(
                name: "classifier.bias",
                shape: bias.shape,
                entry: bias,
                transform: .identity
            )
        )
        notes.append("the head is stored as \(printable(kernel.name))")
    }

    private static let heads: Set<String> = [
        "classifier.weight", "classifier.bias", "qa_outputs.weight", "cls.predictions.bias",
        "cls.seq_relationship.weight", "discriminator_predictions.dense.weight",
    ]

    /// The head that the tensors make.
    ///
    /// - Parameter named: the configuration's, which tells heads apart that have the same names,
    ///   and chooses where a file has several.
    func head(named: Head?) -> Head { Self.head(Set(tensors.map(\.name)), named: named) }

    /// The head that parameters of these names make.
    static func head(_ found: Set<String>, named: Head?) -> Head {
        var heads: [Head] = []
        if found.contains("classifier.weight") {
            let alike: [Head] = [.sequenceClassification, .tokenClassification, .multipleChoice]
            heads.append(named.flatMap { alike.contains($0) ? $0 : nil } ?? .sequenceClassification)
        }
        if found.contains("qa_outputs.weight") { heads.append(.questionAnswering) }
        if found.contains("discriminator_predictions.dense.weight") {
            heads.append(.replacedTokenDetection)
        }
        let predictsPieces = found.contains("cls.predictions.bias")
        let followsSentences = found.contains("cls.seq_relationship.weight")
        switch (predictsPieces, followsSentences) {
        case (true, true): heads.append(.preTraining)
        case (true, false): heads.append(.maskedLanguageModel)
        case (false, true): heads.append(.nextSentence)
        case (false, false): break
        }
        if let named, heads.contains(named) { return named }
        return heads.first ?? .none
    }
}
