public import Tokenization

/// What an export writes.
public struct ExportOptions: Sendable {
    /// A format of another runtime.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        /// A folder with `model.onnx` and the tokenizer's files, as optimum lays it out.
        case onnx
        /// One file of llama.cpp's architecture `bert`.
        case gguf
        /// A package of Core ML's with a program and its weights. Experimental: nothing here can run one.
        case coreML = "coreml"
    }

    /// What the weights are stored as.
    public enum Weights: Sendable, Hashable {
        case float32
        case float16
        /// The encoder's matrices in bytes; inputs are rounded while the graph runs. ONNX alone.
        case int8Dynamic
        /// The encoder's matrices in bytes; inputs become bytes and numbers again around plain products
        /// (QuantizeLinear, DequantizeLinear). ONNX alone.
        case int8QDQ
        /// Blocks of 32 bytes with a scale each. GGUF alone.
        case q8
    }

    public var format: Format
    public var weights: Weights
    /// Whether the head is left out.
    public var leavesHeadOut = false
    /// Whether texts are lower-cased, where no file says it.
    public var isCased: Bool?
    /// Whether an existing output may be replaced.
    public var force = false
    /// The version of the program, which the files name.
    public var version: String
    /// What the written model and the one it is made of are both run on; nil runs neither.
    public var texts: PackedBatch?
    /// The lengths in pieces that a program of Core ML takes; none for one, of 128 or as many as the model
    /// has positions for.
    public var lengths: [Int] = []

    public init(format: Format, weights: Weights = .float32, version: String = "") {
        self.format = format
        self.weights = weights
        self.version = version
    }
}
