package import Tokenization

/// A stretch of whole sequences that one worker takes through the model alone.
public struct Shard: Sendable {
    public let sequences: Range<Int>
    public let rows: Range<Int>

    package init(sequences: Range<Int>, rows: Range<Int>) {
        (self.sequences, self.rows) = (sequences, rows)
    }

    /// The rows of a layer's queries: every token, or one per sequence.
    func queryRows(firstTokenOnly: Bool) -> Range<Int> {
        firstTokenOnly ? sequences : rows
    }

    /// Pairs of a query and a key that it attends to.
    func pairs(of batch: PackedBatch, firstTokenOnly: Bool) -> Int {
        if firstTokenOnly { return rows.count }
        return sequences.reduce(0) { $0 + batch.length(of: $1) * batch.length(of: $1) }
    }

    /// Cuts a batch into shards of about `target` tokens each, which cost about the same.
    ///
    /// A token costs its products, and attention to its own sequence: in a sequence of
    /// `2 hidden + intermediate` tokens as much again.
    /// The cut depends on the batch alone, so that results do not depend on the number of workers.
    /// Small batches get a power of two of shards, which spreads evenly over usual worker counts.
    package static func cut(
        _ batch: PackedBatch,
        target: Int,
        _ configuration: BertConfiguration
    ) -> [Shard] {
        let tokens = batch.tokenCount
        guard tokens > 0 else { return [] }
        var wanted = max(1, tokens / target)
        if wanted < 32 {
            var power = 1
            while power * 3 / 2 <= wanted && power * 2 <= 32 { power *= 2 }
            wanted = power
        }
        let products = 2 * configuration.hiddenSize + configuration.intermediateSize
        // What everything before a sequence costs.
        var costs = [0]
        costs.reserveCapacity(batch.sequenceCount + 1)
        for index in 0..<batch.sequenceCount {
            let length = batch.length(of: index)
            costs.append(costs[index] + length * (products + length))
        }
        let total = costs[batch.sequenceCount]
        var shards: [Shard] = []
        var start = 0
        for index in 1...wanted {
            // The boundary nearest to the even share.
            let share = index * total / wanted
            var end = start
            while end < batch.sequenceCount
                && (index == wanted
                    || costs[end + 1] - share <= share - costs[end])
            {
                end += 1
            }
            if end > start {
                shards.append(
                    Shard(
                        sequences: start..<end,
                        rows: batch.offsets[start]..<batch.offsets[end]
                    )
                )
                start = end
            }
        }
        return shards
    }
}
