import Bert
import Checkpoints
import Diagnostics
import Tensors

/// The names, places and forms of tensors in a target.
struct TargetNames {
    private let configuration: BertConfiguration
    private let options: ConversionOptions

    init(_ configuration: BertConfiguration, _ options: ConversionOptions) {
        self.configuration = configuration
        self.options = options
    }

    func rows(_ tensors: [TensorSelection.Selected]) throws(Failure) -> [ConversionPlan.Row] {
        let stored = storedNames(tensors.map(\.name))
        var rows: [ConversionPlan.Row] = []
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
        for (file, row) in stored {
            guard let tensor = byName[row.canonical] else { continue }
            guard let shape = row.transform.stored(tensor.shape) else {
                preconditionFailure("\(tensor.shape) as \(row.transform)")
            }
            let type = options.elementType ?? kept(tensor.entry.elementType)
            let item = TensorCopy.Item(
                from: tensor.store,
                tensor.entry,
                reading: tensor.transform,
                writing: row.transform,
                to: TensorEntry(name: row.stored, shape: shape, elementType: type)
            )
            var changes: [String] = []
            if item.isTransposing { changes.append("transposed") }
            if tensor.entry.shape.rank != shape.rank { changes.append("reshaped") }
            if tensor.entry.elementType != type {
                changes.append("\(tensor.entry.elementType.rawValue) to \(type.rawValue)")
            }
            if !tensor.isStored { changes.append("made") }
            rows.append(
                ConversionPlan.Row(
                    canonicalName: row.canonical,
                    from: tensor.isStored ? tensor.entry.name : nil,
                    file: file,
                    to: row.stored,
                    shape: shape,
                    elementType: type,
                    item: item,
                    changes: changes
                )
            )
        }
        return Self.shards(rows, options)
    }

    private func kept(_ type: ElementType) -> ElementType {
        type == .float64 ? .float32 : type
    }

    /// Each tensor's file and row, in the order of the target.
    private func storedNames(_ names: [String]) -> [(file: String, row: KeyMap.Row)] {
        switch options.format {
        case .safetensors:
            let bare = configuration.head == .none
            return names.map { name in
                let key = PyTorchNaming.key(of: name, configuration, bare: bare)
                return (
                    "model.safetensors",
                    KeyMap.Row(canonical: name, stored: key, transform: .identity)
                )
            }
        case .huggingFaceHDF5:
            return HuggingFaceTensorFlow.keyMap(configuration, names: names).rows
                .map { ("tf_model.h5", $0) }
        case .kerasHub, .kerasWeights:
            let isNested = options.format == .kerasWeights && configuration.head != .none
            return names.compactMap { name in
                KerasHubNames.row(name, configuration, isNested: isNested).map { row, place in
                    let isTask = place == .task && options.format == .kerasHub
                    return (isTask ? "task.weights.h5" : "model.weights.h5", row)
                }
            }
        }
    }

    /// Spreads the model's rows over several files of at most the size that was asked for; the
    /// variables of one Keras object stay together.
    static func shards(
        _ rows: [ConversionPlan.Row],
        _ options: ConversionOptions
    ) -> [ConversionPlan.Row] {
        guard let limit = options.shardByteCount else { return rows }
        let isKeras = options.format == .kerasHub
        let others = rows.filter { $0.file == "task.weights.h5" }
        let rows = rows.filter { $0.file != "task.weights.h5" }
        func group(_ row: ConversionPlan.Row) -> Substring {
            isKeras
                ? row.to.prefix(upTo: row.to.lastIndex(of: "/") ?? row.to.endIndex) : row.to[...]
        }
        var sizes: [Substring: Int] = [:]
        for row in rows { sizes[group(row), default: 0] += row.byteCount }
        var numbers: [Int] = []
        var (number, size) = (0, 0)
        var last: Substring = ""
        for row in rows {
            let name = group(row)
            if name != last {
                let needed = sizes[name] ?? 0
                if size > 0, size + needed > limit { (number, size) = (number + 1, 0) }
                size += needed
                last = name
            }
            numbers.append(number)
        }
        let count = number + 1
        guard count > 1 else { return rows + others }
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        let moved = zip(rows, numbers).map { row, part in
            let parts = row.file.split(separator: ".", maxSplits: 1)
            if isKeras {
                return row.moved(to: "\(parts[0])_\(padded(part)).\(parts[1])", as: row.to)
            }
            let file = "\(parts[0])-\(padded(part + 1))-of-\(padded(count)).\(parts[1])"
            // TensorFlow's shards have neither the layer nor the model in their names.
            let isTensorFlow = options.format == .huggingFaceHDF5
            let name =
                isTensorFlow
                ? row.to.split(separator: "/").dropFirst(2).joined(separator: "/") : row.to
            return row.moved(to: file, as: name)
        }
        return moved + others
    }
}
