internal import CHDF5
import Diagnostics

extension HDF5File {
    /// Reads a chunked dataset: the library finds the chunks, and `ChunkFilters` unpacks them.
    ///
    /// - Precondition: `buffer` holds exactly `dataset.byteCount` bytes, and there are some.
    func readChunks(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        func damaged(_ what: String) -> Failure {
            Failure(.badData, path, "the dataset \"\(printable(dataset.path))\" \(what)")
        }
        let width = dataset.elementByteCount
        let byteCount = dataset.chunkDimensions.reduce(width, *)
        let fill = try Library.exclusively { () throws(Failure) in try fillValue(dataset) }
        let grid = zip(dataset.dimensions, dataset.chunkDimensions).map { ($0 + $1 - 1) / $1 }
        var place = [Int](repeating: 0, count: grid.count)
        repeat {
            let offset = zip(place, dataset.chunkDimensions).map { $0 * $1 }
            let stored = try Library.exclusively { () throws(Failure) in
                try chunk(dataset, at: offset)
            }
            if let (bytes, mask) = stored {
                guard
                    let elements = ChunkFilters.undo(
                        dataset.filters,
                        mask: mask,
                        bytes,
                        byteCount: byteCount,
                        elementByteCount: width
                    )
                else { throw damaged("has a chunk that cannot be unpacked, at \(offset)") }
                Self.copy(elements, of: dataset, at: offset, into: buffer)
            } else {
                let count = byteCount / width
                let elements = [UInt8]((0..<count).lazy.map { _ in fill }.joined())
                Self.copy(elements, of: dataset, at: offset, into: buffer)
            }
        } while Self.advance(&place, in: grid)
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

    /// The stored bytes of a chunk, and which filters were left out; `nil` for one that was never
    /// written.
    private func chunk(
        _ dataset: HDF5Dataset,
        at offset: [Int]
    ) throws(Failure) -> (bytes: [UInt8], mask: UInt32)? {
        func unreadable() -> Failure {
            Library.failure(
                .badData,
                path,
                "the dataset \"\(printable(dataset.path))\" cannot be read"
            )
        }
        guard let object = Handle(H5Oopen_by_addr(file, haddr_t(dataset.address)), H5Oclose) else {
            throw unreadable()
        }
        var place = offset.map { hsize_t($0) }
        var size: hsize_t = 0
        guard Library.succeeded(H5Dget_chunk_storage_size(object.id, &place, &size)) else {
            throw unreadable()
        }
        guard size > 0 else { return nil }
        guard size <= hsize_t(byteCount) else {
            throw Failure(
                .badData,
                path,
                "the dataset \"\(printable(dataset.path))\" has a chunk that is larger than the file"
            )
        }
        var mask: UInt32 = 0
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let answer = bytes.withUnsafeMutableBytes {
            H5Dread_chunk(object.id, hid_t(H5P_DEFAULT), &place, &mask, $0.baseAddress)
        }
        guard Library.succeeded(answer) else { throw unreadable() }
        return (bytes, mask)
    }

    /// The bytes of one element that was never written.
    private func fillValue(_ dataset: HDF5Dataset) throws(Failure) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: dataset.elementByteCount)
        guard let object = Handle(H5Oopen_by_addr(file, haddr_t(dataset.address)), H5Oclose),
            let type = Handle(H5Dget_type(object.id), H5Tclose),
            let creation = Handle(H5Dget_create_plist(object.id), H5Pclose),
            Library.succeeded(
                value.withUnsafeMutableBytes {
                    H5Pget_fill_value(creation.id, type.id, $0.baseAddress)
                }
            )
        else {
            throw Library.failure(
                .badData,
                path,
                "the dataset \"\(printable(dataset.path))\" has no fill value that can be read"
            )
        }
        return value
    }

    /// Puts the part of a chunk that is inside the dataset into its place, row by row.
    private static func copy(
        _ elements: [UInt8],
        of dataset: HDF5Dataset,
        at offset: [Int],
        into buffer: UnsafeMutableRawBufferPointer
    ) {
        let (extents, chunk) = (dataset.dimensions, dataset.chunkDimensions)
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
}
