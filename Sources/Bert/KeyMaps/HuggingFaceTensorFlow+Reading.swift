import Checkpoints
import Diagnostics
import Tensors

extension HuggingFaceTensorFlow {
    /// What a stored name says: its canonical name, that a rule passes over it, or nothing known.
    enum Meaning: Equatable {
        case parameter(canonical: String, KeyMap.Transform)
        case ignored(rule: String)
        case unknown
    }

    /// Reads a stored name.
    ///
    /// Nothing depends on the components before `embeddings`, `encoder`, `pooler` or `classifier`:
    /// they are the layer, the model's name (which counts up when a process builds several) and
    /// whatever a user wrapped round it.
    static func meaning(of stored: String) -> Meaning {
        var components = stored.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = components.popLast() else { return .unknown }
        if components.first == "optimizer_weights" {
            return .ignored(rule: "the optimizer's state is no part of the model")
        }
        if components.contains("mlm___cls") {
            // This group holds a second copy of the embeddings, for its tied decoder.
            return .ignored(rule: "masked-language-model head")
        }
        if components.contains("nsp___cls") {
            return .ignored(rule: "next-sentence head")
        }
        if components.contains("qa_outputs") {
            return .ignored(rule: "question-answering head")
        }
        let variable = last.hasSuffix(":0") ? last.dropLast(2) : last
        if let start = components.firstIndex(where: {
            $0 == "embeddings" || $0 == "encoder" || $0 == "pooler"
        }) {
            return encoderMeaning(components[start...], variable)
        }
        if components.last == "classifier" {
            return linearMeaning("classifier", variable)
        }
        return .unknown
    }

    private static func encoderMeaning(
        _ path: ArraySlice<Substring>,
        _ variable: Substring
    ) -> Meaning {
        var path = path
        switch path.removeFirst() {
        case "pooler":
            return path.elementsEqual(["dense"])
                ? linearMeaning("pooler.dense", variable) : .unknown
        case "embeddings":
            guard path.count == 1, let table = path.first else { return .unknown }
            switch table {
            case "LayerNorm": return layerNormMeaning("embeddings.LayerNorm", variable)
            case "word_embeddings", "token_type_embeddings", "position_embeddings":
                // The variable was renamed between versions of the library.
                guard variable == "weight" || variable == "embeddings" else { return .unknown }
                return .parameter(canonical: "embeddings.\(table).weight", .identity)
            default: return .unknown
            }
        default:
            guard let layer = path.popFirst(), layer.hasPrefix("layer_._"),
                let index = Int(layer.dropFirst("layer_._".count)), index >= 0,
                String(index) == layer.dropFirst("layer_._".count)
            else { return .unknown }
            let prefix = "encoder.layer.\(index)."
            switch path.joined(separator: "/") {
            case "attention/self/query", "attention/self/key", "attention/self/value",
                "attention/output/dense", "intermediate/dense", "output/dense":
                return linearMeaning(prefix + path.joined(separator: "."), variable)
            case "attention/output/LayerNorm", "output/LayerNorm":
                return layerNormMeaning(prefix + path.joined(separator: "."), variable)
            default: return .unknown
            }
        }
    }

    private static func linearMeaning(_ canonical: String, _ variable: Substring) -> Meaning {
        switch variable {
        case "kernel": .parameter(canonical: canonical + ".weight", .transpose)
        case "bias": .parameter(canonical: canonical + ".bias", .identity)
        default: .unknown
        }
    }

    private static func layerNormMeaning(_ canonical: String, _ variable: Substring) -> Meaning {
        switch variable {
        case "gamma": .parameter(canonical: canonical + ".weight", .identity)
        case "beta": .parameter(canonical: canonical + ".bias", .identity)
        default: .unknown
        }
    }
}

extension HuggingFaceTensorFlow {
    /// The layout, for people: whose names the tensors have, and what the file says of itself.
    static func layout(of store: any TensorStore) -> String {
        let isHuggingFace = store.entries.contains { entry in
            entry.name.split(separator: "/").dropFirst().first?.hasPrefix("tf_") ?? false
        }
        return isHuggingFace ? "Hugging Face TensorFlow (\(store.layout))" : store.layout
    }

    /// How the tensors of one file map to parameters.
    struct Resolution {
        var rows: [KeyMap.Row] = []
        var ignored: [(name: String, rule: String)] = []
        var notes: [String] = []

        func has(_ canonical: String) -> Bool {
            rows.contains { $0.canonical == canonical }
        }
    }

    /// Gives every entry of a store its meaning.
    ///
    /// A head under another name than `classifier` is recognised when exactly one matrix of
    /// `hiddenSize` rows and its bias are left over.
    ///
    /// - Parameter classifierRule: why a stored `classifier` is not a sequence classifier's, when
    ///   it is not.
    static func resolve(
        _ store: any TensorStore,
        hiddenSize: Int?,
        classifierRule: String? = nil
    ) throws(Failure) -> Resolution {
        var resolution = Resolution()
        var storedByCanonical: [String: String] = [:]
        var unknown: [TensorEntry] = []
        for entry in store.entries {
            switch meaning(of: entry.name) {
            case .ignored(let rule): resolution.ignored.append((entry.name, rule))
            case .unknown: unknown.append(entry)
            case .parameter(let canonical, let transform):
                if let classifierRule, canonical.hasPrefix("classifier.") {
                    resolution.ignored.append((entry.name, classifierRule))
                    continue
                }
                if let other = storedByCanonical.updateValue(entry.name, forKey: canonical) {
                    throw Failure(
                        .badData,
                        store.source,
                        "both \"\(printable(other))\" and \"\(printable(entry.name))\" claim to be "
                            + canonical
                    )
                }
                resolution.rows.append(
                    KeyMap.Row(canonical: canonical, stored: entry.name, transform: transform)
                )
            }
        }
        if let hiddenSize, classifierRule == nil, !resolution.has("classifier.weight"),
            let (kernel, bias) = head(among: unknown, hiddenSize: hiddenSize)
        {
            resolution.rows.append(
                KeyMap.Row(canonical: "classifier.weight", stored: kernel, transform: .transpose)
            )
            resolution.rows.append(
                KeyMap.Row(canonical: "classifier.bias", stored: bias, transform: .identity)
            )
            resolution.notes.append("the head is stored as \(printable(kernel))")
        }
        return resolution
    }

    private static func head(
        among entries: [TensorEntry],
        hiddenSize: Int
    ) -> (kernel: String, bias: String)? {
        func parent(_ name: String, of variable: String) -> String? {
            for ending in ["/\(variable):0", "/\(variable)"] where name.hasSuffix(ending) {
                return String(name.dropLast(ending.count))
            }
            return nil
        }
        let biases = Dictionary(
            entries.compactMap { entry in parent(entry.name, of: "bias").map { ($0, entry) } }
        ) { first, _ in first }
        let pairs = entries.compactMap { entry -> (String, String)? in
            guard let path = parent(entry.name, of: "kernel"), entry.shape.rank == 2,
                entry.shape[0] == hiddenSize, let bias = biases[path],
                bias.shape == [entry.shape[1]]
            else { return nil }
            return (entry.name, bias.name)
        }
        return pairs.count == 1 ? pairs[0] : nil
    }
}
