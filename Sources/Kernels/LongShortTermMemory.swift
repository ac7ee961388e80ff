import CKernels

/// One time step of a long short-term memory for several sequences, element by element:
///
///     i, f, o = σ(·), g = tanh(·), c = f ⊙ c₋₁ + i ⊙ g, h = o ⊙ tanh(c)
///
/// of what the products gave for each gate; a row of gates is `[i | f | g | o]`.
///
/// - Source: Hochreiter & Schmidhuber 1997 with Gers et al.'s forget gate, as `torch.nn.LSTM` and Keras
///   compute it.
public enum LongShortTermMemory {
    /// - Parameters:
    ///   - gates: `[rows, 4U]` without gaps: what σ and tanh read, replaced by what they give.
    ///   - before: the cells of the step before, `[rows, U]`; nil for zeros.
    ///   - cells: `[rows, U]`, written; may be `before`.
    ///   - output: `[rows, U]`, written.
    public static func forward(
        gates: UnsafeMutablePointer<Float>,
        before: UnsafePointer<Float>?,
        cells: UnsafeMutablePointer<Float>,
        output: UnsafeMutablePointer<Float>,
        rows: Int,
        units: Int
    ) {
        bk_lstm_forward(gates, before, cells, output, rows, units)
    }

    /// - Parameters:
    ///   - gates: as `forward` left them, replaced by the gradient of what they read.
    ///   - before, cells: as `forward` had and left them.
    ///   - dOutput: `[rows, U]`.
    ///   - dCells: the gradient that later steps have for the cells, replaced by that for `before`.
    public static func backward(
        gates: UnsafeMutablePointer<Float>,
        before: UnsafePointer<Float>?,
        cells: UnsafePointer<Float>,
        dOutput: UnsafePointer<Float>,
        dCells: UnsafeMutablePointer<Float>,
        rows: Int,
        units: Int
    ) {
        bk_lstm_backward(gates, before, cells, dOutput, dCells, rows, units)
    }
}
