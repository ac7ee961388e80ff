import Checkpoints

/// One way of naming BERT's tensors.
public enum Naming: String, Sendable, Hashable, CaseIterable {
    case pyTorch
    case huggingFaceTensorFlow
    case google
    case kerasObjects
    case kerasHubLayers
    case kerasBert

    /// Whose names these are, for people.
    public var phrase: String {
        switch self {
        case .pyTorch: "PyTorch names (Hugging Face)"
        case .huggingFaceTensorFlow: "TensorFlow names (Hugging Face)"
        case .google: "Google's names (TensorFlow 1)"
        case .kerasObjects: "Keras 3 object paths"
        case .kerasHubLayers: "KerasHub layer names"
        case .kerasBert: "keras-bert or bert4keras layer names"
        }
    }

    /// What every entry's name says, in the order of the entries.
    func meanings(of entries: [TensorEntry]) -> [StoredMeaning] {
        switch self {
        case .pyTorch: return entries.map { PyTorchNaming.meaning(of: $0.name) }
        case .huggingFaceTensorFlow:
            return entries.map { HuggingFaceTensorFlowNaming.meaning(of: $0.name) }
        case .google: return entries.map { GoogleNaming.meaning(of: $0.name) }
        case .kerasObjects:
            let naming = KerasObjectNaming(entries.map(\.name))
            return entries.map(naming.meaning)
        case .kerasHubLayers: return entries.map(KerasHubLayerNaming.meaning)
        case .kerasBert:
            let naming = KerasBertNaming(entries.map(\.name))
            return entries.map { naming.meaning(of: $0.name) }
        }
    }

    /// The naming that knows most of the names, and what they say by it; `nil` when none knows any.
    static func recognise(
        _ entries: [TensorEntry]
    ) -> (naming: Naming, meanings: [StoredMeaning])? {
        var best: (naming: Naming, meanings: [StoredMeaning])?
        var most = 0
        for naming in allCases {
            let meanings = naming.meanings(of: entries)
            let known = meanings.count { meaning in
                if case .parameter = meaning { true } else { false }
            }
            // One that knows all of them need not be compared.
            if known > 0, !meanings.contains(.unknown) { return (naming, meanings) }
            if known > most {
                most = known
                best = (naming, meanings)
            }
        }
        return best
    }
}
