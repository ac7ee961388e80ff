import COneDNN

/// The numbers in which matrix products are computed. Everything between them (normalisation, softmax,
/// residuals, losses, the optimizer) is single precision throughout.
public enum Precision: String, CaseIterable, Sendable, Codable {
    /// Single precision.
    case f32
    /// Operands rounded to bfloat16, sums in single precision.
    case bf16
    /// Weights as bytes with one scale per output, activations as bytes over each token's own range;
    /// sums of products are exact. For inference.
    case int8

    /// Whether products of this kind can be computed here at all: bytes always, bfloat16 only where
    /// oneDNN is used and the processor has instructions for it.
    public var isAvailable: Bool {
        self != .bf16
            || MatrixBackend.current == .oneDNN && bk_onednn_multiplies(Int32(BK_BFLOAT16)) != 0
    }

    /// This precision, or single precision where it is not available.
    public var orFallback: Precision { isAvailable ? self : .f32 }

    /// What carries out the products, in one line: "oneDNN 2.6.3 (the fastest here)".
    ///
    /// Says so when they fall back to single precision.
    public var explanation: String {
        let library = "\(MatrixBackend.description) (\(MatrixBackend.reason))"
        if self != .f32, isAvailable, MatrixBackend.usesTiles {
            return "\(rawValue) in AMX tiles, f32 by \(library)"
        }
        switch self {
        case .f32: return "f32 by \(library)"
        case .bf16:
            if isAvailable { return "bf16 by \(library)" }
            let missing =
                MatrixBackend.current == .openBLAS
                ? "OpenBLAS has no bf16 products" : "this processor has no AVX-512 BF16"
            return "f32 by \(library), because \(missing)"
        case .int8:
            return PackedWeight.librarysByteProducts
                ? "int8 by \(library)"
                : "int8 by a portable loop, which is slower than f32 (this needs oneDNN and AVX-512 VNNI)"
        }
    }
}
