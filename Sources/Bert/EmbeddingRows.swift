import Tokenization

/// The rows of the position and token type tables that a batch's tokens take, `[T]` each.
struct EmbeddingRows: Sendable {
    let positions: [Int32]
    /// All 0 where the model has one token type, or none.
    let types: [Int32]

    /// - Precondition: the batch fits the model's tables.
    init(_ batch: PackedBatch, _ configuration: BertConfiguration) {
        var positions: [Int32] = []
        positions.reserveCapacity(batch.tokenCount)
        let isRoBERTa = configuration.family == .roberta
        let first = Int32(configuration.firstPosition)
        let padding = Int32(configuration.padTokenID)
        for sequence in 0..<batch.sequenceCount {
            let length = batch.length(of: sequence)
            precondition(
                length <= configuration.longestSequence,
                "a sequence of \(length) tokens for \(configuration.longestSequence) positions"
            )
            var next = first
            for row in batch.rows(of: sequence) {
                // RoBERTa does not count padding pieces, also where a text spells one out.
                if isRoBERTa, batch.ids[row] == padding {
                    positions.append(padding)
                } else {
                    positions.append(next)
                    next += 1
                }
            }
        }
        self.positions = positions
        let (words, count) = (configuration.vocabularySize, configuration.tokenTypeCount)
        precondition(batch.ids.allSatisfy { $0 >= 0 && $0 < words }, "a token id beyond \(words)")
        if count > 1 {
            precondition(
                batch.tokenTypes.allSatisfy { $0 >= 0 && $0 < count },
                "a token type beyond \(count)"
            )
            types = batch.tokenTypes
        } else {
            types = [Int32](repeating: 0, count: batch.tokenCount)
        }
    }
}
