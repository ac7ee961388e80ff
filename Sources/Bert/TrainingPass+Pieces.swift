public import Kernels
import Tokenization

/// A few of the rows whose word pieces are predicted, in the hands of one worker.
public struct PieceBlock: @unchecked Sendable {
    /// Which of the chosen rows these are.
    public let outputs: Range<Int>
    /// `[outputs, V]`: the logits, in whose place a loss puts its gradient.
    public let logits: Matrix
    /// Room for one row of logits.
    public let scratch: UnsafeMutablePointer<Float>
}

extension TrainingPass {
    /// Rows that a worker predicts at once.
    private static let blockRows = 64
    /// Logits that are in memory at once: 64 MB, or those of one block where that is more.
    private static let logitCount = 1 << 24

    /// Rows whose logits are in memory at once.
    private static func rowLimit(_ vocabulary: Int) -> Int {
        max(blockRows, logitCount / vocabulary / blockRows * blockRows)
    }

    /// Makes room for the prediction of so many tokens.
    ///
    /// - Precondition: the model has a head that predicts pieces.
    public func reservePieces(rows: Int) {
        guard let head = model.views.predictions else {
            preconditionFailure("no head that predicts pieces")
        }
        let sizes = PieceWork.sizes(
            head,
            rows: rows,
            logitRows: min(Self.rowLimit(head.decoder.output), rows),
            blockCount: (rows + Self.blockRows - 1) / Self.blockRows,
            workerCount: pool.workerCount
        )
        _ = pieceMemory.reserve(sizes.reduce(0, +))
    }

    /// Takes tokens of the last forward pass through the head of a masked language model, forward and
    /// back: the head's gradients are left in `gradients`, and the last layer's for `backward`.
    ///
    /// Only the chosen tokens are multiplied with the decoder, some hundred at a time, so that memory
    /// does not grow with tokens times vocabulary. The decoder is tied to the word embeddings, whose
    /// gradient becomes dense: every piece has a part of it.
    ///
    /// - Parameters:
    ///   - rows: tokens as rows of the batch, ascending and without repetition.
    ///   - gradients: those that `backward` is to complete, with the same `accumulate`.
    ///   - loss: turns a block's logits into the gradient of the loss; runs on the workers.
    public func predictPieces(
        _ rows: [Int],
        into gradients: Gradients,
        accumulate: Bool,
        loss: (_ block: PieceBlock, _ worker: Int) -> Void
    ) {
        guard let state, let head = model.views.predictions,
            let target = gradients.views.predictions, let last = state.layers.last?.output
        else { preconditionFailure("predicting pieces before a forward pass of such a model") }
        precondition(
            zip(rows, rows.dropFirst()).allSatisfy(<) && rows.first ?? 0 >= 0
                && rows.last ?? -1 < state.batch.tokenCount,
            "rows of the batch, ascending"
        )
        let limit = Self.rowLimit(head.decoder.output)
        var blocks: [[Range<Int>]] = []
        for start in stride(from: 0, to: rows.count, by: limit) {
            blocks.append([])
            Linear.forEachBlock(start..<min(start + limit, rows.count), height: Self.blockRows) {
                blocks[blocks.count - 1].append($0)
            }
        }
        let work = PieceWork(
            pass: self,
            head: head,
            rows: rows,
            states: last,
            blockCount: blocks.reduce(0) { $0 + $1.count },
            logitRows: min(limit, rows.count)
        )
        state.pieces = (.some(rows), work.dChosen)
        if rows.isEmpty, !accumulate { gradients.clearPieces() }
        if rows.isEmpty { return }
        var (number, isAdded) = (0, accumulate)
        let pool = pool
        for part in blocks {
            let (first, start) = (number, part[0].lowerBound)
            pool.run(part.count) { task, worker in
                let block = PieceBlock(
                    outputs: part[task],
                    logits: work.logits.slice(
                        part[task].lowerBound - start..<part[task].upperBound - start
                    ),
                    scratch: work.scratch + worker * head.decoder.output
                )
                work.run(block, number: first + task, worker: worker, pool.recorder(worker), loss)
            }
            let all = start..<(part.last?.upperBound ?? start)
            work.addDecoderGradients(to: target.decoder, outputs: all, accumulate: isAdded)
            number += part.count
            isAdded = true
        }
        work.addTransformGradients(to: target, accumulate: accumulate)
    }
}

/// The head over the chosen rows of one batch, forward and back.
private struct PieceWork: @unchecked Sendable {
    let head: PredictionViews
    let configuration: BertConfiguration
    let pool: WorkerPool
    let rows: [Int]
    /// The last layer's output, `[T, H]`.
    let states: Matrix
    let blockCount: Int

    let chosen: Matrix  // [R, H]
    let sum: Matrix  // [R, E], before the activation
    let activated: Matrix  // [R, E]
    let statistics: LayerActivations.RowStatistics
    let transformed: Matrix  // [R, E]
    let dSum: Matrix  // [R, E]
    let dChosen: Matrix  // [R, H]
    let logits: Matrix  // [some of R, V]
    /// By block, the sums for the layer normalisation and the dense bias.
    let vectors: UnsafeMutablePointer<Float>
    /// V floats for each worker.
    let scratch: UnsafeMutablePointer<Float>

    init(
        pass: TrainingPass,
        head: PredictionViews,
        rows: [Int],
        states: Matrix,
        blockCount: Int,
        logitRows: Int
    ) {
        (self.head, self.rows, self.states) = (head, rows, states)
        (self.blockCount, pool) = (blockCount, pass.pool)
        configuration = pass.model.configuration
        let (hidden, size) = (head.dense.input, head.dense.output)
        let (count, vocabulary) = (rows.count, head.decoder.output)
        let sizes = Self.sizes(
            head,
            rows: count,
            logitRows: logitRows,
            blockCount: blockCount,
            workerCount: pool.workerCount
        )
        let base = pass.pieceMemory.reserve(sizes.reduce(0, +))
        var places: [UnsafeMutablePointer<Float>] = []
        var end = 0
        for size in sizes {
            places.append(base + end)
            end += size
        }
        chosen = Matrix(places[0], rows: count, columns: hidden)
        sum = Matrix(places[1], rows: count, columns: size)
        activated = Matrix(places[2], rows: count, columns: size)
        statistics = .init(mean: places[3], reciprocalDeviation: places[4])
        transformed = Matrix(places[5], rows: count, columns: size)
        dSum = Matrix(places[6], rows: count, columns: size)
        dChosen = Matrix(places[7], rows: count, columns: hidden)
        logits = Matrix(places[8], rows: logitRows, columns: vocabulary)
        vectors = places[9]
        scratch = places[10]
    }

    /// The floats of its parts, in the order in which they lie.
    static func sizes(
        _ head: PredictionViews,
        rows count: Int,
        logitRows: Int,
        blockCount: Int,
        workerCount: Int
    ) -> [Int] {
        let (hidden, size) = (head.dense.input, head.dense.output)
        let vocabulary = head.decoder.output
        return [
            count * hidden, count * size, count * size, count, count, count * size, count * size,
            count * hidden, logitRows * vocabulary, blockCount * 3 * size,
            workerCount * vocabulary,
        ].map { ($0 + 15) / 16 * 16 }
    }

    private func sums(_ block: Int) -> (norm: LayerNorm, bias: UnsafeMutablePointer<Float>) {
        let size = head.dense.output
        let base = vectors + block * 3 * size
        return (LayerNorm(weight: base, bias: base + size, size: size), base + 2 * size)
    }

    /// One block, from the last layer's output to the gradient of that.
    func run(
        _ block: PieceBlock,
        number: Int,
        worker: Int,
        _ recorder: OperationRecorder?,
        _ loss: (_ block: PieceBlock, _ worker: Int) -> Void
    ) {
        let outputs = block.outputs
        let (before, after) = (sum.slice(outputs), activated.slice(outputs))
        let (input, result, d) = (
            chosen.slice(outputs), transformed.slice(outputs), dSum.slice(outputs)
        )
        let count = before.rows * before.columns
        let activation = configuration.predictionActivation.kernel
        let saved = statistics.saved(activated, outputs)
        recorder?.lap(.planning)
        states.gather(rows[outputs], into: input)
        recorder?.lap(.planning)
        head.dense.forward(input, into: before)
        recorder?.forward(.otherHeads, head.dense, rows: outputs.count)
        activation.forward(before.base, after.base, count: count)
        recorder?.lap(.activation, floats: 2 * count)
        head.norm.forward(
            dense: after,
            residual: nil,
            epsilon: Float(configuration.predictionEpsilon),
            saved: saved,
            into: result,
            firstRow: 0,
            dropout: .none
        )
        recorder?.lap(.layerNorm, floats: 2 * count)
        head.decoder.forward(result, into: block.logits)
        recorder?.forward(.otherHeads, head.decoder, rows: outputs.count)
        loss(block, worker)
        recorder?.lap(.loss)

        let sums = sums(number)
        sums.norm.weight.update(repeating: 0, count: 3 * sums.norm.size)
        head.decoder.backwardInput(block.logits, into: d, accumulate: false)
        recorder?.backwardInput(.decoderInput, head.decoder, rows: outputs.count, accumulate: false)
        head.norm.backward(d, saved: saved, into: d, gradients: sums.norm)
        recorder?.lap(.layerNormBackward, floats: 3 * count)
        activation.backward(before.base, d.base, d.base, count: count)
        recorder?.lap(.activationBackward, floats: 3 * count)
        Elementwise.addColumnSums(d, to: sums.bias)
        recorder?.lap(.biasSums, floats: count)
        head.dense.backwardInput(d, into: dChosen.slice(outputs), accumulate: false)
        recorder?.backwardInput(.decoderInput, head.dense, rows: outputs.count, accumulate: false)
    }

    /// The decoder's gradients from the logits' gradients of some outputs, each task some pieces.
    func addDecoderGradients(to target: Linear, outputs: Range<Int>, accumulate: Bool) {
        let height = max(32, 384 * 384 / target.input / 32 * 32)
        let input = transformed.slice(outputs)
        let d = logits.slice(0..<outputs.count)
        pool.run((target.output + height - 1) / height) { task, worker in
            let pieces = task * height..<min((task + 1) * height, target.output)
            let (part, recorder) = (target.outputs(pieces), pool.recorder(worker))
            let dPart = Matrix(
                d.base + pieces.lowerBound,
                rows: d.rows,
                columns: pieces.count,
                stride: d.stride
            )
            part.accumulateWeight(dPart, input, accumulate: accumulate)
            recorder?.weight(.decoderWeight, part, rows: input.rows, accumulate: accumulate)
            if !accumulate { part.bias.update(repeating: 0, count: pieces.count) }
            Elementwise.addColumnSums(dPart, to: part.bias)
            recorder?.lap(.biasSums, floats: d.rows * pieces.count)
        }
    }

    /// The gradients of what stands before the decoder.
    func addTransformGradients(to target: PredictionViews, accumulate: Bool) {
        let size = target.dense.output
        let height = 96
        pool.run((size + height - 1) / height + 1) { task, worker in
            let recorder = pool.recorder(worker)
            if task == 0 {
                if !accumulate {
                    for vector in [target.norm.weight, target.norm.bias, target.dense.bias] {
                        vector.update(repeating: 0, count: size)
                    }
                }
                for block in 0..<blockCount {
                    let sums = sums(block)
                    Elementwise.add(target.norm.weight, sums.norm.weight, count: size)
                    Elementwise.add(target.norm.bias, sums.norm.bias, count: size)
                    Elementwise.add(target.dense.bias, sums.bias, count: size)
                }
                recorder?.lap(.gradientReduction, floats: 6 * blockCount * size)
                return
            }
            let range = (task - 1) * height..<min(task * height, size)
            let part = target.dense.outputs(range)
            let d = Matrix(
                dSum.base + range.lowerBound,
                rows: dSum.rows,
                columns: range.count,
                stride: dSum.stride
            )
            part.accumulateWeight(d, chosen, accumulate: accumulate)
            recorder?.weight(.decoderWeight, part, rows: chosen.rows, accumulate: accumulate)
        }
    }
}
