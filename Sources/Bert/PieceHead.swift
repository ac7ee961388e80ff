public import Kernels

extension PredictionViews {
    /// logits = LayerNorm(activation(dense(x))) · word embeddingsᵀ + bias.
    ///
    /// - Parameters:
    ///   - chosen: `[R, H]`, the last layer's output for the tokens whose pieces are predicted.
    ///   - dense: `[R, E]`, overwritten; likewise `transformed`.
    ///   - logits: `[R, V]`.
    func predict(
        _ chosen: Matrix,
        dense: Matrix,
        transformed: Matrix,
        into logits: Matrix,
        _ configuration: BertConfiguration,
        _ recorder: OperationRecorder?
    ) {
        let activation = configuration.predictionActivation.kernel
        self.dense.forward(chosen, into: dense, activation: activation)
        recorder?.forward(.otherHeads, self.dense, rows: chosen.rows)
        norm.forward(
            dense: dense,
            residual: nil,
            epsilon: Float(configuration.predictionEpsilon),
            saved: nil,
            into: transformed,
            firstRow: 0,
            dropout: .none
        )
        recorder?.lap(.layerNorm, floats: 2 * dense.rows * dense.columns)
        decoder.forward(transformed, into: logits)
        recorder?.forward(.otherHeads, decoder, rows: logits.rows)
    }
}

extension BertInference {
    /// Floats of scratch that `pieceLogits` needs for so many rows.
    public func pieceScratch(rows: Int) -> Int {
        rows * (configuration.hiddenSize + 2 * configuration.embeddingSize)
    }

    /// The logits of every word piece for some tokens, from the last layer's output; runs on the calling
    /// worker.
    ///
    /// - Parameters:
    ///   - states: `[T, H]`, hidden state L of a batch.
    ///   - rows: the tokens, as rows of the batch.
    ///   - logits: `[R, V]`, overwritten.
    ///   - scratch: `pieceScratch` floats.
    /// - Precondition: the model has a masked-language-model head.
    public func pieceLogits(
        _ states: Matrix,
        rows: ArraySlice<Int>,
        into logits: Matrix,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard let head = views.predictions else { preconditionFailure("no head for pieces") }
        let (hidden, size) = (configuration.hiddenSize, configuration.embeddingSize)
        let chosen = Matrix(scratch, rows: rows.count, columns: hidden)
        states.gather(rows, into: chosen)
        let dense = Matrix(scratch + rows.count * hidden, rows: rows.count, columns: size)
        let transformed = Matrix(dense.base + rows.count * size, rows: rows.count, columns: size)
        head.predict(
            chosen,
            dense: dense,
            transformed: transformed,
            into: logits,
            configuration,
            nil
        )
    }
}

extension Matrix {
    /// Copies the rows of these numbers, one after another.
    func gather(_ rows: ArraySlice<Int>, into target: Matrix) {
        for (index, row) in rows.enumerated() {
            (target.base + index * target.stride)
                .update(from: base + row * stride, count: columns)
        }
    }
}
