import Bert
import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// The tensors of a source that go into the target, under canonical names.
struct TensorSelection {
    struct Selected {
        let name: String
        let shape: Shape
        let store: any TensorStore
        let entry: TensorEntry
        let transform: KeyMap.Transform
        /// Whether the tensor is the source's, and not made.
        let isStored: Bool
    }

    private(set) var configuration: BertConfiguration
    private(set) var tensors: [Selected] = []
    private(set) var ignored: [(name: String, rule: String)]
    private(set) var notes: [String] = []
    private let source: Checkpoint

    init(_ source: Checkpoint, _ options: ConversionOptions) throws(Failure) {
        self.source = source
        guard var configuration = source.configuration else {
            throw source.configurationProblem
                ?? Failure(.missingInput, source.url.relativePath, "there is no configuration")
        }
        let stored = Set(source.store.entries.map(\.name))
        ignored =
            source.ignored.filter { stored.contains($0.name) }
            + source.copies.map { ($0.entry.name, "a copy of \($0.name), to which it is tied") }
        var found = source.tensors.map {
            Selected(
                name: $0.name,
                shape: $0.shape,
                store: source.store,
                entry: $0.entry,
                transform: $0.transform,
                isStored: true
            )
        }
        found += try Self.renamed(source, options, &ignored)
        switch options.head {
        case .keep: break
        case .none: configuration.head = .none
        case .new(let labels, _):
            configuration.head = .sequenceClassification
            configuration.labels = labels
            configuration.problemType = labels.count == 1 ? .regression : .classification
            found.removeAll { $0.name.hasPrefix("classifier.") }
        }
        var shapes = BertParameters<Shape>(configuration)
        let hasPooler = found.contains { $0.name == "pooler.dense.weight" }
        // Encoders are kept with a pooler or without.
        if configuration.head == .none, !hasPooler { shapes.pooler = nil }
        // KerasHub's encoder has a pooler under any head.
        if options.format.isKerasHub, hasPooler, shapes.pooler == nil {
            let hidden = configuration.hiddenSize
            shapes.pooler = .init(dense: .init(weight: [hidden, hidden], bias: [hidden]))
        }
        if configuration.head == .none, hasPooler, !configuration.hasPooler {
            ignored += found.filter { $0.name.hasPrefix("pooler.") }
                .map { ($0.entry.name, "belongs to the head that is left out") }
        }
        self.configuration = configuration
        let specification = shapes.leaves
        if case .new(_, let seed) = options.head {
            found += Self.newHead(
                specification,
                known: Set(found.map(\.name)),
                configuration,
                seed: seed,
                &notes
            )
        }
        try take(found, specification, options)
    }

    /// Keeps what the specification demands and `--only` lets through; everything that does not fit
    /// is one failure.
    private mutating func take(
        _ found: [Selected],
        _ specification: [(name: String, leaf: Shape)],
        _ options: ConversionOptions
    ) throws(Failure) {
        let byName = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        let wanted = Set(specification.map(\.name))
        var problems: [String] = []
        for (name, shape) in specification {
            guard options.only.isEmpty || options.only.contains(where: { matches(name, $0) }) else {
                if let tensor = byName[name] {
                    ignored.append((tensor.entry.name, "not among --only"))
                }
                continue
            }
            guard let tensor = byName[name] else {
                problems.append("missing: \(name)")
                continue
            }
            guard tensor.shape == shape else {
                problems.append(
                    "\(printable(tensor.entry.name)) is \(tensor.shape) as \(name), must be \(shape)"
                )
                continue
            }
            guard tensor.entry.elementType.isFloat else {
                problems.append(
                    "\(printable(tensor.entry.name)) holds \(tensor.entry.elementType.rawValue)"
                )
                continue
            }
            tensors.append(tensor)
        }
        for tensor in found where !wanted.contains(tensor.name) {
            let known = ignored.contains { $0.name == tensor.entry.name }
            if !known {
                ignored.append(
                    (tensor.entry.name, "no part of a model with \(configuration.head.phrase)")
                )
            }
        }
        let unknown = source.unknown.filter { entry in
            !options.renames.contains { $0.stored == entry.name }
        }
        if options.only.isEmpty {
            problems += unknown.map { "unknown: \(printable($0.name)) \($0.shape)" }
        } else {
            ignored += unknown.map { ($0.name, "unknown, and not among --only") }
        }
        guard problems.isEmpty else {
            throw Failure(
                .badData,
                source.store.source,
                "the tensors do not fit the configuration: \(problems.joined(separator: "; "))",
                remedy: unknown.isEmpty || !options.only.isEmpty
                    ? nil
                    : "Name unknown ones with --rename STORED=CANONICAL, or leave them out with --only"
            )
        }
        guard !tensors.isEmpty else {
            throw Failure(.usage, source.store.source, "no tensor is among --only")
        }
    }

    private static func renamed(
        _ source: Checkpoint,
        _ options: ConversionOptions,
        _ ignored: inout [(name: String, rule: String)]
    ) throws(Failure) -> [Selected] {
        var selected: [Selected] = []
        for (stored, canonical) in options.renames {
            guard let entry = source.unknown.first(where: { $0.name == stored }) else {
                throw Failure(
                    .usage,
                    source.store.source,
                    "--rename names \"\(printable(stored))\", and there is no unknown tensor of that "
                        + "name"
                )
            }
            selected.append(
                Selected(
                    name: canonical,
                    shape: entry.shape,
                    store: source.store,
                    entry: entry,
                    transform: .identity,
                    isStored: true
                )
            )
        }
        return selected
    }

    /// A new classifier, and a pooler where there was none.
    private static func newHead(
        _ specification: [(name: String, leaf: Shape)],
        known: Set<String>,
        _ configuration: BertConfiguration,
        seed: UInt64,
        _ notes: inout [String]
    ) -> [Selected] {
        let names = specification.filter {
            !known.contains($0.name)
                && ($0.name.hasPrefix("classifier.") || $0.name.hasPrefix("pooler."))
        }.map(\.name)
        guard !names.isEmpty else { return [] }
        let initial = BertModel.initialParameters(configuration, named: names, seed: seed)
        notes.append("new, drawn from seed \(seed): \(names.joined(separator: ", "))")
        return made(initial)
    }

    private static func made(_ tensors: [(name: String, tensor: Tensor)]) -> [Selected] {
        let store = MemoryStore(source: "memory", tensors)
        return store.entries.map {
            Selected(
                name: $0.name,
                shape: $0.shape,
                store: store,
                entry: $0,
                transform: .identity,
                isStored: false
            )
        }
    }

    /// KerasHub's encoder always has a pooler; a masked language model does not use it.
    mutating func completeForKerasHub() throws(Failure) {
        guard !tensors.contains(where: { $0.name == "pooler.dense.weight" }) else { return }
        let hidden = configuration.hiddenSize
        tensors += Self.made([
            ("pooler.dense.weight", Tensor(repeating: 0, shape: [hidden, hidden])),
            ("pooler.dense.bias", Tensor(repeating: 0, shape: [hidden])),
        ])
        notes.append(
            "KerasHub's encoder has a pooler and this model has none: it is written as zeros"
        )
    }
}

/// Whether a name fits a pattern, in which `*` stands for anything.
package func matches(_ name: String, _ pattern: String) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return name == pattern }
    var rest = name[...]
    guard rest.hasPrefix(parts[0]) else { return false }
    rest = rest.dropFirst(parts[0].count)
    for part in parts[1..<parts.count - 1] {
        guard let range = rest.firstRange(of: part) else { return false }
        rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
}
