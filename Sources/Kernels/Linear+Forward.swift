import CKernels
import COneDNN
import COpenBLAS

extension Linear {
    /// out = x · weightᵀ + bias, then `activation` when one is given, in the precision that the weights
    /// were packed for.
    ///
    /// - Parameters:
    ///   - x: `[m, input]`.
    ///   - out: `[m, output]`, overwritten.
    ///   - slices: which parts of the outputs to compute; nil for all. The rest of `out` is left alone.
    public func forward(
        _ x: Matrix,
        into out: Matrix,
        activation: Activation? = nil,
        slices: Range<Int>? = nil
    ) {
        precondition(x.columns == input && out.columns == output && x.rows == out.rows)
        if let packed, let panels = packed.panels {
            let slices = slices ?? 0..<sliceCount
            Linear.forEachBlock(0..<x.rows) { rows in
                tiled(x.slice(rows), out.slice(rows), activation, slices, panels, packed.bytes)
            }
            return
        }
        Linear.forEachBlock(0..<x.rows) { rows in
            let (x, out) = (x.slice(rows), out.slice(rows))
            // The library's fast products take rows without gaps.
            switch packed?.precision {
            case .f32 where x.stride == input: floats(x, out, activation, slices)
            case .bf16: rounded(x, out, activation, slices)
            case .int8: bytes(x, out, activation, slices ?? 0..<sliceCount)
            default: unpacked(x, out, activation, slices ?? 0..<sliceCount)
            }
        }
    }

    /// out += x · weightᵀ, in single precision and without the bias.
    ///
    /// - Parameters:
    ///   - x: `[m, input]`.
    ///   - out: `[m, output]`.
    public func addForward(_ x: Matrix, to out: Matrix) {
        precondition(x.columns == input && out.columns == output && x.rows == out.rows)
        Linear.forEachBlock(0..<x.rows) { rows in
            let (x, out) = (x.slice(rows), out.slice(rows))
            if packed?.precision == .f32, x.stride == input {
                var shape = product(rows: x.rows, outputs: output, type: BK_FLOAT32)
                (shape.has_bias, shape.accumulate) = (0, 1)
                shape.c_row = Int32(out.stride)
                run(shape, x.base, nil, packed?.whole, nil, out.base)
            } else {
                multiply(
                    .rows(x),
                    Operand(base: weight, row: 1, column: input),
                    inner: input,
                    into: out,
                    accumulate: true
                )
            }
        }
    }

    /// Through packed weights, bias and activation with the product.
    private func floats(
        _ x: Matrix,
        _ out: Matrix,
        _ activation: Activation?,
        _ slices: Range<Int>?
    ) {
        if slices == nil, out.stride == output {
            var shape = product(rows: x.rows, outputs: output, type: BK_FLOAT32)
            shape.activation = activation?.number ?? 0
            run(shape, x.base, nil, packed?.whole, bias, out.base)
            return
        }
        for index in slices ?? 0..<sliceCount {
            let range = slice(index)
            var shape = product(rows: x.rows, outputs: range.count, type: BK_FLOAT32)
            shape.activation = activation?.number ?? 0
            let part = bk_thread_memory(1, 4 * x.rows * range.count)!
                .assumingMemoryBound(to: Float.self)
            run(shape, x.base, nil, packed?.slices[index], bias + range.lowerBound, part)
            for row in 0..<x.rows {
                (out.base + row * out.stride + range.lowerBound)
                    .update(from: part + row * range.count, count: range.count)
            }
        }
    }

    /// x rounded to bfloat16. An exact GELU of values that the next layer rounds is not worth its
    /// time: the quick one follows each slice, which is in cache.
    private func rounded(
        _ x: Matrix,
        _ out: Matrix,
        _ activation: Activation?,
        _ slices: Range<Int>?
    ) {
        let input = roundedRows(x, slot: 0)
        if slices == nil, out.stride == output, activation != .gelu {
            var shape = product(rows: x.rows, outputs: output, type: BK_BFLOAT16)
            shape.activation = activation?.number ?? 0
            run(shape, input, nil, packed?.whole, bias, out.base)
            return
        }
        for index in slices ?? 0..<sliceCount {
            let range = slice(index)
            var shape = product(rows: x.rows, outputs: range.count, type: BK_BFLOAT16)
            if activation != .gelu { shape.activation = activation?.number ?? 0 }
            let part = bk_thread_memory(1, 4 * x.rows * range.count)!
                .assumingMemoryBound(to: Float.self)
            run(shape, input, nil, packed?.slices[index], bias + range.lowerBound, part)
            let target = out.base + range.lowerBound
            if activation == .gelu {
                bk_gelu_quick(part, x.rows, range.count, target, out.stride)
            } else {
                for row in 0..<x.rows {
                    (target + row * out.stride)
                        .update(from: part + row * range.count, count: range.count)
                }
            }
        }
    }

    /// x rounded as the weights are, by weights in panels: bias and activation with the product.
    private func tiled(
        _ x: Matrix,
        _ out: Matrix,
        _ activation: Activation?,
        _ slices: Range<Int>,
        _ panels: WeightPanels,
        _ bytes: ByteWeight?
    ) {
        guard !slices.isEmpty else { return }
        let outputs = slice(slices.lowerBound).lowerBound..<slice(slices.upperBound - 1).upperBound
        var product = bk_amx_product()
        product.rows = x.rows
        product.columns = outputs.count
        product.depth = panels.depth
        product.b = UnsafeRawPointer(panels.column(outputs.lowerBound))
        product.bias = UnsafePointer(bias + outputs.lowerBound)
        product.activation = activation?.number ?? 0
        product.out = out.base + outputs.lowerBound
        product.stride = out.stride
        guard let bytes else {
            product.a = UnsafeRawPointer(tiledRows(x))
            bk_amx_multiply(&product)
            return
        }
        let rowBytes = paddedToTiles(x.rows) * panels.depth
        let memory = bk_thread_memory(0, rowBytes + 8 * x.rows)!
        let scales = (memory + rowBytes).assumingMemoryBound(to: Float.self)
        let rows = memory.assumingMemoryBound(to: UInt8.self)
        let lows = scales + x.rows
        bk_quantize_rows(x.base, x.stride, x.rows, input, rows, panels.depth, scales, lows)
        product.a = UnsafeRawPointer(memory)
        product.scales = UnsafePointer(scales)
        product.lows = UnsafePointer(lows)
        product.weight_scales = UnsafePointer(bytes.scales.base + outputs.lowerBound)
        product.weight_sums = UnsafePointer(bytes.sums.base + outputs.lowerBound)
        bk_amx_multiply(&product)
    }

    /// x as bytes over each row's range, exact sums, then scales, bias and activation.
    private func bytes(
        _ x: Matrix,
        _ out: Matrix,
        _ activation: Activation?,
        _ slices: Range<Int>
    ) {
        guard let packed, let weights = packed.bytes else { preconditionFailure("no bytes") }
        let rowBytes = (x.rows * input + 63) / 64 * 64
        let memory = bk_thread_memory(0, rowBytes + 8 * x.rows)!
        let quantized = memory.assumingMemoryBound(to: UInt8.self)
        let scales = (memory + rowBytes).assumingMemoryBound(to: Float.self)
        let lows = scales + x.rows
        bk_quantize_rows(x.base, x.stride, x.rows, input, quantized, input, scales, lows)
        for index in slices {
            let range = slice(index)
            let sums = bk_thread_memory(1, 4 * x.rows * range.count)!
                .assumingMemoryBound(to: Int32.self)
            if packed.slices.isEmpty {
                guard let values = weights.values else { preconditionFailure("no bytes") }
                bk_byte_product(
                    quantized,
                    values + range.lowerBound * input,
                    sums,
                    x.rows,
                    range.count,
                    input
                )
            } else {
                let shape = product(rows: x.rows, outputs: range.count, type: BK_UINT8)
                run(shape, quantized, nil, packed.slices[index], nil, sums)
            }
            bk_dequantize_rows(
                sums,
                x.rows,
                range.count,
                scales,
                lows,
                weights.scales.base + range.lowerBound,
                weights.sums.base + range.lowerBound,
                bias + range.lowerBound,
                activation?.number ?? 0,
                out.base + range.lowerBound,
                out.stride
            )
        }
    }

    /// Weights as they lie, which may change between calls.
    private func unpacked(
        _ x: Matrix,
        _ out: Matrix,
        _ activation: Activation?,
        _ slices: Range<Int>
    ) {
        guard !slices.isEmpty else { return }
        if case .panels(let forward, _) = rounded?.form {
            tiled(x, out, activation, slices, forward, nil)
            return
        }
        let range = slice(slices.lowerBound).lowerBound..<slice(slices.upperBound - 1).upperBound
        let weight = weight + range.lowerBound * input
        let bias = bias + range.lowerBound
        let target = Matrix(
            out.base + range.lowerBound,
            rows: out.rows,
            columns: range.count,
            stride: out.stride
        )
        switch MatrixBackend.current {
        case .oneDNN:
            let type = rounded == nil ? BK_FLOAT32 : BK_BFLOAT16
            var shape = product(rows: x.rows, outputs: range.count, type: type)
            shape.c_row = Int32(out.stride)
            shape.activation = activation?.number ?? 0
            if case .rows(let values) = rounded?.form {
                let values = values + range.lowerBound * input
                run(shape, roundedRows(x, slot: 0), values, nil, bias, target.base)
            } else {
                shape.a_row = Int32(x.stride)
                run(shape, x.base, weight, nil, bias, target.base)
            }
        case .openBLAS:
            for row in 0..<out.rows {
                (target.base + row * out.stride).update(from: bias, count: range.count)
            }
            multiply(
                .rows(x),
                Operand(base: weight, row: 1, column: input),
                inner: input,
                into: target,
                accumulate: true
            )
            guard let activation else { return }
            for row in 0..<out.rows {
                let line = target.base + row * out.stride
                activation.forward(line, line, count: range.count)
            }
        }
    }
}

/// A matrix's rows in bfloat16, in the thread's own memory.
func roundedRows(_ x: Matrix, slot: Int32) -> UnsafeMutablePointer<UInt16> {
    let values = bk_thread_memory(slot, max(1, 2 * x.rows * x.columns))!
        .assumingMemoryBound(to: UInt16.self)
    bk_to_bfloat16(x.base, x.stride, x.rows, x.columns, values)
    return values
}

/// Rows of tiles that hold so many.
func paddedToTiles(_ rows: Int) -> Int { (rows + 15) / 16 * 16 }

/// A matrix's rows in bfloat16 as AMX products read them, in the thread's own memory.
func tiledRows(_ x: Matrix) -> UnsafeMutablePointer<UInt16> {
    let values = bk_thread_memory(0, 2 * paddedToTiles(x.rows) * bk_amx_depth(x.columns, 2))!
        .assumingMemoryBound(to: UInt16.self)
    bk_amx_round_rows(x.base, x.stride, x.rows, x.columns, values)
    return values
}
