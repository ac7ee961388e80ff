/// Sequences laid end to end, without padding: sequence i is rows `offsets[i]..<offsets[i + 1]`.
public struct PackedBatch: Sendable, Equatable {
    /// Word piece ids, `[T]`.
    public let ids: [Int32]
    /// Segment ids, `[T]`.
    public let tokenTypes: [Int32]
    /// Where each sequence starts, and the total at the end, `[sequenceCount + 1]`.
    public let offsets: [Int]

    public init(ids: [Int32], tokenTypes: [Int32], offsets: [Int]) {
        precondition(ids.count == tokenTypes.count && offsets.first == 0 && offsets.last == ids.count)
        (self.ids, self.tokenTypes, self.offsets) = (ids, tokenTypes, offsets)
    }

    public var sequenceCount: Int { offsets.count - 1 }
    public var tokenCount: Int { ids.count }

    public func length(of sequence: Int) -> Int { offsets[sequence + 1] - offsets[sequence] }
}
