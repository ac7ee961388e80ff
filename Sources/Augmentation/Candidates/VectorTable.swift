import Kernels

/// Words with vectors of length one, and the nearest of them to any vector.
final class VectorTable: Sendable {
    let words: [String]
    /// Which words may be candidates; one without a vector may not.
    let classes: WordClasses
    let dimension: Int
    /// `[words, dimension]`, each row of length one or zero.
    let vectors: FloatBuffer
    /// A product's bias, zero. `[words]`
    private let zeros: FloatBuffer

    /// A word near another.
    struct Neighbour: Sendable, Hashable {
        let row: Int
        let cosine: Float
    }

    /// Words that a worker compares with at once: their cosines with a block of rows stay in its cache.
    static let sliceWords = 4096
    /// Rows that a worker looks for neighbours of at once.
    static let blockRows = 32

    /// - Parameters:
    ///   - vectors: `[words, dimension]`, scaled to length one in place.
    ///   - stopWords: lower-cased words that are no candidates.
    init(
        words: [String],
        vectors: FloatBuffer,
        dimension: Int,
        excluding stopWords: Set<String>
    ) {
        precondition(vectors.count >= words.count * dimension && dimension > 0)
        var hasVector = [Bool](repeating: false, count: words.count)
        for row in words.indices {
            hasVector[row] = Self.normalize(vectors.base + row * dimension, dimension)
        }
        (self.words, self.vectors, self.dimension) = (words, vectors, dimension)
        zeros = FloatBuffer(count: words.count)
        classes = WordClasses(words, excluding: stopWords) { hasVector[$0] && words[$0].isWord }
    }

    /// Scales a vector to length one; false for one of zeros, or of a length that has no inverse.
    static func normalize(_ vector: UnsafeMutablePointer<Float>, _ count: Int) -> Bool {
        let length = Elementwise.sumOfSquares(vector, count: count).squareRoot()
        let factor = Float(1 / length)
        guard factor.isNormal else {
            vector.update(repeating: 0, count: count)
            return false
        }
        Elementwise.scale(vector, by: factor, count: count)
        return true
    }

    /// The words with the highest cosines to each of some vectors, the nearest first, one of each class.
    ///
    /// Cosines are computed for some rows and some words at a time, so that memory does not grow with
    /// their product.
    ///
    /// - Parameters:
    ///   - queries: `[R, dimension]`, rows of length one.
    ///   - excluded: by row, the class that is not taken.
    func nearest(
        to queries: Matrix,
        excluding excluded: [Int32],
        count: Int,
        pool: WorkerPool
    ) -> [[Neighbour]] {
        precondition(queries.columns == dimension && excluded.count == queries.rows)
        let table = Linear(
            weight: vectors.base,
            bias: zeros.base,
            output: words.count,
            input: dimension
        )
        var blocks: [Range<Int>] = []
        Linear.forEachBlock(0..<queries.rows, height: Self.blockRows) { blocks.append($0) }
        var found = [[Neighbour]](repeating: [], count: queries.rows)
        let scratch = FloatBuffer(count: pool.workerCount * Self.blockRows * Self.sliceWords)
        found.withUnsafeMutableBufferPointer { found in
            // Safe: a task writes its own rows' neighbours, in its worker's memory.
            nonisolated(unsafe) let found = found
            pool.run(blocks.count) { task, worker in
                let block = blocks[task]
                let base = scratch.base + worker * Self.blockRows * Self.sliceWords
                var top = block.map { _ in TopSelection(capacity: count) }
                for start in stride(from: 0, to: words.count, by: Self.sliceWords) {
                    let slice = start..<min(start + Self.sliceWords, words.count)
                    let cosines = Matrix(base, rows: block.count, columns: slice.count)
                    table.outputs(slice).forward(queries.slice(block), into: cosines)
                    for (index, row) in block.enumerated() {
                        top[index].scan(
                            base + index * slice.count,
                            count: slice.count,
                            first: start,
                            keys: classes.keys,
                            excluding: excluded[row]
                        )
                    }
                }
                for (index, row) in block.enumerated() {
                    found[row] = top[index].entries.map {
                        Neighbour(row: Int($0.index), cosine: $0.value)
                    }
                }
            }
        }
        return found
    }
}
