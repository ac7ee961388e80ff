public import Checkpoints

/// How Hugging Face's TensorFlow classes name and orient BERT's tensors.
///
/// Every Keras kernel is `[input, output]`, the transpose of PyTorch's weight; tables, biases and
/// layer normalisations are the same in both.
public enum HuggingFaceTensorFlow {
    /// The file's layers, in model order, as `TFBertForSequenceClassification` saves them.
    ///
    /// The weightless dropout layer is left out: its name depends on what else the writing process
    /// had built, and a reader that has built another model reports a stored one as unexpected.
    /// The weights of a layer are in the order in which Keras makes its variables, because
    /// `load_weights` goes by order.
    public static func layers(_ configuration: BertConfiguration) -> [HDF5WeightsFile.Layer] {
        let rows = rows(configuration)
        func layer(_ name: String) -> HDF5WeightsFile.Layer {
            let prefix = name + "/"
            return HDF5WeightsFile.Layer(
                name: name,
                weightNames: rows.map(\.stored).filter { $0.hasPrefix(prefix) }
                    .map { String($0.dropFirst(prefix.count)) }
            )
        }
        return [layer("bert"), layer("classifier")]
    }

    /// The map between canonical names and those of a written `tf_model.h5`.
    public static func keyMap(_ configuration: BertConfiguration) -> KeyMap {
        KeyMap(rows: rows(configuration))
    }

    private static func rows(_ configuration: BertConfiguration) -> [KeyMap.Row] {
        var rows: [KeyMap.Row] = []
        let model = "tf_bert_for_sequence_classification"
        func row(_ canonical: String, _ stored: String, _ transform: KeyMap.Transform) {
            let layer = stored.prefix { $0 != "/" }
            rows.append(
                KeyMap.Row(
                    canonical: canonical,
                    stored: "\(layer)/\(model)/\(stored):0",
                    transform: transform
                )
            )
        }
        func linear(_ canonical: String, _ stored: String) {
            row("\(canonical).weight", "\(stored)/kernel", .transpose)
            row("\(canonical).bias", "\(stored)/bias", .identity)
        }
        func layerNorm(_ canonical: String, _ stored: String) {
            row("\(canonical).LayerNorm.weight", "\(stored)/LayerNorm/gamma", .identity)
            row("\(canonical).LayerNorm.bias", "\(stored)/LayerNorm/beta", .identity)
        }
        for (table, leaf) in [
            ("word_embeddings", "weight"), ("token_type_embeddings", "embeddings"),
            ("position_embeddings", "embeddings"),
        ] {
            row("embeddings.\(table).weight", "bert/embeddings/\(table)/\(leaf)", .identity)
        }
        layerNorm("embeddings", "bert/embeddings")
        for index in 0..<configuration.hiddenLayerCount {
            let canonical = "encoder.layer.\(index)"
            let stored = "bert/encoder/layer_._\(index)"
            for projection in ["query", "key", "value"] {
                linear(
                    "\(canonical).attention.self.\(projection)",
                    "\(stored)/attention/self/\(projection)"
                )
            }
            linear("\(canonical).attention.output.dense", "\(stored)/attention/output/dense")
            layerNorm("\(canonical).attention.output", "\(stored)/attention/output")
            linear("\(canonical).intermediate.dense", "\(stored)/intermediate/dense")
            linear("\(canonical).output.dense", "\(stored)/output/dense")
            layerNorm("\(canonical).output", "\(stored)/output")
        }
        linear("pooler.dense", "bert/pooler/dense")
        linear("classifier", "classifier")
        return rows
    }
}
