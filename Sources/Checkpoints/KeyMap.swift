public import Tensors

/// How one layout names and orients the tensors of one model: reversible data.
///
/// Read forwards it turns canonical tensors into stored ones, read backwards stored ones into
/// canonical ones; one after the other is the identity on every row.
public struct KeyMap: Sendable, Hashable {
    /// What happens to the elements between the canonical and the stored tensor: a transposition
    /// or none, and then perhaps another shape for the same elements.
    public enum Transform: Sendable, Hashable {
        case identity
        /// `[R, C]` to `[C, R]`.
        case transpose
        /// A projection to all heads, `[N·D, H]` to `[H, N, D]`.
        case splitOutput(heads: Int)
        /// A projection from all heads, `[H, N·D]` to `[N, D, H]`.
        case splitInput(heads: Int)
        /// The bias of a projection to all heads, `[N·D]` to `[N, D]`.
        case splitBias(heads: Int)

        public var isTransposing: Bool {
            switch self {
            case .identity, .splitBias: false
            case .transpose, .splitOutput, .splitInput: true
            }
        }

        /// The stored shape of a canonical one; `nil` for a shape that cannot be stored so.
        public func stored(_ canonical: Shape) -> Shape? {
            switch self {
            case .identity: return canonical
            case .transpose:
                return canonical.rank == 2 ? [canonical[1], canonical[0]] : nil
            case .splitOutput(let heads):
                guard canonical.rank == 2, heads > 0, canonical[0] % heads == 0 else { return nil }
                return [canonical[1], heads, canonical[0] / heads]
            case .splitInput(let heads):
                guard canonical.rank == 2, heads > 0, canonical[1] % heads == 0 else { return nil }
                return [heads, canonical[1] / heads, canonical[0]]
            case .splitBias(let heads):
                guard canonical.rank == 1, heads > 0, canonical[0] % heads == 0 else { return nil }
                return [heads, canonical[0] / heads]
            }
        }

        /// The canonical shape of a stored one; `nil` for a shape that nothing is stored in so.
        public func canonical(_ stored: Shape) -> Shape? {
            switch self {
            case .identity: return stored
            case .transpose: return stored.rank == 2 ? [stored[1], stored[0]] : nil
            case .splitOutput(let heads):
                guard stored.rank == 3, stored[1] == heads else { return nil }
                return [stored[1] * stored[2], stored[0]]
            case .splitInput(let heads):
                guard stored.rank == 3, stored[0] == heads else { return nil }
                return [stored[2], stored[0] * stored[1]]
            case .splitBias(let heads):
                guard stored.rank == 2, stored[0] == heads else { return nil }
                return [stored[0] * stored[1]]
            }
        }

        /// The canonical tensor as it is stored.
        ///
        /// - Precondition: the shape can be stored so.
        public func stored(_ canonical: Tensor) -> Tensor {
            guard let shape = stored(canonical.shape) else {
                preconditionFailure("\(canonical.shape) as \(self)")
            }
            let values = isTransposing ? canonical.transposed().values : canonical.values
            return Tensor(shape: shape, values: values)
        }

        /// The canonical tensor of a stored one.
        ///
        /// - Precondition: the shape is one that tensors are stored in so.
        public func canonical(_ stored: Tensor) -> Tensor {
            guard let shape = canonical(stored.shape) else {
                preconditionFailure("\(stored.shape) from \(self)")
            }
            guard isTransposing else { return Tensor(shape: shape, values: stored.values) }
            let matrix = Tensor(shape: [shape[1], shape[0]], values: stored.values)
            return matrix.transposed()
        }
    }

    public struct Row: Sendable, Hashable {
        /// PyTorch's key for BERT without the model prefix.
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
