import Bert
import Kernels
import TestSupport
import Testing
import Tokenization

@Suite("One token of each sequence")
struct OneTokenTests {
    @Test(
        "Its state is that which all tokens together give",
        arguments: HeadGolden.all.filter { $0.head == .maskedLanguageModel }.map(\.name)
    )
    func states(name: String) throws {
        let golden = try HeadGolden(name, .maskedLanguageModel)
        // As it is all workers share one shard; repeated, each takes shards of its own.
        for repetitions in [1, 20] {
            let sequences = (0..<golden.batch.sequenceCount).map { sequence in
                let rows = golden.batch.rows(of: sequence)
                return Encoding(
                    ids: Array(golden.batch.ids[rows]),
                    tokenTypes: Array(golden.batch.tokenTypes[rows]),
                    truncated: 0
                )
            }
            let batch = PackedBatch((0..<repetitions).flatMap { _ in sequences })
            let rows = (0..<batch.sequenceCount).map { sequence in
                batch.offsets[sequence] + sequence * 5 % batch.length(of: sequence)
            }
            #expect(zip(rows, batch.offsets).contains { $0 != $1 })
            let hidden = golden.configuration.hiddenSize
            let vocabulary = golden.configuration.vocabularySize
            let all = golden.inference().lastHiddenState(batch)
            let logits = golden.inference().predictionLogits(batch, rows: rows)
            for isPacked in [false, true] {
                let inference = BertInference(
                    golden.model(),
                    pool: WorkerPool(workerCount: 2),
                    packing: isPacked,
                    predictsOne: true
                )
                let states = FloatBuffer(count: rows.count * hidden)
                let matrix = states.matrix(rows: rows.count, columns: hidden)
                inference.states(batch, of: rows, into: matrix)
                expectClose(
                    actual: matrix.values,
                    expected: rows.flatMap { all[$0 * hidden..<($0 + 1) * hidden] },
                    absolute: 5e-6,
                    reason: "states of \(name), packed \(isPacked)"
                )
                let scratch = FloatBuffer(count: inference.pieceScratch(rows: rows.count))
                let found = FloatBuffer(count: rows.count * vocabulary)
                inference.pieceLogits(
                    matrix,
                    rows: Array(rows.indices)[...],
                    into: found.matrix(rows: rows.count, columns: vocabulary),
                    scratch: scratch.base
                )
                expectClose(
                    actual: found.matrix(rows: rows.count, columns: vocabulary).values,
                    expected: logits,
                    absolute: 1e-5,
                    reason: "logits of \(name), packed \(isPacked)"
                )
            }
        }
    }
}
