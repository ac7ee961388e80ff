/// Sequences laid end to end, without padding.
///
/// Sequence `i` is the rows `offsets[i]..<offsets[i + 1]` of `ids` and `tokenTypes`.
public struct PackedBatch: Hashable, Sendable {
    /// Piece ids. `[tokens]`
    public let ids: [Int32]
    /// Token types. `[tokens]`
    public let tokenTypes: [Int32]
    /// Where each sequence begins, and the end. `[sequences + 1]`
    public let offsets: [Int]
    /// The rows that a token classifier answers, ascending; nil is every row. Heads of sequences do
    /// not read it.
    public let answered: [Int]?

    /// - Precondition: `offsets` begin with 0, do not fall, and end with the number of tokens;
    ///   `answered` are rows, ascending and without repetition.
    public init(
        ids: [Int32],
        tokenTypes: [Int32],
        offsets: [Int],
        answered: [Int]? = nil
    ) {
        precondition(ids.count == tokenTypes.count, "one token type for each id")
        precondition(offsets.first == 0 && offsets.last == ids.count, "offsets span the tokens")
        precondition(zip(offsets, offsets.dropFirst()).allSatisfy(<=), "offsets do not fall")
        if let answered {
            let isAscending = zip(answered, answered.dropFirst()).allSatisfy(<)
            precondition(
                isAscending && answered.first ?? 0 >= 0 && answered.last ?? -1 < ids.count,
                "answered rows ascend within the batch"
            )
        }
        self.answered = answered
        self.ids = ids
        self.tokenTypes = tokenTypes
        self.offsets = offsets
    }

    /// The encodings in their order.
    public init(_ encodings: [Encoding], answered: [Int]? = nil) {
        var ids: [Int32] = []
        var tokenTypes: [Int32] = []
        var offsets = [0]
        let tokenCount = encodings.reduce(0) { $0 + $1.ids.count }
        ids.reserveCapacity(tokenCount)
        tokenTypes.reserveCapacity(tokenCount)
        offsets.reserveCapacity(encodings.count + 1)
        for encoding in encodings {
            ids += encoding.ids
            tokenTypes += encoding.tokenTypes
            offsets.append(ids.count)
        }
        self.init(ids: ids, tokenTypes: tokenTypes, offsets: offsets, answered: answered)
    }

    /// The number of sequences.
    public var sequenceCount: Int { offsets.count - 1 }

    /// The number of tokens of all sequences.
    public var tokenCount: Int { ids.count }

    /// The rows of a sequence.
    public func rows(of sequence: Int) -> Range<Int> { offsets[sequence]..<offsets[sequence + 1] }

    /// The number of tokens of a sequence.
    public func length(of sequence: Int) -> Int { rows(of: sequence).count }
}
