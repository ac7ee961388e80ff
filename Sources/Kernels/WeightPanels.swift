import CKernels

/// The right-hand side of AMX products: panels of 32 columns (`bf16.h`).
final class WeightPanels: @unchecked Sendable {
    /// Columns of a panel.
    static let width = Int(BK_AMX_COLUMNS)

    let elementBytes: Int
    /// The rows, as products run through them.
    let depth: Int
    private let memory: UnsafeMutableRawPointer

    init(columns: Int, depth: Int, elementBytes: Int = 2) {
        self.elementBytes = elementBytes
        self.depth = bk_amx_depth(depth, elementBytes)
        let panels = (columns + WeightPanels.width - 1) / WeightPanels.width
        memory = .allocate(
            byteCount: max(1, panels * WeightPanels.width * self.depth * elementBytes),
            alignment: 1 << 12
        )
    }

    /// A layer's weights for its forward product: a column is an output.
    convenience init(rounding linear: Linear) {
        self.init(columns: linear.output, depth: linear.input)
        round(transposed: linear, 0..<linear.output)
    }

    /// The same of bytes `[output, input]`, which are given back.
    convenience init(_ values: UnsafeMutablePointer<Int8>, _ linear: Linear) {
        self.init(columns: linear.output, depth: linear.input, elementBytes: 1)
        bk_amx_pack_bytes(
            values,
            linear.output,
            linear.input,
            memory.assumingMemoryBound(to: Int8.self)
        )
        values.deallocate()
    }

    /// Where the panel of a column starts, a multiple of 32.
    func column(_ index: Int) -> UnsafeMutableRawPointer { memory + index * depth * elementBytes }

    /// Columns from outputs of a layer: Wᵀ.
    func round(transposed linear: Linear, _ outputs: Range<Int>) {
        bk_amx_pack_transposed(
            linear.weight + outputs.lowerBound * linear.input,
            linear.input,
            outputs.count,
            linear.input,
            column(outputs.lowerBound).assumingMemoryBound(to: UInt16.self)
        )
    }

    /// Columns from those of a matrix in memory.
    func round(_ matrix: Matrix, _ range: Range<Int>) {
        bk_amx_pack(
            matrix.base + range.lowerBound,
            matrix.stride,
            matrix.rows,
            range.count,
            column(range.lowerBound).assumingMemoryBound(to: UInt16.self)
        )
    }

    deinit { memory.deallocate() }
}
