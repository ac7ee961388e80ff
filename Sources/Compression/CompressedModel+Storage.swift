import Bert
import Checkpoints
import Conversion
import Tensors

extension CompressedModel {
    /// Tensors as they lie in the file that is written, and what they are called there.
    struct Stored {
        var items: [TensorCopy.Item] = []
        /// Of `tf_model.h5`.
        var layers: [HDF5WeightsFile.Layer] = []
    }

    /// Every tensor under the names and in the orientation of a layout.
    ///
    /// An int8 matrix lies in the orientation of its layout, its scales beside it.
    func stored(as format: ExportFormat) -> Stored {
        let leaves = parameters.leaves
        let names = leaves.map(\.name)
        let rows =
            format == .safetensors
            ? names.map { name in
                let bare = configuration.head == .none
                let key = PyTorchNaming.key(of: name, configuration, bare: bare)
                return KeyMap.Row(canonical: name, stored: key, transform: .identity)
            } : HuggingFaceTensorFlow.keyMap(configuration, names: names).rows
        let tensors = Dictionary(uniqueKeysWithValues: leaves.map { ($0.name, $0.leaf) })
        var stored = Stored()
        for row in rows {
            guard let tensor = tensors[row.canonical] else { continue }
            if let matrix = matrices[row.canonical] {
                stored.items += Self.items(matrix, row)
            } else {
                stored.items.append(item(tensor, row))
            }
        }
        if format == .huggingFaceHDF5 {
            stored.layers = HuggingFaceTensorFlow.layers(configuration, names: names)
                .map { $0.listingScales(among: Set(stored.items.map(\.target.name))) }
        }
        return stored
    }

    private func item(_ tensor: Tensor, _ row: KeyMap.Row) -> TensorCopy.Item {
        let store = MemoryStore(source: "memory", [(row.canonical, tensor)])
        guard let shape = row.transform.stored(tensor.shape) else {
            preconditionFailure("\(tensor.shape) as \(row.transform)")
        }
        return TensorCopy.Item(
            from: store,
            store.entries[0],
            reading: .identity,
            writing: row.transform,
            to: TensorEntry(
                name: row.stored,
                shape: shape,
                elementType: type(of: row.canonical)
            )
        )
    }

    private static func items(_ matrix: Int8Matrix, _ row: KeyMap.Row) -> [TensorCopy.Item] {
        let isTransposed = row.transform == .transpose
        precondition(isTransposed || row.transform == .identity, "int8 as \(row.transform)")
        let shape: Shape = isTransposed ? [matrix.shape[1], matrix.shape[0]] : matrix.shape
        let axis: ScaleAxis = isTransposed ? .columns : .rows
        let store = MemoryStore(
            source: "memory",
            [
                (
                    QuantizedStore.scaleName(of: row.stored),
                    Tensor(shape: axis.scaleShape(of: shape), values: matrix.scales)
                )
            ],
            bytes: [(row.stored, shape, isTransposed ? matrix.transposedBytes : matrix.bytes)]
        )
        return store.entries.reversed().map { entry in
            TensorCopy.Item(
                from: store,
                entry,
                reading: .identity,
                writing: .identity,
                to: entry
            )
        }
    }
}

extension HDF5WeightsFile.Layer {
    /// The layer with the scales of its matrices, each behind its matrix, in all lists.
    fileprivate func listingScales(among stored: Set<String>) -> HDF5WeightsFile.Layer {
        func scale(_ name: String) -> String? {
            let scale = QuantizedStore.scaleName(of: name)
            return stored.contains(scale) ? scale : nil
        }
        let prefix = name + "/"
        var layer = HDF5WeightsFile.Layer(
            name: name,
            weightNames: weightNames.flatMap { weight in
                [weight]
                    + (scale(prefix + weight).map { [String($0.dropFirst(prefix.count))] } ?? [])
            }
        )
        layer.links = links.flatMap { link in
            [link]
                + (scale(link.target).map {
                    [.init(name: QuantizedStore.scaleName(of: link.name), target: $0)]
                } ?? [])
        }
        return layer
    }
}

extension CompressedModel {
    /// How many matrices are int8, and what stays in which type, as sentences.
    var storage: [String] {
        guard !matrices.isEmpty else { return ["every tensor in \(elementType.rawValue)"] }
        let kept = parameters.leaves.map(\.name).filter { matrices[$0] == nil }
        func phrase(_ name: String) -> String {
            if name.hasSuffix(".bias"), !name.contains("LayerNorm") { return "biases" }
            if name.contains("LayerNorm") { return "layer normalisations" }
            return name
        }
        var phrases: [String] = []
        for name in kept where !phrases.contains(phrase(name)) { phrases.append(phrase(name)) }
        return [
            "int8 with a scale for each output or row: \(matrices.count) matrices",
            "\(elementType.rawValue): \(phrases.sorted().joined(separator: ", "))",
        ]
    }
}
