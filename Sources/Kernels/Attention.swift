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

    /// One sequence's queries, keys and values, and what is kept of it. Heads lie side by side; there are as
    /// many, N, as the matrices have room for.
    public struct Sequence: @unchecked Sendable {
        /// D, the width of one head.
        public var headSize: Int
        /// `[queries, N D]`: of all tokens, or only of the first (`[CLS]`).
        public var query: Matrix
        /// `[length, N D]`, with the stride of the values.
        public var key: Matrix
        /// `[length, N D]`
        public var value: Matrix
        /// Receives (forward) or provides (backward) the log-sum-exp, `[N, queries]`.
        public var logSum: UnsafeMutablePointer<Float>?
        /// Unnormalised scores `[N, queries, length]`: written by forward; backward reads their
        /// gradient here.
        public var scores: UnsafeMutablePointer<Float>?
        /// Where the sequence's `[N, queries, length]` dropout mask starts.
        public var firstMaskElement: Int

        public init(
            headSize: Int,
            query: Matrix,
            key: Matrix,
            value: Matrix,
            logSum: UnsafeMutablePointer<Float>?,
            scores: UnsafeMutablePointer<Float>?,
            firstMaskElement: Int
        ) {
            precondition(key.stride == value.stride)
            self.headSize = headSize
            (self.query, self.key, self.value) = (query, key, value)
            self.logSum = logSum
            self.scores = scores
            self.firstMaskElement = firstMaskElement
        }

        /// N
        public var headCount: Int { query.columns / headSize }
        var scale: Float { 1 / Float(headSize).squareRoot() }
    }

    /// - Parameters:
    ///   - context: `[queries, N D]`, overwritten.
    ///   - rounding: whether both products may round their operands to bfloat16: without dropout, and where
    ///     nothing but the context is wanted of more than one query.
    ///   - heads: the heads to compute; nil for all.
    public static func forward(
        _ sequence: Sequence,
        context: Matrix,
        dropout: Dropout,
        heads: Range<Int>? = nil,
        rounding: Bool = false,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let (q, k, v) = (sequence.query, sequence.key, sequence.value)
        let heads = heads ?? 0..<sequence.headCount
        let (first, size) = (heads.lowerBound, sequence.headSize)
        if rounding, Attention.rounds, q.rows > 1, sequence.logSum == nil, sequence.scores == nil {
            bk_attention_forward_bf16(
                q.base + first * size,
                q.stride,
                k.base + first * size,
                v.base + first * size,
                k.stride,
                context.base + first * size,
                context.stride,
                heads.count,
                q.rows,
                k.rows,
                size,
                sequence.scale,
                MatrixBackend.usesTiles ? 1 : 0,
                scratch
            )
            return
        }
        let block = first * q.rows * k.rows
        bk_attention_forward(
            q.base + first * size,
            q.stride,
            k.base + first * size,
            v.base + first * size,
            k.stride,
            context.base + first * size,
            context.stride,
            heads.count,
            q.rows,
            k.rows,
            size,
            sequence.scale,
            sequence.logSum.map { $0 + first * q.rows },
            sequence.scores.map { $0 + block },
            UInt64(sequence.firstMaskElement + block),
            dropout.constants,
            scratch
        )
    }

    /// Gradients of queries, keys and values, overwritten, with their strides.
    public static func backward(
        _ sequence: Sequence,
        dContext: Matrix,
        dQ: Matrix,
        dK: Matrix,
        dV: Matrix,
        dropout: Dropout,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let (q, k, v) = (sequence.query, sequence.key, sequence.value)
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
            q.rows,
            k.rows,
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
