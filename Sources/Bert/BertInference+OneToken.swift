public import Kernels
public import Tokenization

extension BertInference {
    /// The last layer's output for one token of each sequence, a masked one for instance. Nothing else of
    /// that layer is computed but keys and values.
    ///
    /// - Parameters:
    ///   - rows: by sequence, its token, as a row of the batch.
    ///   - states: `[B, H]`, overwritten.
    /// - Precondition: ids are below the vocabulary size, sequences have at most `longestSequence` tokens,
    ///   and each row lies in its sequence.
    public func states(_ batch: PackedBatch, of rows: [Int], into states: Matrix) {
        precondition(
            rows.count == batch.sequenceCount && states.rows == rows.count
                && states.columns == configuration.hiddenSize && states.stride == states.columns
                && rows.indices.allSatisfy { batch.rows(of: $0).contains(rows[$0]) },
            "a token of each sequence"
        )
        var places = OutputPlaces()
        places.standing = states
        run(batch, places, standing: rows)
    }
}
