import Checkpoints
import Diagnostics

/// Where a configuration and the tensors cannot both be right, whatever the sizes: a model would
/// load and compute something else. Sizes are compared when tensors are collected.
enum Contradiction {
    /// What contradicts, as the end of a sentence that begins with the configuration's place;
    /// `nil` when nothing does.
    static func find(_ configuration: BertConfiguration, _ resolution: NameResolution) -> String? {
        for tensor in resolution.tensors {
            guard let split = tensor.transform.headCount, let layer = layer(tensor.name) else {
                continue
            }
            let heads = configuration.headCount(ofLayer: layer)
            guard split != heads else { continue }
            return "it has \(heads) attention heads, and \"\(printable(tensor.entry.name))\" is "
                + "split into \(split)"
        }
        let layers = Set(resolution.tensors.compactMap { layer($0.name) })
        // Fewer would cut the model, which would load and answer otherwise.
        if let last = layers.max(), last >= configuration.hiddenLayerCount {
            return "it has \(configuration.hiddenLayerCount) layers, and the tensors are those of "
                + "\(last + 1)"
        }
        let (family, found) = (configuration.family, families(resolution))
        guard !found.isEmpty, !found.contains(family) else { return nil }
        let names = found.map(\.rawValue).sorted().joined(separator: " or ")
        return
            "\"model_type\" is \"\(configuration.modelType.rawValue)\", and the tensors have the "
            + "names of \(names)"
    }

    /// 3 for `encoder.layer.3.output.dense.bias`.
    private static func layer(_ name: String) -> Int? {
        guard name.hasPrefix("encoder.layer.") else { return nil }
        return Int(name.dropFirst("encoder.layer.".count).prefix { $0 != "." })
    }

    /// The families whose names the tensors bear; empty when they could be of several.
    private static func families(_ resolution: NameResolution) -> Set<ModelFamily> {
        switch resolution.naming {
        case .pyTorch, .huggingFaceTensorFlow, .google: break
        case .kerasObjects, .kerasHubLayers, .kerasBert: return [.bert]
        case nil: return []
        }
        var found: Set<ModelFamily> = []
        var hasDistilBERTLayers = false
        var hasOtherLayers = false
        for tensor in resolution.tensors {
            let components = tensor.entry.name.split { $0 == "." || $0 == "/" }
            for component in components {
                if let family = prefixes[component] { found.insert(family) }
            }
            guard tensor.name.hasPrefix("encoder.layer.") else { continue }
            if components.contains("transformer") {
                hasDistilBERTLayers = true
            } else {
                hasOtherLayers = true
            }
        }
        guard found.isEmpty else { return found }
        // Without a prefix, DistilBERT's layers have names of their own, and the others the same.
        if hasDistilBERTLayers { return [.distilbert] }
        return hasOtherLayers ? [.bert, .roberta, .electra] : []
    }

    /// What the classes of a family keep their encoder under.
    private static let prefixes: [Substring: ModelFamily] = [
        "bert": .bert, "distilbert": .distilbert, "roberta": .roberta, "electra": .electra,
        "camembert": .roberta, "xlm_roberta": .roberta,
    ]
}

extension KeyMap.Transform {
    /// How many heads a tensor is split into; `nil` for one that is not split.
    fileprivate var headCount: Int? {
        switch self {
        case .splitOutput(let heads), .splitInput(let heads), .splitBias(let heads): heads
        case .identity, .transpose: nil
        }
    }
}
