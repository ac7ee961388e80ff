public import Tensors

/// How one layout names and orients the tensors of one model: reversible data.
///
/// Read forwards it turns canonical tensors into stored ones, read backwards stored ones into
/// canonical ones; one after the other is the identity on every row.
public struct KeyMap: Sendable, Hashable {
    /// What happens to the elements between the canonical and the stored tensor.
    public enum Transform: Sendable, Hashable {
        case identity
        /// `[R, C]` to `[C, R]`; its own reverse.
        case transpose

        public func apply(_ shape: Shape) -> Shape {
            switch self {
            case .identity: shape
            case .transpose: Shape(shape.dimensions.reversed())
            }
        }

        public func apply(_ tensor: Tensor) -> Tensor {
            switch self {
            case .identity: tensor
            case .transpose: tensor.transposed()
            }
        }
    }

    public struct Row: Sendable, Hashable {
        /// PyTorch's key without the model prefix.
        public let canonical: String
        /// The name in the file.
        public let stored: String
        public let transform: Transform

        public init(canonical: String, stored: String, transform: Transform) {
            self.canonical = canonical
            self.stored = stored
            self.transform = transform
        }
    }

    /// In the order the layout stores them.
    public let rows: [Row]

    /// - Precondition: no canonical and no stored name occurs twice.
    public init(rows: [Row]) {
        precondition(Set(rows.map(\.canonical)).count == rows.count, "a canonical name twice")
        precondition(Set(rows.map(\.stored)).count == rows.count, "a stored name twice")
        self.rows = rows
    }
}
