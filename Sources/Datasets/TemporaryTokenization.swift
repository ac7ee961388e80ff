// Stand-ins until the Tokenization module has them.
public struct Encoding: Sendable {
    public var ids: [Int32]
    public var tokenTypes: [Int32]
    public var truncated: Int
    public init(ids: [Int32], tokenTypes: [Int32], truncated: Int) {
        self.ids = ids
        self.tokenTypes = tokenTypes
        self.truncated = truncated
    }
}
public struct PackedBatch: Sendable {
    public var ids: [Int32]
    public var tokenTypes: [Int32]
    public var offsets: [Int]
    public init(ids: [Int32], tokenTypes: [Int32], offsets: [Int]) {
        self.ids = ids
        self.tokenTypes = tokenTypes
        self.offsets = offsets
    }
}
