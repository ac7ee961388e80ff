import Tokenization

/// The texts of a batch, and how they are shared out.
///
/// A text is a sequence's pieces without the `[CLS]` in front, each with the `[SEP]` that ends it, so
/// that none is empty and both texts of a pair look alike. Texts are sorted by length over the whole
/// batch, and a shard is neighbours of that order: its texts end at about the same time step.
struct TextPlan: Sendable {
    /// By number: sequence after sequence, of pairs first and second text in turn; rows of the batch.
    let texts: [Range<Int>]
    let shards: [TextShard]
    /// Tokens of all texts.
    let tokenCount: Int

    /// A shard has no more tokens than this, unless it is one text.
    private static let mostTokens = 4096

    /// - Parameter height: the texts of a shard, about.
    init(_ batch: PackedBatch, pairs: Bool, height: Int) {
        texts = (0..<batch.sequenceCount).flatMap { Self.texts(batch, $0, pairs: pairs) }
        let texts = texts
        let order = texts.indices.sorted {
            let (one, other) = (texts[$0].count, texts[$1].count)
            return one == other ? $0 < $1 : one > other
        }
        let wanted = (order.count + height - 1) / height
        var shards: [TextShard] = []
        var (start, firstRow) = (0, 0)
        while start < order.count {
            let left = max(1, wanted - shards.count)
            let goal = min(order.count, start + max(1, (order.count - start + left - 1) / left))
            var (end, tokens) = (start, 0)
            while end < goal, end == start || tokens + texts[order[end]].count <= Self.mostTokens {
                tokens += texts[order[end]].count
                end += 1
            }
            let shard = TextShard(
                Array(order[start..<end]),
                of: texts,
                firstText: start,
                firstRow: firstRow
            )
            shards.append(shard)
            (start, firstRow) = (end, firstRow + shard.rowCount)
        }
        self.shards = shards
        tokenCount = firstRow
    }

    private static func texts(_ batch: PackedBatch, _ sequence: Int, pairs: Bool) -> [Range<Int>] {
        let rows = batch.rows(of: sequence).dropFirst()
        precondition(!rows.isEmpty, "a sequence without a text")
        guard pairs else { return [rows] }
        let second = rows.first { batch.tokenTypes[$0] > 0 } ?? rows.upperBound
        precondition(
            second > rows.lowerBound && second < rows.upperBound,
            "a model of pairs reads two texts"
        )
        return [rows.lowerBound..<second, second..<rows.upperBound]
    }
}

/// Texts that one worker takes through the LSTM in one direction, packed time step by time step: at
/// step t the rows are the texts that are longer than t, longest first. Nothing is computed for a text
/// that has ended.
struct TextShard: Sendable {
    /// Their numbers, longest first.
    let texts: [Int]
    /// How many texts of the batch are in shards before.
    let firstText: Int
    /// How many rows are.
    let firstRow: Int
    /// Step t has the rows `steps[t]..<steps[t + 1]`, counted from `firstRow`.
    let steps: [Int]
    /// By direction the token that each row reads, as a row of the batch.
    let tokens: [[Int]]

    init(_ texts: [Int], of ranges: [Range<Int>], firstText: Int, firstRow: Int) {
        self.texts = texts
        self.firstText = firstText
        self.firstRow = firstRow
        var steps = [0]
        var (forwards, backwards): ([Int], [Int]) = ([], [])
        var running = texts.count
        let longest = texts.first.map { ranges[$0].count } ?? 0
        for step in 0..<longest {
            while ranges[texts[running - 1]].count <= step { running -= 1 }
            for text in texts[..<running] {
                forwards.append(ranges[text].lowerBound + step)
                backwards.append(ranges[text].upperBound - 1 - step)
            }
            steps.append(forwards.count)
        }
        self.steps = steps
        tokens = [forwards, backwards]
    }

    var rowCount: Int { steps[steps.count - 1] }
    /// As rows of the whole batch's packed tokens.
    var rows: Range<Int> { firstRow..<firstRow + rowCount }
    var stepCount: Int { steps.count - 1 }
    /// The texts that are read at a step.
    func height(_ step: Int) -> Int { step < stepCount ? steps[step + 1] - steps[step] : 0 }
}
