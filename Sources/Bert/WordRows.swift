import Kernels

/// The rows of a table's gradient: of the word pieces that occurred, or of all.
package struct WordRows {
    /// The pieces that have a row, in order of first occurrence.
    package private(set) var ids: [Int32] = []
    private var rowOfID: [Int32]
    private var memory: FloatBuffer
    private let whole: UnsafeMutablePointer<Float>?
    private let width: Int

    /// - Parameter ofAll: where all rows are, if every piece has one.
    package init(
        vocabularySize: Int,
        width: Int,
        ofAll whole: UnsafeMutablePointer<Float>? = nil
    ) {
        self.width = width
        self.whole = whole
        memory = FloatBuffer(count: 0)
        rowOfID = [Int32](repeating: -1, count: vocabularySize)
        guard whole != nil else { return }
        ids = (0..<vocabularySize).map { Int32($0) }
        rowOfID = ids
    }

    /// The gradient of piece `ids[index]`, `[width]`.
    package func row(_ index: Int) -> UnsafeMutablePointer<Float> {
        (whole ?? memory.base) + index * width
    }

    /// Forgets the rows, unless there is one for every piece.
    package mutating func reset() {
        guard whole == nil else { return }
        for id in ids { rowOfID[Int(id)] = -1 }
        ids.removeAll(keepingCapacity: true)
    }

    /// Makes rows for a batch's pieces and lists, per row, the tokens that add to it.
    package mutating func plan(_ tokenIDs: [Int32]) -> WordRowPlan {
        let known = ids.count
        var counts = [Int](repeating: 0, count: known)
        for id in tokenIDs {
            var row = Int(rowOfID[Int(id)])
            if row < 0 {
                row = ids.count
                rowOfID[Int(id)] = Int32(truncatingIfNeeded: row)
                ids.append(id)
                counts.append(0)
            }
            counts[row] += 1
        }
        if whole == nil, memory.count < ids.count * width {
            let larger = FloatBuffer(count: 2 * ids.count * width)
            larger.base.update(from: memory.base, count: known * width)
            memory = larger
        }
        var starts = [0]
        starts.reserveCapacity(counts.count + 1)
        for count in counts { starts.append(starts[starts.count - 1] + count) }
        var places = starts
        var tokens = [Int](repeating: 0, count: tokenIDs.count)
        for (token, id) in tokenIDs.enumerated() {
            let row = Int(rowOfID[Int(id)])
            tokens[places[row]] = token
            places[row] += 1
        }
        return WordRowPlan(known: known, starts: starts, tokens: tokens)
    }

    /// All of the table's gradient, `[V, width]` row-major.
    package func matrix() -> [Float] {
        var result = [Float](repeating: 0, count: rowOfID.count * width)
        for (index, id) in ids.enumerated() {
            result.replaceSubrange(
                Int(id) * width..<(Int(id) + 1) * width,
                with: UnsafeBufferPointer(start: row(index), count: width)
            )
        }
        return result
    }
}

/// Which tokens add to which row.
package struct WordRowPlan: Sendable {
    /// Rows that hold sums from an earlier batch.
    package let known: Int
    /// Row r's tokens are `tokens[starts[r]..<starts[r + 1]]`, in batch order.
    package let starts: [Int]
    package let tokens: [Int]
    package var rowCount: Int { starts.count - 1 }
}
