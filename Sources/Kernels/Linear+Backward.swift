import CKernels
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
            switch rounded?.form {
            case .panels(_, let backward):
                multiplyTiles(
                    tiledRows(dOutput),
                    backward.column(0),
                    depth: backward.depth,
                    into: dInput,
                    accumulate: accumulate
                )
            case .rows(let values):
                multiply(
                    .rounded(dOutput, slot: 0),
                    Operand(base: values, row: input, column: 1, type: BK_BFLOAT16),
                    inner: output,
                    into: dInput,
                    accumulate: accumulate
                )
            case nil:
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
    ///   - inputs: the columns of the gradient to compute; nil for all.
    ///   - precision: f32 or bf16; the sum is in single precision either way.
    public func accumulateWeight(
        _ dOutput: Matrix,
        _ x: Matrix,
        accumulate: Bool,
        inputs: Range<Int>? = nil,
        precision: Precision = .f32
    ) {
        precondition(dOutput.columns == output && x.columns == input && dOutput.rows == x.rows)
        precondition(precision != .int8, "training in bytes")
        var accumulate = accumulate
        let inputs = inputs ?? 0..<input
        let target = Matrix(
            weight + inputs.lowerBound,
            rows: output,
            columns: inputs.count,
            stride: input
        )
        let x = Matrix(
            x.base + inputs.lowerBound,
            rows: x.rows,
            columns: inputs.count,
            stride: x.stride
        )
        Linear.forEachBlock(0..<x.rows, height: 2 * Linear.blockHeight) { rows in
            let (dOutput, x) = (dOutput.slice(rows), x.slice(rows))
            if precision == .bf16, MatrixBackend.usesTiles {
                tiledWeight(dOutput, x, into: target, accumulate: accumulate)
            } else if precision == .bf16 {
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
        guard !accumulate else { return }
        for row in 0..<output {
            (target.base + row * input).update(repeating: 0, count: inputs.count)
        }
    }

    /// Some rows' share of a weight gradient, by AMX: rounded where they lie in the thread's own memory.
    private func tiledWeight(
        _ dOutput: Matrix,
        _ x: Matrix,
        into target: Matrix,
        accumulate: Bool
    ) {
        let depth = bk_amx_depth(x.rows, 2)
        let columns = (x.columns + WeightPanels.width - 1) / WeightPanels.width * WeightPanels.width
        let a = bk_thread_memory(0, 2 * paddedToTiles(dOutput.columns) * depth)!
            .assumingMemoryBound(to: UInt16.self)
        let b = bk_thread_memory(1, 2 * columns * depth)!.assumingMemoryBound(to: UInt16.self)
        bk_amx_round_columns(dOutput.base, dOutput.stride, x.rows, dOutput.columns, a)
        bk_amx_pack(x.base, x.stride, x.rows, x.columns, b)
        multiplyTiles(a, b, depth: depth, into: target, accumulate: accumulate)
    }
}

/// C = A · B or C += A · B, A as `tiledRows` has it and B in panels.
private func multiplyTiles(
    _ a: UnsafePointer<UInt16>,
    _ b: UnsafeRawPointer,
    depth: Int,
    into c: Matrix,
    accumulate: Bool
) {
    var product = bk_amx_product()
    product.rows = c.rows
    product.columns = c.columns
    product.depth = depth
    product.a = UnsafeRawPointer(a)
    product.b = b
    product.accumulate = accumulate ? 1 : 0
    product.out = c.base
    product.stride = c.stride
    bk_amx_multiply(&product)
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
