internal import CHDF5
public import Diagnostics

extension HDF5File {
    /// Reads every element of a dataset as 32-bit floats, in row-major order.
    ///
    /// Little-endian binary32 goes straight into `buffer`. Every other float type is read as it is
    /// stored and converted here: the library's own conversions of half floats and of foreign byte
    /// orders take a hundred times longer.
    ///
    /// - Precondition: `buffer` holds exactly `dataset.count` elements.
    public func read(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) {
        precondition(buffer.count == dataset.count, "\(dataset.path) holds \(dataset.count)")
        guard !buffer.isEmpty else { return }
        switch dataset.elementType {
        case .float32 where !dataset.isBigEndian:
            try readRaw(dataset, into: UnsafeMutableRawBufferPointer(buffer))
        case .float32:
            let bits = try raw(dataset, as: UInt32.self)
            for index in buffer.indices {
                buffer[index] = Float(bitPattern: bits[index].byteSwapped)
            }
        case .float64:
            let swap = dataset.isBigEndian
            let bits = try raw(dataset, as: UInt64.self)
            for index in buffer.indices {
                let word = swap ? bits[index].byteSwapped : bits[index]
                buffer[index] = Float(Double(bitPattern: word))
            }
        case .float16:
            let swap = dataset.isBigEndian
            let bits = try raw(dataset, as: UInt16.self)
            for index in buffer.indices {
                buffer[index] = float(half: swap ? bits[index].byteSwapped : bits[index])
            }
        case .bfloat16:
            let swap = dataset.isBigEndian
            let bits = try raw(dataset, as: UInt16.self)
            for index in buffer.indices {
                let word = swap ? bits[index].byteSwapped : bits[index]
                buffer[index] = Float(bitPattern: UInt32(word) << 16)
            }
        case .integer:
            throw Failure(
                .badData,
                path,
                "the dataset \"\(printable(dataset.path))\" holds integers where floats are needed"
            )
        case .other(let name):
            throw Failure(
                .badData,
                path,
                "the dataset \"\(printable(dataset.path))\" is \(name), not floats"
            )
        }
    }

    /// Reads every element as it is stored, unconverted.
    ///
    /// - Precondition: a `Word` is as wide as an element.
    package func raw<Word: FixedWidthInteger>(
        _ dataset: HDF5Dataset,
        as type: Word.Type
    ) throws(Failure) -> [Word] {
        var failure: Failure?
        let words = [Word](unsafeUninitializedCapacity: dataset.count) { buffer, count in
            do throws(Failure) {
                try readRaw(
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

    /// The bytes of all elements as they are stored, decompressed and unconverted.
    private func readRaw(
        _ dataset: HDF5Dataset,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        precondition(buffer.count == dataset.count * dataset.elementByteCount)
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
}

/// IEEE binary16 to binary32, exactly, without a table or a branch: the bits are moved to their
/// binary32 places and the exponent is corrected by a multiplication with 2^112, which also
/// normalises subnormals.
@inline(__always)
private func float(half bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7FFF) << 13
    let scaled = (Float(bitPattern: magnitude) * Float(bitPattern: 0x7780_0000)).bitPattern
    let special: UInt32 = bits & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled | special | UInt32(bits & 0x8000) << 16)
}
