/// A layout that BertKit writes.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
    /// Hugging Face's folder with `tf_model.h5`, for the TensorFlow classes of transformers 4.
    case huggingFaceHDF5 = "hf-h5"
    /// A KerasHub preset, for `from_preset`.
    case kerasHub = "keras-hub"
    /// Keras 3's `model.weights.h5` of a KerasHub model, for `load_weights`.
    case kerasWeights = "keras-weights"
    /// Hugging Face's folder with `model.safetensors`, for PyTorch and everything that reads it.
    case safetensors

    var isKerasHub: Bool { self == .kerasHub || self == .kerasWeights }

    /// For people.
    public var phrase: String {
        switch self {
        case .huggingFaceHDF5: "tf_model.h5 (Hugging Face TensorFlow)"
        case .kerasHub: "KerasHub preset"
        case .kerasWeights: "Keras 3 weights of a KerasHub model"
        case .safetensors: "safetensors (Hugging Face PyTorch)"
        }
    }
}
