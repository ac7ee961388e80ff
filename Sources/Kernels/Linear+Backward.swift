import COneDNN

extension Linear {
    /// dX = dY · weight, or dX += dY · weight.
    ///
    /// - Parameters:
    ///   - dOutput: `[m, output]`.
    ///   - dInput: `[m, input]`.
    public func backwardInput(_ dOutput: Matrix, into dInput: Matrix, accumulate: Bool) {
        precondition(
            dOutput.columns == output && dInput.columns == input && dOutput.rows == dInput.rows
        )
        Linear.forEachBlock(0..<dOutput.rows) { rows in
            let (dOutput, dInput) = (dOutput.slice(rows), dInput.slice(rows))
            if let rounded {
                multiply(
                    .rounded(dOutput, slot: 0),
                    Operand(base: rounded, row: input, column: 1, type: BK_BFLOAT16),
                    inner: output,
                    into: dInput,
                    accumulate: accumulate
                )
            } else {
                multiply(
                    .rows(dOutput),
                    Operand(base: weight, row: input, column: 1),
                    inner: output,
                    into: dInput,
                    accumulate: accumulate
                )
            }
        }
    }

    /// weight = dYᵀ · X, or += it: this layer holds gradients.
    ///
    /// - Parameters:
    ///   - dOutput: `[T, output]`.
    ///   - x: `[T, input]`, the rows the forward pass saw.
    ///   - precision: f32 or bf16; the sum is in single precision either way.
    public func accumulateWeight(
        _ dOutput: Matrix,
        _ x: Matrix,
        accumulate: Bool,
        precision: Precision = .f32
    ) {
        precondition(dOutput.columns == output && x.columns == input && dOutput.rows == x.rows)
        precondition(precision != .int8, "training in bytes")
        var accumulate = accumulate
        let target = Matrix(weight, rows: output, columns: input)
        Linear.forEachBlock(0..<x.rows, height: 2 * Linear.blockHeight) { rows in
            let (dOutput, x) = (dOutput.slice(rows), x.slice(rows))
            if precision == .bf16 {
                let d = Operand.rounded(dOutput, slot: 0)
                multiply(
                    Operand(base: d.base, row: 1, column: output, type: BK_BFLOAT16),
                    .rounded(x, slot: 1),
                    inner: x.rows,
                    into: target,
                    accumulate: accumulate
                )
            } else {
                multiply(
                    .transposed(dOutput),
                    .rows(x),
                    inner: x.rows,
                    into: target,
                    accumulate: accumulate
                )
            }
            accumulate = true
        }
        if !accumulate { weight.update(repeating: 0, count: output * input) }
    }
}

extension Operand {
    /// A matrix's rows in bfloat16, in the thread's own memory.
    fileprivate static func rounded(_ matrix: Matrix, slot: Int32) -> Operand {
        Operand(
            base: roundedRows(matrix, slot: slot),
            row: matrix.columns,
            column: 1,
            type: BK_BFLOAT16
        )
    }
}
