internal import CHDF5
public import Diagnostics

extension HDF5File {
    /// Reads every element as it is stored, decompressed, in row-major order, little-endian.
    ///
    /// Nothing is converted: the library's own conversions of half floats and of foreign byte
    /// orders take a hundred times longer than those of `Tensors`.
    ///
    /// - Precondition: `buffer` holds exactly `dataset.byteCount` bytes.
    public func read(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        precondition(buffer.count == dataset.byteCount, "\(dataset.path) has other bytes")
        guard !buffer.isEmpty else { return }
        if dataset.layout == .chunked, dataset.storedByteCount > 0,
            !dataset.filters.contains("scaleoffset")
        {
            try readChunks(dataset, into: buffer)
        } else {
            try readWhole(dataset, into: buffer)
        }
        if dataset.isBigEndian {
            for start in stride(from: 0, to: buffer.count, by: dataset.elementByteCount) {
                buffer[start..<start + dataset.elementByteCount].reverse()
            }
        }
    }

    /// What is not chunked, or never written: the library has nothing to unpack.
    private func readWhole(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        try Library.exclusively { () throws(Failure) in
            guard let object = Handle(H5Oopen_by_addr(file, haddr_t(dataset.address)), H5Oclose),
                let type = Handle(H5Dget_type(object.id), H5Tclose),
                Library.succeeded(
                    H5Dread(
                        object.id,
                        type.id,
                        hid_t(H5S_ALL),
                        hid_t(H5S_ALL),
                        hid_t(H5P_DEFAULT),
                        buffer.baseAddress
                    )
                )
            else {
                throw Library.failure(
                    .badData,
                    path,
                    "the dataset \"\(printable(dataset.path))\" cannot be read"
                )
            }
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
