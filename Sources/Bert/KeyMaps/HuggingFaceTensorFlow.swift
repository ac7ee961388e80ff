public import Checkpoints
import Tensors

/// How Hugging Face's TensorFlow classes name, order and orient a model's tensors in `tf_model.h5`.
///
/// A name is PyTorch's key, spelled with slashes: `encoder.layer.3` is `encoder/layer_._3`, a head
/// inside `cls` has a group of its own, and kernels are `[input, output]`.
public enum HuggingFaceTensorFlow {
    /// The file's layers, in model order, as the class's `save_pretrained` lists them.
    ///
    /// The weightless dropout layer is left out: its name depends on what else the writing process
    /// had built, and a reader that has built another model reports a stored one as unexpected.
    /// DistilBERT's class alone misses it, and gets the name it has in a process of its own. The
    /// weights of a layer are in the order in which Keras makes its variables, because
    /// `load_weights` goes by order.
    public static func layers(
        _ configuration: BertConfiguration,
        names: [String]? = nil
    ) -> [HDF5WeightsFile.Layer] {
        let rows = rows(configuration, names ?? canonicalNames(configuration))
        var layers: [HDF5WeightsFile.Layer] = []
        for group in groups(configuration) {
            let prefix = group + "/"
            let stored = rows.map(\.stored).filter { $0.hasPrefix(prefix) }
                .map { String($0.dropFirst(prefix.count)) }
            guard !stored.isEmpty else { continue }
            layers.append(HDF5WeightsFile.Layer(name: group, weightNames: stored))
        }
        // The head that is tied to the embeddings lists all of them again, by hard links.
        let tied = ["mlm___cls", "lm_head", "vocab_projector", "generator_lm_head"]
        if let main = layers.first,
            let index = layers.lastIndex(where: { tied.contains($0.name) })
        {
            layers[index].links = main.weightNames.filter {
                $0.split(separator: "/").dropFirst(2).first == "embeddings"
            }.map { HDF5WeightsFile.Link(name: $0, target: "\(main.name)/\($0)") }
        }
        if configuration.family == .distilbert, configuration.head == .sequenceClassification {
            let number = 3 * configuration.hiddenLayerCount + 1
            layers.append(HDF5WeightsFile.Layer(name: "dropout_\(number)", weightNames: []))
        }
        return layers
    }

    /// The map between canonical names and those of a written `tf_model.h5`.
    public static func keyMap(
        _ configuration: BertConfiguration,
        names: [String]? = nil
    ) -> KeyMap {
        KeyMap(rows: rows(configuration, names ?? canonicalNames(configuration)))
    }

    /// The canonical names of a model in the order in which Keras makes its variables.
    static func canonicalNames(_ configuration: BertConfiguration) -> [String] {
        BertParameters<Shape>(configuration).leaves.map(\.name)
    }

    private static func groups(_ configuration: BertConfiguration) -> [String] {
        [configuration.family.prefix]
            + [
                "pre_classifier", "classifier", "qa_outputs", "nsp___cls", "mlm___cls",
                "vocab_transform", "vocab_layer_norm", "vocab_projector", "lm_head",
                "generator_predictions", "generator_lm_head", "discriminator_predictions",
                "sequence_summary",
            ]
    }

    private static func rows(
        _ configuration: BertConfiguration,
        _ names: [String]
    ) -> [KeyMap.Row] {
        let model = modelName(configuration)
        return ordered(names).map { canonical in
            let key = PyTorchNaming.key(of: canonical, configuration, bare: false)
            let (path, transform) = spelled(key, canonical)
            let layer = path.prefix { $0 != "/" }
            return KeyMap.Row(
                canonical: canonical,
                stored: "\(layer)/\(model)/\(path):0",
                transform: transform
            )
        }
    }

    /// Types come before positions, and a language model's bias before its transform.
    private static func ordered(_ names: [String]) -> [String] {
        var names = names
        func move(_ name: String, before other: String) {
            guard let from = names.firstIndex(of: name),
                let to = names.firstIndex(of: other), to < from
            else { return }
            names.insert(names.remove(at: from), at: to)
        }
        move(
            "embeddings.token_type_embeddings.weight",
            before: "embeddings.position_embeddings.weight"
        )
        move("cls.predictions.bias", before: "cls.predictions.transform.dense.weight")
        return names
    }

    /// `tf_bert_for_sequence_classification`: the name of the class as Keras spells it.
    public static func modelName(_ configuration: BertConfiguration) -> String {
        var name = "tf"
        for character in configuration.head.architecture(of: configuration.modelType) {
            if character.isUppercase, name.last?.isUppercase != true { name += "_" }
            name.append(character)
        }
        return name.lowercased()
    }

    private static func spelled(
        _ key: String,
        _ canonical: String
    ) -> (path: String, KeyMap.Transform) {
        var parts = key.split(separator: ".").map(String.init)
        let variable = parts.removeLast()
        if let layer = parts.firstIndex(of: "layer"), parts.count > layer + 1 {
            parts[layer] = "layer_._" + parts.remove(at: layer + 1)
        }
        if parts.first == "cls" {
            let head = parts.count > 1 && parts[1] == "seq_relationship" ? "nsp" : "mlm"
            parts[0] = "\(head)___cls"
        }
        let isNorm = canonical.contains("LayerNorm")
        let isTable = canonical.hasSuffix("_embeddings.weight")
        let name: String
        switch variable {
        case "bias": name = isNorm ? "beta" : "bias"
        case _ where isNorm: name = "gamma"
        case _ where isTable: name = parts.last == "word_embeddings" ? "weight" : "embeddings"
        default: name = "kernel"
        }
        return (
            (parts + [name]).joined(separator: "/"),
            name == "kernel" ? .transpose : .identity
        )
    }
}
