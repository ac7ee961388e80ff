public import Diagnostics

extension HDF5File {
    /// Reads every element as it is stored, decompressed, in row-major order, little-endian.
    ///
    /// - Precondition: `buffer` holds exactly `dataset.byteCount` bytes.
    public func read(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        precondition(buffer.count == dataset.byteCount, "\(dataset.path) has other bytes")
        guard let stored = stored[dataset.address] else {
            preconditionFailure("\(dataset.path) is not a dataset of \(path)")
        }
        guard !buffer.isEmpty else { return }
        do throws(Damage) {
            switch stored.storage {
            case .none: Self.fill(buffer, stored.fillValue)
            case .compact(let bytes): buffer.copyBytes(from: bytes)
            case .contiguous(let offset): try file.read(at: offset, into: buffer)
            case .chunked(let table, let filters, let leavesEdges):
                if table.chunks.count < table.grid.reduce(1, *) {
                    Self.fill(buffer, stored.fillValue)
                }
                try readChunks(dataset, table, filters, leavesEdges, into: buffer)
            }
        } catch {
            throw error.inside("the dataset \"\(printable(dataset.path))\"").failure(path)
        }
        if dataset.isBigEndian {
            for start in stride(from: 0, to: buffer.count, by: dataset.elementByteCount) {
                buffer[start..<start + dataset.elementByteCount].reverse()
            }
        }
    }

    private static func fill(_ buffer: UnsafeMutableRawBufferPointer, _ value: [UInt8]) {
        guard value.contains(where: { $0 != 0 }) else {
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            return
        }
        for start in stride(from: 0, to: buffer.count, by: value.count) {
            UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + value.count])
                .copyBytes(from: value)
        }
    }

    /// Reads every element as a little-endian word.
    ///
    /// - Precondition: a `Word` is as wide as an element.
    package func raw<Word: FixedWidthInteger>(
        _ dataset: HDF5Dataset,
        as type: Word.Type
    ) throws(Failure) -> [Word] {
        var failure: Failure?
        let words = [Word](unsafeUninitializedCapacity: dataset.count) { buffer, count in
            do throws(Failure) {
                try read(
                    dataset,
                    into: UnsafeMutableRawBufferPointer(
                        start: buffer.baseAddress,
                        count: dataset.count * MemoryLayout<Word>.stride
                    )
                )
                count = dataset.count
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw failure }
        return words
    }
}
