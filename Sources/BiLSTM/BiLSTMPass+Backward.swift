import Bert
import Kernels
import Tokenization

extension BiLSTMPass {
    typealias Task = () -> Void

    /// Rows of a weight's gradient that a task computes.
    private static let taskRows = 96

    /// The gradients of all parameters for the last forward pass, from `logitGradients`.
    ///
    /// - Parameter accumulate: adds to what `gradients` holds instead of replacing it.
    public func backward(into gradients: BiLSTMGradients, accumulate: Bool = false) {
        guard let state else { preconditionFailure("backward before forward") }
        let (views, pool) = (model.views, pool)
        pool.run(state.blocks.count) { task, _ in
            let rows = state.blocks[task]
            let d = state.dHidden.slice(rows)
            views.output.backwardInput(state.dLogits.slice(rows), into: d, accumulate: false)
            let count = rows.count * d.columns
            state.hiddenDropout.apply(
                to: d.base,
                count: count,
                first: rows.lowerBound * d.columns
            )
            let sum = state.hiddenSum.slice(rows)
            Activation.relu.backward(sum.base, d.base, d.base, count: count)
            let dFeatures = state.dFeatures.slice(rows)
            views.hidden.backwardInput(d, into: dFeatures, accumulate: false)
            state.layer.backward(
                dFeatures,
                states: state.states,
                examples: rows,
                into: state.dStates
            )
        }
        if !accumulate { gradients.reset() }
        let beside = headTasks(state, gradients.views, accumulate)
        let shards = state.plan.shards
        pool.run(2 * shards.count + beside.count) { task, _ in
            guard task < 2 * shards.count else {
                return beside[task - 2 * shards.count]()
            }
            let (shard, direction) = (shards[task / 2], task % 2)
            let all = state[direction]
            RecurrentLayer(views: views, direction: direction).backward(
                shard,
                dropout: state.embeddingDropout,
                memory: state.memory(shard, direction),
                dStates: state.dStates,
                dCells: all.dCells.base + shard.firstText * views.units,
                into: all.dx.slice(shard.rows)
            )
        }
        let last =
            recurrentTasks(state, gradients.views, accumulate) + embeddingTasks(state, gradients)
        pool.run(last.count) { task, _ in last[task]() }
    }

    private func headTasks(
        _ state: BiLSTMState,
        _ gradients: BiLSTMViews,
        _ accumulate: Bool
    ) -> [Task] {
        let features = model.configuration.readsPairs ? state.features : state.states
        return tasks(gradients.hidden, state.dHidden, features, accumulate)
            + tasks(gradients.output, state.dLogits, state.hidden, accumulate)
    }

    /// The gradients of a matrix and its bias, some rows to a task.
    private func tasks(
        _ gradient: Linear,
        _ d: Matrix,
        _ x: Matrix,
        _ accumulate: Bool
    ) -> [Task] {
        stride(from: 0, to: gradient.output, by: Self.taskRows).map { start in
            let rows = start..<min(start + Self.taskRows, gradient.output)
            return {
                let part = gradient.outputs(rows)
                let d = d.columns(rows)
                part.accumulateWeight(d, x, accumulate: accumulate)
                if !accumulate { part.bias.update(repeating: 0, count: rows.count) }
                Elementwise.addColumnSums(d, to: part.bias)
            }
        }
    }

    private func recurrentTasks(
        _ state: BiLSTMState,
        _ gradients: BiLSTMViews,
        _ accumulate: Bool
    ) -> [Task] {
        [0, 1].flatMap { direction -> [Task] in
            let all = state[direction]
            let gradient = gradients.recurrent[direction]
            let recurrent = stride(from: 0, to: gradient.output, by: Self.taskRows)
                .map { start -> Task in
                    let rows = start..<min(start + Self.taskRows, gradient.output)
                    return {
                        for (index, shard) in state.plan.shards.enumerated() {
                            // The first step read no step before it.
                            let later = shard.firstRow + shard.steps[1]..<shard.rows.upperBound
                            gradient.outputs(rows).accumulateWeight(
                                all.gates.slice(later).columns(rows),
                                all.before.slice(later),
                                accumulate: accumulate || index > 0
                            )
                        }
                    }
                }
            return tasks(gradients.input[direction], all.gates, all.x, accumulate) + recurrent
        }
    }

    /// A word piece's row is the sum over its tokens, in batch order, of what both directions have.
    private func embeddingTasks(_ state: BiLSTMState, _ gradients: BiLSTMGradients) -> [Task] {
        let batch = state.batch
        var places = [[Int]](repeating: [Int](repeating: -1, count: batch.tokenCount), count: 2)
        for shard in state.plan.shards {
            for direction in 0..<2 {
                for (row, token) in shard.tokens[direction].enumerated() {
                    places[direction][token] = shard.firstRow + row
                }
            }
        }
        let read = places[0].indices.filter { places[0][$0] >= 0 }
        let plan = gradients.plan(read.map { batch.ids[$0] })
        let width = model.configuration.embeddingSize
        let found = places
        return stride(from: 0, to: plan.rowCount, by: 64).map { start in
            {
                for row in start..<min(start + 64, plan.rowCount) {
                    let target = gradients.wordRow(row)
                    if row >= plan.known { target.update(repeating: 0, count: width) }
                    for number in plan.tokens[plan.starts[row]..<plan.starts[row + 1]] {
                        for direction in 0..<2 {
                            let place = found[direction][read[number]]
                            Elementwise.add(
                                target,
                                state[direction].dx.base + place * width,
                                count: width
                            )
                        }
                    }
                }
            }
        }
    }
}

extension Matrix {
    /// Columns `range` as a view of their own.
    fileprivate func columns(_ range: Range<Int>) -> Matrix {
        Matrix(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }
}
