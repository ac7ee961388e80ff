import Kernels
import Tokenization

/// Weight gradients, over the whole batch.
extension BackwardPass {
    /// The part of a weight gradient that one task computes: about as many products as 384 rows of 384. In
    /// bfloat16 a task rounds its operands, and parts are square so that few are rounded twice.
    private func blocks(
        of linear: Linear,
        _ precision: Precision
    ) -> [(outputs: Range<Int>, inputs: Range<Int>)] {
        func cut(_ length: Int, _ height: Int) -> [Range<Int>] {
            stride(from: 0, to: length, by: height).map { $0..<min($0 + height, length) }
        }
        guard precision == .bf16, MatrixBackend.usesTiles else {
            let height = max(32, 384 * 384 / linear.input / 32 * 32)
            return cut(linear.output, height).map { ($0, 0..<linear.input) }
        }
        return cut(linear.output, 384)
            .flatMap { outputs in cut(linear.input, 384).map { (outputs, $0) } }
    }

    private func tasks(
        _ operation: ProfiledOperation,
        _ linear: Linear,
        _ dOutput: Matrix,
        _ input: Matrix,
        precision: Precision? = nil
    ) -> [Task] {
        let precision = precision ?? self.precision
        return blocks(of: linear, precision).map { [accumulate] block in
            { recorder in
                let part = linear.outputs(block.outputs)
                part.accumulateWeight(
                    Matrix(
                        dOutput.base + block.outputs.lowerBound,
                        rows: dOutput.rows,
                        columns: block.outputs.count,
                        stride: dOutput.stride
                    ),
                    input,
                    accumulate: accumulate,
                    inputs: block.inputs,
                    precision: precision
                )
                recorder?.weight(
                    operation,
                    part,
                    inputs: block.inputs.count,
                    rows: input.rows,
                    accumulate: accumulate
                )
            }
        }
    }

    /// A layer's projection gradients, laid out as the projections themselves.
    func projectionGradients(
        _ index: Int
    ) -> (all: Matrix, query: Matrix, key: Matrix, value: Matrix, keyValue: Matrix) {
        let (memory, width) = (state.dProjections[index % 2], views.layers[index].attentionWidth)
        let all = memory.narrowed(to: 3 * width)
        func part(_ number: Int, of parts: Int, columns: Int) -> Matrix {
            Matrix(
                memory.base + number * width,
                rows: memory.rows,
                columns: columns,
                stride: parts * width
            )
        }
        if state.layers[index].firstTokenOnly {
            return (
                all, state.dFirstQuery.narrowed(to: width), part(0, of: 2, columns: width),
                part(1, of: 2, columns: width), part(0, of: 2, columns: 2 * width)
            )
        }
        return (
            all, part(0, of: 3, columns: width), part(1, of: 3, columns: width),
            part(2, of: 3, columns: width), part(1, of: 3, columns: 2 * width)
        )
    }

    /// A layer's context gradients, `[T, A]`.
    func contextGradients(_ index: Int) -> Matrix {
        state.dContext.narrowed(to: views.layers[index].attentionWidth)
    }

    /// The weight gradients of one layer, once every shard has its output gradients.
    func weightTasks(_ index: Int) -> [Task] {
        let a = state.layers[index]
        let d = gradients.views.layers[index]
        let rows = 0..<a.output.rows
        let projections = projectionGradients(index)
        let attention =
            a.firstTokenOnly
            ? tasks(.queryKeyValueWeight, d.query, projections.query.slice(rows), a.queryInput)
                + tasks(.queryKeyValueWeight, d.keyValue, projections.keyValue, a.input)
            : tasks(.queryKeyValueWeight, d.queryKeyValue, projections.all, a.input)
        return attention
            + tasks(
                .attentionOutputWeight,
                d.attentionOutput,
                state.dAttentionOutput[index % 2].slice(rows),
                a.context
            )
            + tasks(
                .intermediateWeight,
                d.intermediate,
                state.dIntermediate[index % 2].slice(rows),
                a.attended
            )
            + tasks(.outputWeight, d.output, state.dOutput[index % 2].slice(rows), a.activated)
    }

    func headWeightTasks() -> [Task] {
        let d = gradients.views
        let reduction: Task = { [vectors, accumulate] recorder in
            vectors.reduce(into: d, accumulate: accumulate)
            recorder?.lap(.gradientReduction, floats: vectors.reducedFloats)
        }
        guard let classifier = d.classifier else { return [reduction] }
        let classification = tasks(
            .classifierWeight,
            classifier,
            state.dLogits,
            state.droppedPooled,
            precision: .f32
        )
        guard let pooler = d.pooler else { return classification + [reduction] }
        return classification
            + tasks(.poolerWeight, pooler, state.dPooled, state.first, precision: .f32) + [
                reduction
            ]
    }

    /// The embedding tables' gradients, from the gradient of their sum, and those of what widens it.
    func embeddingTasks(_ words: WordRowPlan) -> [Task] {
        let d = state.dEmbeddings
        let (size, accumulate) = (d.columns, accumulate)
        let padding = Int32(configuration.padTokenID)
        let views = gradients.views
        var tasks =
            views.embeddingsProject.map {
                self.tasks(
                    .embeddingProjectionWeight,
                    $0,
                    state.dHidden,
                    state.embeddings,
                    precision: .f32
                )
            } ?? []
        let block = 64
        for start in stride(from: 0, to: words.rowCount, by: block) {
            tasks.append { [gradients] recorder in
                for row in start..<min(start + block, words.rowCount) {
                    let target = gradients.wordRow(row)
                    if row >= words.known { target.update(repeating: 0, count: size) }
                    // The padding piece has no gradient, as in the library.
                    if gradients.wordIDs[row] == padding { continue }
                    for token in words.tokens[words.starts[row]..<words.starts[row + 1]] {
                        Elementwise.add(target, d.base + token * size, count: size)
                    }
                }
                let end = min(start + block, words.rowCount)
                let read = words.starts[end] - words.starts[start]
                recorder?.lap(.embeddingGradients, floats: (read + end - start) * size)
            }
        }
        let places = TableRowPlan(
            state.indices.positions,
            rowCount: configuration.maximumPositionCount
        )
        // RoBERTa's row of padding pieces has no gradient.
        let first = configuration.firstPosition
        for start in stride(from: 0, to: configuration.maximumPositionCount, by: block) {
            tasks.append { recorder in
                for position in start..<min(start + block, places.rowCount) {
                    let target = views.positionEmbeddings + position * size
                    if !accumulate { target.update(repeating: 0, count: size) }
                    for token in places.tokens(of: position) where position >= first {
                        Elementwise.add(target, d.base + token * size, count: size)
                    }
                }
                let end = min(start + block, places.rowCount)
                let read = (start..<end).reduce(0) { $0 + places.tokens(of: $1).count }
                recorder?.lap(.embeddingGradients, floats: (read + end - start) * size)
            }
        }
        if configuration.hasTokenTypes {
            let (rows, count) = (state.indices.types, configuration.tokenTypeCount)
            tasks.append { recorder in
                let types = views.typeTable
                if !accumulate { types.update(repeating: 0, count: count * size) }
                for (token, type) in rows.enumerated() {
                    Elementwise.add(
                        types + Int(type) * size,
                        d.base + token * size,
                        count: size
                    )
                }
                recorder?.lap(.embeddingGradients, floats: (rows.count + count) * size)
            }
        }
        return tasks
    }
}

/// Which tokens took each row of a table, in batch order.
private struct TableRowPlan: Sendable {
    private let starts: [Int]
    private let tokens: [Int]
    var rowCount: Int { starts.count - 1 }

    init(_ rows: [Int32], rowCount: Int) {
        var starts = [Int](repeating: 0, count: rowCount + 1)
        for row in rows { starts[Int(row) + 1] += 1 }
        for row in 0..<rowCount { starts[row + 1] += starts[row] }
        var next = starts
        var tokens = [Int](repeating: 0, count: rows.count)
        for (token, row) in rows.enumerated() {
            tokens[next[Int(row)]] = token
            next[Int(row)] += 1
        }
        self.starts = starts
        self.tokens = tokens
    }

    func tokens(of row: Int) -> ArraySlice<Int> { tokens[starts[row]..<starts[row + 1]] }
}
