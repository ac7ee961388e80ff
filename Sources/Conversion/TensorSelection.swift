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

        init(
            _ name: String,
            _ entry: TensorEntry,
            _ transform: KeyMap.Transform,
            _ store: any TensorStore,
            isStored: Bool = true
        ) {
            (self.name, self.entry, self.transform) = (name, entry, transform)
            (self.store, self.isStored) = (store, isStored)
            shape = transform.canonical(entry.shape) ?? entry.shape
        }
    }

    private(set) var configuration: BertConfiguration
    var tensors: [Selected] = []
    private(set) var ignored: [(name: String, rule: String)]
    var notes: [String] = []
    private let source: Checkpoint

    init(_ source: Checkpoint, _ options: ConversionOptions) throws(Failure) {
        self.source = source
        guard var configuration = source.configuration else {
            throw source.configurationProblem
                ?? Failure(.missingInput, source.url.relativePath, "there is no configuration")
        }
        let layers = Set(source.store.weightlessLayers)
        ignored =
            source.ignored.filter { !layers.contains($0.name) }
            + source.copies.map { ($0.entry.name, "a copy of \($0.name), to which it is tied") }
        var found = source.tensors.map {
            Selected($0.name, $0.entry, $0.transform, source.store)
        }
        let renamed = try Self.renamed(source, options)
        found += renamed
        if !renamed.isEmpty {
            configuration.head = source.head(adding: renamed.map(\.name))
            Self.count(&configuration, outputsOf: renamed)
        }
        switch options.head {
        case .keep: break
        case .none: configuration.head = .none
        case .new(let labels, _):
            try Self.check(labels)
            configuration.head = .sequenceClassification
            configuration.labels = labels
            configuration.problemType = labels.count == 1 ? .regression : .classification
            ignored += found.filter { $0.name.hasPrefix("classifier.") }
                .map { ($0.entry.name, "belongs to the head that is replaced") }
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
        self.configuration = configuration
        var specification = shapes.leaves
        let known = Set(specification.map(\.name))
        if let stray = renamed.first(where: { !known.contains($0.name) }) {
            throw Failure(
                .usage,
                source.store.source,
                "--rename makes \"\(printable(stray.entry.name))\" the parameter "
                    + "\"\(printable(stray.name))\", which no model with "
                    + "\(configuration.head.phrase) has"
            )
        }
        // A decoder that is not the word embeddings matters to a head that predicts pieces alone.
        if configuration.head.predictsPieces { try source.checkTies(among: known) }
        if case .new(_, let seed) = options.head {
            let stored = Set(found.map(\.name))
            let new = specification.map(\.name).filter {
                !stored.contains($0) && ($0.hasPrefix("classifier.") || $0.hasPrefix("pooler."))
            }
            specification.removeAll { new.contains($0.name) }
            try take(found, specification, options)
            make(new.filter { options.lets($0) }, seed: seed)
        } else {
            try take(found, specification, options)
        }
        guard !tensors.isEmpty else {
            throw Failure(.usage, source.store.source, "no tensor is among --only")
        }
        if !options.only.isEmpty, tensors.count < known.count {
            notes.append(
                "\(tensors.count) of the model's \(known.count) tensors are written: it is not "
                    + "complete"
            )
        }
    }

    private static func check(_ labels: [String]) throws(Failure) {
        let repeated = labels.indices.first { labels[..<$0].contains(labels[$0]) }
        if let repeated {
            throw Failure(
                .usage,
                "--labels",
                "the label \"\(printable(labels[repeated]))\" is given twice"
            )
        }
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
        var missing: [String] = []
        var misfit: [String] = []
        for (name, shape) in specification {
            guard options.lets(name) else {
                if let tensor = byName[name] {
                    ignored.append((tensor.entry.name, "not among --only"))
                }
                continue
            }
            guard let tensor = byName[name] else {
                missing.append(name)
                continue
            }
            guard tensor.shape == shape else {
                misfit.append(
                    "\(printable(tensor.entry.name)) is \(tensor.shape) as \(name), must be \(shape)"
                )
                continue
            }
            guard tensor.entry.elementType.isFloat else {
                misfit.append(
                    "\(printable(tensor.entry.name)) holds \(tensor.entry.elementType.rawValue), "
                        + "not floats"
                )
                continue
            }
            tensors.append(tensor)
        }
        for tensor in found where !wanted.contains(tensor.name) {
            let known = ignored.contains { $0.name == tensor.entry.name }
            if !known {
                let rule =
                    options.head == .keep
                    ? "no part of a model with \(configuration.head.phrase)"
                    : "belongs to the head that is left out"
                ignored.append((tensor.entry.name, rule))
            }
        }
        let unknown = source.unknown.filter { entry in
            !options.renames.contains { $0.stored == entry.name }
        }
        var stray: [String] = []
        if options.only.isEmpty {
            stray = unknown.map { "\(printable($0.name)) \($0.shape)" }
        } else {
            ignored += unknown.map { ($0.name, "unknown, and not among --only") }
        }
        let problems = [("missing", missing), ("that do not fit", misfit), ("unknown", stray)]
            .filter { !$0.1.isEmpty }
            .map { "\($0.1.count) \($0.0): \(listing($0.1))" }
        guard problems.isEmpty else {
            throw Failure(
                .badData,
                source.store.source,
                "the tensors do not fit the configuration: \(problems.joined(separator: "; "))",
                remedy: stray.isEmpty
                    ? nil
                    : "Name unknown ones with --rename STORED=CANONICAL, or leave them out with --only"
            )
        }
    }
}

extension ConversionOptions {
    /// Whether `--only` lets a parameter through.
    func lets(_ name: String) -> Bool {
        only.isEmpty || only.contains { matches(name, $0) }
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
