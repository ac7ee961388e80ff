import CKernels

/// Scaled dot-product attention over packed sequences: softmax(Q Kᵀ / √D) V per sequence and head.
public enum Attention {
    /// Floats of scratch one call needs for sequences of at most `length` tokens.
    public static func scratchCount(length: Int, headSize: Int) -> Int {
        max(bk_attention_scratch(length, headSize), bk_attention_bf16_scratch(length, headSize))
    }

    /// Whether `forward` can round its operands to bfloat16 here.
    public static let rounds =
        bk_attention_bf16_available() != 0 && MatrixBackend.current == .oneDNN

    /// One sequence's place and what is kept of it.
    public struct Sequence: @unchecked Sendable {
        /// The queries taken: all tokens, or only the first (`[CLS]`).
        public var queries: Int
        public var length: Int
        public var headCount: Int
        public var headSize: Int
        /// Receives (forward) or provides (backward) the log-sum-exp, `[heads, queries]`.
        public var logSum: UnsafeMutablePointer<Float>?
        /// Unnormalised scores `[heads, queries, length]`: written by forward; backward reads their
        /// gradient here.
        public var scores: UnsafeMutablePointer<Float>?
        /// Where the sequence's `[heads, queries, length]` dropout mask starts.
        public var firstMaskElement: Int

        public init(
            queries: Int,
            length: Int,
            headCount: Int,
            headSize: Int,
            logSum: UnsafeMutablePointer<Float>?,
            scores: UnsafeMutablePointer<Float>?,
            firstMaskElement: Int
        ) {
            self.queries = queries
            self.length = length
            self.headCount = headCount
            self.headSize = headSize
            self.logSum = logSum
            self.scores = scores
            self.firstMaskElement = firstMaskElement
        }

        var scale: Float { 1 / Float(headSize).squareRoot() }
    }

    /// - Parameters:
    ///   - q: `[queries, H]`.
    ///   - k, v: `[length, H]`, with one stride.
    ///   - context: `[queries, H]`, overwritten.
    ///   - rounding: whether both products may round their operands to bfloat16: without dropout, and where
    ///     nothing but the context is wanted of more than one query.
    ///   - heads: the heads to compute; nil for all.
    public static func forward(
        _ sequence: Sequence,
        q: Matrix,
        k: Matrix,
        v: Matrix,
        context: Matrix,
        dropout: Dropout,
        heads: Range<Int>? = nil,
        rounding: Bool = false,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let heads = heads ?? 0..<sequence.headCount
        let (first, size) = (heads.lowerBound, sequence.headSize)
        if rounding, Attention.rounds, sequence.queries > 1, sequence.logSum == nil,
            sequence.scores == nil
        {
            bk_attention_forward_bf16(
                q.base + first * size,
                q.stride,
                k.base + first * size,
                v.base + first * size,
                k.stride,
                context.base + first * size,
                context.stride,
                heads.count,
                sequence.queries,
                sequence.length,
                size,
                sequence.scale,
                MatrixBackend.usesTiles ? 1 : 0,
                scratch
            )
            return
        }
        let block = first * sequence.queries * sequence.length
        bk_attention_forward(
            q.base + first * size,
            q.stride,
            k.base + first * size,
            v.base + first * size,
            k.stride,
            context.base + first * size,
            context.stride,
            heads.count,
            sequence.queries,
            sequence.length,
            size,
            sequence.scale,
            sequence.logSum.map { $0 + first * sequence.queries },
            sequence.scores.map { $0 + block },
            UInt64(sequence.firstMaskElement + block),
            dropout.constants,
            scratch
        )
    }

    /// Gradients of q, k and v, overwritten, with the strides of q and k.
    public static func backward(
        _ sequence: Sequence,
        q: Matrix,
        k: Matrix,
        v: Matrix,
        dContext: Matrix,
        dQ: Matrix,
        dK: Matrix,
        dV: Matrix,
        dropout: Dropout,
        scratch: UnsafeMutablePointer<Float>
    ) {
        precondition(dQ.stride == q.stride && dK.stride == k.stride && dV.stride == k.stride)
        guard let logSum = sequence.logSum else {
            preconditionFailure("the forward pass kept no log-sum-exp")
        }
        bk_attention_backward(
            q.base,
            q.stride,
            k.base,
            v.base,
            k.stride,
            dContext.base,
            dContext.stride,
            sequence.headCount,
            sequence.queries,
            sequence.length,
            sequence.headSize,
            sequence.scale,
            logSum,
            sequence.scores,
            UInt64(sequence.firstMaskElement),
            dropout.constants,
            dQ.base,
            dK.base,
            dV.base,
            scratch
        )
    }
}
