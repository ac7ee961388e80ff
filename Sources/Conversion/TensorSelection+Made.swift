import Bert
import Checkpoints
import Diagnostics
import Tensors

/// Tensors that the source does not have as they are: renamed ones and new ones.
extension TensorSelection {
    /// What `--rename` makes parameters of. A kernel, as Keras calls it, is transposed.
    static func renamed(
        _ source: Checkpoint,
        _ options: ConversionOptions
    ) throws(Failure) -> [Selected] {
        func refused(_ stored: String, _ reason: String) -> Failure {
            Failure(
                .usage,
                source.store.source,
                "--rename names \"\(printable(stored))\", \(reason)"
            )
        }
        var selected: [Selected] = []
        for (stored, canonical) in options.renames {
            guard let entry = source.unknown.first(where: { $0.name == stored }) else {
                throw refused(stored, "and there is no unknown tensor of that name")
            }
            guard !selected.contains(where: { $0.entry.name == stored }) else {
                throw refused(stored, "and does so twice")
            }
            let other =
                source[canonical]?.entry.name
                ?? selected.first { $0.name == canonical }?.entry.name
            if let other {
                throw refused(
                    stored,
                    "and \(printable(canonical)) is stored as \"\(printable(other))\" already"
                )
            }
            let isKernel = stored.hasSuffix("/kernel:0") || stored.hasSuffix("/kernel")
            let transform: KeyMap.Transform =
                isKernel && entry.shape.rank == 2 ? .transpose : .identity
            selected.append(Selected(canonical, entry, transform, source.store))
        }
        return selected
    }

    /// As many labels as a renamed classifier has outputs, where the configuration names none.
    static func count(_ configuration: inout BertConfiguration, outputsOf renamed: [Selected]) {
        guard let head = renamed.first(where: { $0.name == "classifier.weight" }),
            let count = head.shape.dimensions.first, count > 0, configuration.head.hasLabels,
            configuration.labels.allSatisfy({ $0.hasPrefix("LABEL_") })
        else { return }
        configuration.labels = (0..<count).map { "LABEL_\($0)" }
        if configuration.head == .sequenceClassification {
            configuration.problemType = count == 1 ? .regression : .classification
        }
    }

    /// Adds a new classifier, and a pooler where there was none, drawn from a seed.
    mutating func make(_ names: [String], seed: UInt64) {
        guard !names.isEmpty else { return }
        add(BertModel.initialParameters(configuration, named: names, seed: seed))
        notes.append("new, drawn from seed \(seed): \(names.joined(separator: ", "))")
    }

    /// KerasHub's encoder always has a pooler; a masked language model does not use it.
    mutating func completeForKerasHub() throws(Failure) {
        guard !tensors.contains(where: { $0.name == "pooler.dense.weight" }) else { return }
        let hidden = configuration.hiddenSize
        add([
            ("pooler.dense.weight", Tensor(repeating: 0, shape: [hidden, hidden])),
            ("pooler.dense.bias", Tensor(repeating: 0, shape: [hidden])),
        ])
        notes.append(
            "KerasHub's encoder has a pooler and this model has none: it is written as zeros"
        )
    }

    private mutating func add(_ made: [(name: String, tensor: Tensor)]) {
        let store = MemoryStore(source: "memory", made)
        tensors += store.entries.map {
            Selected($0.name, $0, .identity, store, isStored: false)
        }
    }
}
