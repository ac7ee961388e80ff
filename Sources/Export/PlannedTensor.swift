import Tensors

/// A tensor of an exported file: which parameter it is made of, and how.
struct PlannedTensor {
    enum Form {
        /// The parameter's values, rows and columns exchanged or not.
        case values(ElementType, isTransposed: Bool)
        /// A matrix as signed bytes, `[input, output]`, symmetric, with one scale for each output in a
        /// tensor of its own.
        case bytes(scales: String)
        /// GGML's Q8_0: 32 values of a row are a binary16 scale and 32 signed bytes.
        case blocks
    }

    let name: String
    /// The parameter's canonical name.
    let parameter: String
    /// As it is written.
    let shape: Shape
    let form: Form
}
