extension HDF5File {
    /// Reads the chunks that were written; the others are left as they are.
    ///
    /// - Precondition: `buffer` holds exactly `dataset.byteCount` bytes, and there are some.
    func readChunks(
        _ dataset: HDF5Dataset,
        _ table: ChunkTable,
        _ filters: FilterPipeline,
        _ leavesEdges: Bool,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Damage) {
        for chunk in table.chunks {
            let offset = table.offset(of: table.position(of: chunk.place))
            let bytes = try file.bytes(
                at: Int(base + chunk.address),
                count: chunk.byteCount
            )
            let isEdge = dataset.dimensions.indices.contains {
                offset[$0] + table.extents[$0] > dataset.dimensions[$0]
            }
            guard
                let elements = ChunkFilters.undo(
                    leavesEdges && isEdge ? FilterPipeline() : filters,
                    mask: chunk.mask,
                    bytes,
                    byteCount: table.byteCount,
                    elementByteCount: dataset.elementByteCount
                )
            else { throw .refused("has a chunk that cannot be unpacked, at \(offset)") }
            Self.copy(elements, of: dataset, table.extents, at: offset, into: buffer)
        }
    }

    /// Puts the part of a chunk that is inside the dataset into its place, row by row.
    private static func copy(
        _ elements: [UInt8],
        of dataset: HDF5Dataset,
        _ chunk: [Int],
        at offset: [Int],
        into buffer: UnsafeMutableRawBufferPointer
    ) {
        let extents = dataset.dimensions
        let width = dataset.elementByteCount
        let inside = extents.indices.map { min(chunk[$0], extents[$0] - offset[$0]) }
        let rowByteCount = inside[inside.count - 1] * width
        let rows = Array(inside.dropLast())
        var row = [Int](repeating: 0, count: rows.count)
        elements.withUnsafeBytes { source in
            repeat {
                var (from, to) = (0, 0)
                for axis in rows.indices {
                    from = from * chunk[axis] + row[axis]
                    to = to * extents[axis] + offset[axis] + row[axis]
                }
                from = from * chunk[chunk.count - 1] * width
                to = (to * extents[extents.count - 1] + offset[offset.count - 1]) * width
                UnsafeMutableRawBufferPointer(rebasing: buffer[to..<to + rowByteCount])
                    .copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[from..<from + rowByteCount])
                    )
            } while advance(&row, in: rows)
        }
    }

    /// The next place of a grid, the last axis first; whether there is one.
    private static func advance(_ place: inout [Int], in grid: [Int]) -> Bool {
        for axis in grid.indices.reversed() {
            place[axis] += 1
            if place[axis] < grid[axis] { return true }
            place[axis] = 0
        }
        return false
    }
}
