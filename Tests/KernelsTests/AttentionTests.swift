import CKernels
import Kernels
import Testing

@Suite struct AttentionTests {
    static let lengths = [1, 2, 13, 15, 16, 17, 31, 32, 33, 63, 65, 130]

    /// Queries, keys and values as columns of one projection, with the reference of the same data.
    private struct Case {
        let length: Int
        let queries: Int
        let headSize: Int
        let heads = 2
        let firstMaskElement = 37
        let dropout: Dropout
        let expected: ReferenceAttention.Output
        /// Without and with a gradient of the scores.
        let expectedGradients: [(q: [Double], k: [Double], v: [Double])]
        let projections: GuardedFloats
        let dContext: [Float]
        let dScores: [Float]

        init(
            length: Int,
            headSize: Int,
            firstOnly: Bool,
            probability: Float,
            factor: Double = 1
        ) {
            (self.length, self.headSize) = (length, headSize)
            queries = firstOnly ? 1 : length
            dropout = Dropout(probability: probability, seed: 1, step: 2, site: 3)
            projections = GuardedFloats(
                normals(length * 3 * heads * headSize, seed: 4, deviation: 1.3 * factor)
            )
            dContext = normals(queries * heads * headSize, seed: 5)
            dScores = normals(heads * queries * length, seed: 6, deviation: 0.1)
            let reference = ReferenceAttention(
                queries: queries,
                length: length,
                heads: heads,
                headSize: headSize,
                mask: doubles(
                    ReferenceDropout.factors(
                        dropout,
                        first: UInt64(firstMaskElement),
                        count: heads * queries * length
                    )
                )
            )
            let width = heads * headSize
            let memory = projections
            func values(_ number: Int, _ rows: Int) -> [Double] {
                doubles(Case.part(number, of: memory, rows: rows, width: width).values)
            }
            let (q, k, v) = (values(0, queries), values(1, length), values(2, length))
            expected = reference.forward(q: q, k: k, v: v)
            expectedGradients = [0.0, 1.0].map { [dContext, dScores] factor in
                reference.backward(
                    q: q,
                    k: k,
                    v: v,
                    dContext: doubles(dContext),
                    dScores: dScores.map { factor * Double($0) }
                )
            }
        }

        var width: Int { heads * headSize }

        func part(_ number: Int, of memory: GuardedFloats, rows: Int) -> Matrix {
            Case.part(number, of: memory, rows: rows, width: width)
        }
        private static func part(
            _ number: Int,
            of memory: GuardedFloats,
            rows: Int,
            width: Int
        ) -> Matrix {
            Matrix(memory.base + number * width, rows: rows, columns: width, stride: 3 * width)
        }
        var q: Matrix { part(0, of: projections, rows: queries) }
        var k: Matrix { part(1, of: projections, rows: length) }
        var v: Matrix { part(2, of: projections, rows: length) }

        func sequence(logSum: GuardedFloats?, scores: GuardedFloats?) -> Attention.Sequence {
            Attention.Sequence(
                headSize: headSize,
                query: q,
                key: k,
                value: v,
                logSum: logSum?.base,
                scores: scores?.base,
                firstMaskElement: firstMaskElement
            )
        }
    }

    @Test(arguments: lengths, [8, 26, 32, 64])
    func `forward and backward are those of the definition`(_ length: Int, _ headSize: Int) {
        for firstOnly in [false, true] {
            for probability in [0, 0.3] as [Float] {
                let data = Case(
                    length: length,
                    headSize: headSize,
                    firstOnly: firstOnly,
                    probability: probability
                )
                let name = "first only \(firstOnly), dropout \(probability)"
                for kernel in AttentionKernel.all {
                    let logSum = checkForward(data, kernel, name)
                    checkBackward(data, kernel, logSum, name)
                }
            }
        }
    }

    @Test(
        .enabled(if: bk_attention_bf16_available() != 0, "no bf16 dot products here"),
        arguments: lengths.dropFirst() + [512],
        [8, 26, 32, 64]
    )
    func `in bfloat16 it is that of rounded operands`(_ length: Int, _ headSize: Int) {
        let data = Case(length: length, headSize: headSize, firstOnly: false, probability: 0)
        let values = data.projections.values.map { value in
            // To nearest, ties to even.
            let bits = value.bitPattern
            return Float(bitPattern: ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) << 16)
        }
        let width = 3 * data.width
        func part(_ number: Int) -> [Double] {
            (0..<length).flatMap { row in
                let start = row * width + number * data.width
                return doubles(Array(values[start..<start + data.width]))
            }
        }
        let expected = ReferenceAttention(
            queries: length,
            length: length,
            heads: data.heads,
            headSize: headSize,
            mask: [Double](repeating: 1, count: data.heads * length * length)
        ).forward(q: part(0), k: part(1), v: part(2)).context
        for tiles in bk_amx_available() != 0 ? [0, 1] : [0] as [Int32] {
            let context = GuardedFloats(count: length * data.width)
            let scratch = GuardedFloats(count: bk_attention_bf16_scratch(length, headSize))
            bk_attention_forward_bf16(
                data.q.base,
                data.q.stride,
                data.k.base,
                data.v.base,
                data.k.stride,
                context.base,
                data.width,
                data.heads,
                length,
                length,
                headSize,
                1 / Float(headSize).squareRoot(),
                tiles,
                scratch.base
            )
            // Probabilities are rounded to eight bits, the sum that divides them is not.
            let error = worstError(context.values, expected)
            #expect(error < 4e-3 && context.isIntact && scratch.isIntact, "\(tiles): \(error)")
        }
    }

    @Test(arguments: [26, 32, 64])
    func `the longest sequences are those of the definition`(_ headSize: Int) {
        let data = Case(length: 512, headSize: headSize, firstOnly: false, probability: 0.1)
        for kernel in AttentionKernel.all {
            let logSum = checkForward(data, kernel, "512")
            checkBackward(data, kernel, logSum, "512")
        }
    }

    private func checkForward(
        _ data: Case,
        _ kernel: AttentionKernel,
        _ name: String
    ) -> GuardedFloats {
        let name = "\(kernel.testDescription), \(name)"
        let expected = data.expected
        let scratch = GuardedFloats(
            count: Attention.scratchCount(length: data.length, headSize: data.headSize)
        )
        let logSum = GuardedFloats(count: data.heads * data.queries)
        for keeps in [true, false] {
            let scores = GuardedFloats(count: data.heads * data.queries * data.length)
            let context = GuardedFloats(count: data.queries * data.width)
            kernel.forward(
                data.sequence(logSum: keeps ? logSum : nil, scores: keeps ? scores : nil),
                context: context.matrix(rows: data.queries, columns: data.width),
                dropout: data.dropout,
                scratch: scratch.base
            )
            let error = worstError(context.values, expected.context)
            #expect(error < 3e-6, "\(name): context \(error)")
            if keeps {
                #expect(worstError(scores.values, expected.scores) < 1e-6, "\(name)")
                #expect(worstError(logSum.values, expected.logSum) < 1e-6, "\(name)")
            }
            #expect([scores, context, logSum, scratch].areIntact, "\(name)")
        }
        return logSum
    }

    private func checkBackward(
        _ data: Case,
        _ kernel: AttentionKernel,
        _ logSum: GuardedFloats,
        _ name: String
    ) {
        let scratch = GuardedFloats(
            count: Attention.scratchCount(length: data.length, headSize: data.headSize)
        )
        let name = "\(kernel.testDescription), \(name)"
        for hasScoreGradient in [false, true] {
            let expected = data.expectedGradients[hasScoreGradient ? 1 : 0]
            let gradients = GuardedFloats(count: data.length * 3 * data.width)
            let dContext = GuardedFloats(data.dContext)
            let dScores = GuardedFloats(data.dScores)
            let d = [data.queries, data.length, data.length].enumerated().map {
                data.part($0, of: gradients, rows: $1)
            }
            kernel.backward(
                data.sequence(logSum: logSum, scores: hasScoreGradient ? dScores : nil),
                dContext: dContext.matrix(rows: data.queries, columns: data.width),
                d: d,
                dropout: data.dropout,
                scratch: scratch.base
            )
            // With one key the probability is 1 whatever the scores: q and k have no gradient but
            // the rounding of values of order one.
            let errors = [
                worstError(d[0].values, expected.q, floor: 1),
                worstError(d[1].values, expected.k, floor: 1),
                worstError(d[2].values, expected.v),
            ]
            #expect(
                errors.allSatisfy { $0 < 5e-6 },
                "\(name), scores \(hasScoreGradient): \(errors)"
            )
            #expect([gradients, dContext, dScores, scratch, logSum].areIntact, "\(name)")
        }
    }

    @Test(arguments: AttentionKernel.all)
    func `scores in the hundreds neither overflow nor lose the largest`(_ kernel: AttentionKernel) {
        let data = Case(length: 17, headSize: 8, firstOnly: false, probability: 0, factor: 12)
        _ = checkForward(data, kernel, "large")
    }

    @Test(arguments: AttentionKernel.all)
    func `a score that is not a number shows in the context`(_ kernel: AttentionKernel) {
        let data = Case(length: 17, headSize: 8, firstOnly: false, probability: 0)
        data.k.base[5 * data.k.stride] = .nan
        let context = GuardedFloats(count: data.queries * data.width)
        let scratch = GuardedFloats(count: Attention.scratchCount(length: 17, headSize: 8))
        kernel.forward(
            data.sequence(logSum: nil, scores: nil),
            context: context.matrix(rows: data.queries, columns: data.width),
            dropout: .none,
            scratch: scratch.base
        )
        // Key 5 of the first head: all of that head's contexts, none of the second's.
        let matrix = context.matrix(rows: data.queries, columns: data.width)
        for row in 0..<data.queries {
            for column in 0..<data.width {
                #expect(matrix.base[row * data.width + column].isNaN == (column < 8))
            }
        }
    }
}
