import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// The conversion of a model that is not understood: its tensors keep their names and orientation,
/// and change the container and the element type alone.
struct Verbatim {
    let rows: [ConversionPlan.Row]
    let ignored: [(name: String, rule: String)]
    let notes: [String]

    /// Whether the names mean the same in the target: they are PyTorch's, or at least look like it.
    /// A configuration that is wrong is not carried along.
    static func isPossible(_ source: Checkpoint, _ options: ConversionOptions) -> Bool {
        let isDotted = source.store.entries.allSatisfy { !$0.name.contains("/") }
        return options.format == .safetensors && isDotted && !source.configurationIsWrong
            && (source.naming == .pyTorch || source.naming == nil)
    }

    init(_ source: Checkpoint, _ options: ConversionOptions) throws(Failure) {
        let why = source.configurationProblem?.description ?? "there is no configuration"
        guard options.head == .keep, options.renames.isEmpty else {
            throw Failure(
                .usage,
                source.url.relativePath,
                "--head and --rename need a model that is understood: \(why)"
            )
        }
        let rules = Dictionary(source.ignored.map { ($0.name, $0.rule) }) { first, _ in first }
        var rows: [ConversionPlan.Row] = []
        var ignored: [(name: String, rule: String)] = []
        for entry in source.store.entries {
            if let rule = rules[entry.name] {
                ignored.append((entry.name, rule))
                continue
            }
            guard options.only.isEmpty || options.only.contains(where: { matches(entry.name, $0) })
            else {
                ignored.append((entry.name, "not among --only"))
                continue
            }
            rows.append(Self.row(entry, source.store, options.elementType))
        }
        guard !rows.isEmpty else {
            throw Failure(.usage, source.store.source, "no tensor is among --only")
        }
        self.rows = TargetNames.shards(rows, options)
        self.ignored = ignored
        notes = [
            "this model is not understood, and its tensors keep their names (\(why))"
        ]
    }

    private static func row(
        _ entry: TensorEntry,
        _ store: any TensorStore,
        _ wanted: ElementType?
    ) -> ConversionPlan.Row {
        var type = entry.elementType
        if type.isFloat { type = wanted ?? (type == .float64 ? .float32 : type) }
        let item = TensorCopy.Item(
            from: store,
            entry,
            reading: .identity,
            writing: .identity,
            to: TensorEntry(name: entry.name, shape: entry.shape, elementType: type)
        )
        return ConversionPlan.Row(
            canonicalName: entry.name,
            from: entry.name,
            file: "model.safetensors",
            to: entry.name,
            shape: entry.shape,
            elementType: type,
            item: item,
            changes: type == entry.elementType
                ? [] : ["\(entry.elementType.rawValue) to \(type.rawValue)"]
        )
    }
}
