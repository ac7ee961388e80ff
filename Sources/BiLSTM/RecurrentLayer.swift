import Kernels

/// The LSTM in one direction.
struct RecurrentLayer {
    let views: BiLSTMViews
    /// 0 forwards, 1 backwards.
    let direction: Int
    var units: Int { views.units }
    var width: Int { views.embeddingSize }

    /// What a shard is computed in, packed rows without gaps.
    struct Memory: @unchecked Sendable {
        /// The embeddings of its tokens, `[rows, E]`.
        let x: Matrix
        /// The gates, `[rows, 4U]`; going back, the gradient of what they read.
        let gates: Matrix
        /// `[rows, U]`, or `[texts, U]` if only the last step's are kept.
        let cells: UnsafeMutablePointer<Float>
        /// What the step before put out, `[rows, U]`; nil if that is not kept.
        let before: UnsafeMutablePointer<Float>?
        /// What a step puts out, `[texts, U]`.
        let output: UnsafeMutablePointer<Float>
    }

    /// Reads a shard's texts and writes their final states into this direction's columns.
    ///
    /// - Parameters:
    ///   - ids: the batch's.
    ///   - dropout: of the embeddings, by rows of the batch.
    ///   - states: `[texts of the batch, 2U]`.
    func forward(
        _ shard: TextShard,
        ids: [Int32],
        dropout: Dropout,
        memory: Memory,
        into states: Matrix
    ) {
        for (row, token) in shard.tokens[direction].enumerated() {
            let target = memory.x.base + row * width
            target.update(from: views.embedding + Int(ids[token]) * width, count: width)
            dropout.apply(to: target, count: width, first: token * width)
        }
        views.input[direction].forward(memory.x, into: memory.gates)
        let recurrent = views.recurrent[direction]
        let keeps = memory.before != nil
        for step in 0..<shard.stepCount {
            let (start, height) = (shard.steps[step], shard.height(step))
            let gates = memory.gates.slice(start..<start + height)
            if step > 0 {
                let before = memory.before.map { $0 + start * units } ?? memory.output
                recurrent.addForward(Matrix(before, rows: height, columns: units), to: gates)
            }
            let cells = keeps ? memory.cells + start * units : memory.cells
            let earlier = keeps ? memory.cells + shard.steps[max(0, step - 1)] * units : cells
            LongShortTermMemory.forward(
                gates: gates.base,
                before: step > 0 ? UnsafePointer(earlier) : nil,
                cells: cells,
                output: memory.output,
                rows: height,
                units: units
            )
            let next = shard.height(step + 1)
            if let before = memory.before {
                (before + (start + height) * units)
                    .update(from: memory.output, count: next * units)
            }
            for text in next..<height {
                state(states, shard.texts[text])
                    .update(from: memory.output + text * units, count: units)
            }
        }
    }

    /// From the gradient of the final states to those of what the gates read (in `memory.gates`) and of
    /// the embeddings.
    ///
    /// - Parameters:
    ///   - dCells: `[texts, U]`, to work in; `memory.output` is too.
    ///   - dx: `[rows, E]`, written.
    func backward(
        _ shard: TextShard,
        dropout: Dropout,
        memory: Memory,
        dStates: Matrix,
        dCells: UnsafeMutablePointer<Float>,
        into dx: Matrix
    ) {
        let recurrent = views.recurrent[direction]
        let dOutput = memory.output
        for step in (0..<shard.stepCount).reversed() {
            let (start, height) = (shard.steps[step], shard.height(step))
            for text in shard.height(step + 1)..<height {
                (dOutput + text * units)
                    .update(from: state(dStates, shard.texts[text]), count: units)
                (dCells + text * units).update(repeating: 0, count: units)
            }
            let gates = memory.gates.slice(start..<start + height)
            let earlier = memory.cells + shard.steps[max(0, step - 1)] * units
            LongShortTermMemory.backward(
                gates: gates.base,
                before: step > 0 ? UnsafePointer(earlier) : nil,
                cells: memory.cells + start * units,
                dOutput: dOutput,
                dCells: dCells,
                rows: height,
                units: units
            )
            guard step > 0 else { continue }
            recurrent.backwardInput(
                gates,
                into: Matrix(dOutput, rows: height, columns: units),
                accumulate: false
            )
        }
        views.input[direction].backwardInput(memory.gates, into: dx, accumulate: false)
        for (row, token) in shard.tokens[direction].enumerated() {
            dropout.apply(to: dx.base + row * width, count: width, first: token * width)
        }
    }

    private func state(_ states: Matrix, _ text: Int) -> UnsafeMutablePointer<Float> {
        states.base + text * states.stride + direction * units
    }
}
