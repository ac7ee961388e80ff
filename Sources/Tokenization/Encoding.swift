/// A text or a pair of texts as a model takes it: `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`.
public struct Encoding: Hashable, Sendable {
    /// Piece ids, special ones included.
    public var ids: [Int32]
    /// 0 for `[CLS]`, A and its `[SEP]`; 1 for B and its `[SEP]`.
    public var tokenTypes: [Int32]
    /// How many pieces were cut off to keep to the maximum length.
    public var truncated: Int

    public init(ids: [Int32], tokenTypes: [Int32], truncated: Int) {
        precondition(ids.count == tokenTypes.count, "one token type for each id")
        self.ids = ids
        self.tokenTypes = tokenTypes
        self.truncated = truncated
    }
}
