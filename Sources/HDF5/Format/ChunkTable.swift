/// Where the chunks of a dataset lie.
struct ChunkTable: Sendable {
    struct Chunk: Sendable {
        /// The chunk's number in the dataset's grid of chunks, the last axis first.
        let place: Int
        let address: UInt64
        let byteCount: Int
        /// A bit for each filter that was left out.
        let mask: UInt32
    }

    /// The extents of a chunk.
    let extents: [Int]
    /// How many chunks there are along each axis.
    let grid: [Int]
    /// The same for the largest extents that the dataset may have; 0 along an axis without a bound.
    let largestGrid: [Int]
    /// The bytes of a chunk that is not filtered.
    let byteCount: Int
    let isFiltered: Bool
    private(set) var chunks: [Chunk] = []

    var storedByteCount: Int { chunks.reduce(0) { $0 + $1.byteCount } }

    /// - Precondition: the elements of `dimensions` can be counted, and there are some.
    init(
        dimensions: [Int],
        largest: [UInt64?],
        extents: [Int],
        byteCount: Int,
        isFiltered: Bool
    ) {
        self.extents = extents
        (self.byteCount, self.isFiltered) = (byteCount, isFiltered)
        grid = zip(dimensions, extents).map { ($0 - 1) / $1 + 1 }
        largestGrid = zip(largest, extents).map { bound, extent in
            guard let bound, let bound = Int(exactly: bound), bound > 0 else { return 0 }
            return (bound - 1) / extent + 1
        }
    }

    /// Takes a chunk up, unless it lies outside the dataset.
    mutating func add(
        at position: [Int],
        address: UInt64,
        byteCount stored: UInt64?,
        mask: UInt64 = 0,
        _ reader: inout Reader
    ) throws(Damage) {
        guard zip(position, grid).allSatisfy({ $0 < $1 }) else { return }
        let stored = stored ?? UInt64(byteCount)
        guard stored > 0, reader.holds(address, stored) else {
            throw Damage("its chunk at \(offset(of: position)) lies outside the file")
        }
        guard isFiltered || stored == UInt64(byteCount) else {
            throw Damage("its chunk at \(offset(of: position)) has \(stored) bytes")
        }
        try reader.spend(8, "a chunk")
        let place = zip(position, grid).reduce(0) { $0 * $1.1 + $1.0 }
        chunks.append(
            Chunk(
                place: place,
                address: address,
                byteCount: Int(stored),
                mask: UInt32(truncatingIfNeeded: mask)
            )
        )
    }

    /// Puts the chunks in order, and takes note of where they lie.
    mutating func finish(_ reader: inout Reader, _ path: String) throws(Damage) {
        chunks.sort { $0.place < $1.place }
        for (one, next) in zip(chunks, chunks.dropFirst()) where one.place == next.place {
            throw Damage("its chunk at \(offset(of: position(of: one.place))) is there twice")
        }
        for chunk in chunks {
            reader.claim(chunk.address..<chunk.address + UInt64(chunk.byteCount), for: path)
        }
    }

    func offset(of position: [Int]) -> [Int] { zip(position, extents).map { $0 * $1 } }

    func position(of place: Int) -> [Int] { Self.position(of: place, in: grid) }

    /// The position of a number in a grid.
    static func position(of place: Int, in grid: [Int]) -> [Int] {
        var position = grid
        var rest = place
        for axis in grid.indices.reversed() {
            (rest, position[axis]) = rest.quotientAndRemainder(dividingBy: grid[axis])
        }
        return position
    }
}
