import CKernels

/// A layer's weights rounded to bfloat16 for products with weights that change; whoever changes them calls
/// `refresh`.
///
/// A class because its identity is the memory.
public final class RoundedWeight: @unchecked Sendable {
    enum Form {
        /// `[output, input]`.
        case rows(UnsafeMutablePointer<UInt16>)
        /// For x · Wᵀ and for dY · W.
        case panels(forward: WeightPanels, backward: WeightPanels)
    }

    let form: Form
    private let linear: Linear

    /// Not yet rounded.
    public init(_ linear: Linear) {
        self.linear = linear
        form =
            MatrixBackend.usesTiles
            ? .panels(
                forward: WeightPanels(columns: linear.output, depth: linear.input),
                backward: WeightPanels(columns: linear.input, depth: linear.output)
            ) : .rows(.allocate(capacity: max(1, linear.output * linear.input)))
    }

    /// Rows or columns of a piece.
    private static let height = 96

    /// The parts that can be rounded side by side.
    public var pieceCount: Int {
        func count(_ length: Int) -> Int { (length + Self.height - 1) / Self.height }
        switch form {
        case .rows: return count(linear.output)
        case .panels: return count(linear.output) + count(linear.input)
        }
    }

    /// Rounds a part of the weights as they are now.
    ///
    /// - Returns: how many.
    @discardableResult public func refresh(_ piece: Int) -> Int {
        func range(_ piece: Int, of length: Int) -> Range<Int> {
            piece * Self.height..<min((piece + 1) * Self.height, length)
        }
        let outputs = (linear.output + Self.height - 1) / Self.height
        guard piece < outputs else {
            let columns = range(piece - outputs, of: linear.input)
            let weight = Matrix(linear.weight, rows: linear.output, columns: linear.input)
            if case .panels(_, let backward) = form { backward.round(weight, columns) }
            return columns.count * linear.output
        }
        let rows = range(piece, of: linear.output)
        let count = rows.count * linear.input
        switch form {
        case .rows(let values):
            let start = rows.lowerBound * linear.input
            bk_to_bfloat16(linear.weight + start, count, 1, count, values + start)
        case .panels(let forward, _):
            forward.round(transposed: linear, rows)
        }
        return count
    }

    deinit { if case .rows(let values) = form { values.deallocate() } }
}
