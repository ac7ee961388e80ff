import Bert
import Testing
import Tokenization

@Suite struct ShardTests {
    private let configuration = RandomModel.configuration

    /// Products and attention of a shard's tokens, in attention's unit.
    private func cost(_ shard: Shard, _ batch: PackedBatch) -> Int {
        shard.sequences.reduce(0) { sum, sequence in
            let length = batch.length(of: sequence)
            let products = 2 * configuration.hiddenSize + configuration.intermediateSize
            return sum + length * (products + length)
        }
    }

    @Test func `shards hold every sequence once and cost alike`() {
        // Long sequences first, whose tokens cost many times what the short ones' do.
        let lengths = [Int](repeating: 500, count: 8) + [Int](repeating: 5, count: 1200)
        let batch = PackedBatch(RandomModel.encodings(lengths.count, seed: 1, lengths: lengths))
        let shards = Shard.cut(batch, target: 1000, configuration)
        #expect(shards.count == 8)
        #expect(shards.flatMap(\.sequences) == Array(lengths.indices))
        #expect(shards.flatMap(\.rows) == Array(0..<batch.tokenCount))
        let costs = shards.map { cost($0, batch) }
        let (total, most) = (costs.reduce(0, +), costs.max() ?? 0)
        let longest = 500 * (2 * configuration.hiddenSize + configuration.intermediateSize + 500)
        #expect(most <= total / shards.count + longest)
        // By tokens half of the work would be in the first two shards.
        #expect(costs[0] + costs[1] < total * 4 / 10)
    }
}
