internal import CHDF5
public import Diagnostics

extension HDF5Writer {
    /// Creates a dataset of little-endian floats, or of signed bytes.
    ///
    /// Without compression its bytes lie in one piece, whose place is known at once: after `close`
    /// they can be written there without the library, by any number of threads.
    ///
    /// - Parameters:
    ///   - elementType: binary16, bfloat16 (as Keras stores it: opaque, with an attribute),
    ///     binary32, or signed integers of one byte.
    ///   - compression: gzip's level from 1 to 9, behind the shuffle filter, in chunks of whole
    ///     rows.
    /// - Returns: where the bytes lie in the file; `nil` for a dataset that is compressed or empty.
    public func createDataset(
        _ dataset: String,
        dimensions: [Int],
        elementType: HDF5ElementType,
        compression: Int? = nil
    ) throws(Failure) -> Int? {
        let count = dimensions.reduce(1, *)
        var offset: Int?
        try operation { () throws(Failure) in
            func failure() -> Failure {
                Library.failure(
                    .inputOutput,
                    path,
                    "the dataset \"\(dataset)\" cannot be written"
                )
            }
            let extents = dimensions.map { hsize_t($0) }
            guard let type = type(elementType),
                let space = Handle(
                    extents.isEmpty
                        ? H5Screate(H5S_SCALAR)
                        : H5Screate_simple(Int32(extents.count), extents, nil),
                    H5Sclose
                ),
                let creation = Handle(H5Pcreate(bertkit_H5P_DATASET_CREATE()), H5Pclose),
                Library.succeeded(H5Pset_obj_track_times(creation.id, false))
            else { throw failure() }
            if let compression, count > 0, !extents.isEmpty {
                let chunk = chunk(dimensions, H5Tget_size(type.id))
                guard Library.succeeded(H5Pset_chunk(creation.id, Int32(chunk.count), chunk)),
                    Library.succeeded(H5Pset_shuffle(creation.id)),
                    Library.succeeded(H5Pset_deflate(creation.id, UInt32(compression)))
                else { throw failure() }
            } else if count > 0 {
                guard Library.succeeded(H5Pset_alloc_time(creation.id, H5D_ALLOC_TIME_EARLY)),
                    Library.succeeded(H5Pset_fill_time(creation.id, H5D_FILL_TIME_NEVER))
                else { throw failure() }
            }
            guard
                let object = Handle(
                    H5Dcreate2(
                        file,
                        dataset,
                        type.id,
                        space.id,
                        hid_t(H5P_DEFAULT),
                        creation.id,
                        hid_t(H5P_DEFAULT)
                    ),
                    H5Dclose
                )
            else { throw failure() }
            guard compression == nil || extents.isEmpty, count > 0 else { return }
            let address = H5Dget_offset(object.id)
            guard address != bertkit_HADDR_UNDEF(), let place = Int(exactly: address) else {
                throw failure()
            }
            offset = place
        }
        if elementType == .bfloat16 { try write("bfloat16", attribute: "dtype", of: dataset) }
        return offset
    }

    /// Writes all elements of a dataset that was created, as they are to be stored.
    ///
    /// - Precondition: `bytes` are as many as the dataset has.
    public func write(_ bytes: UnsafeRawBufferPointer, to dataset: String) throws(Failure) {
        try operation { () throws(Failure) in
            guard let object = Handle(H5Dopen2(file, dataset, hid_t(H5P_DEFAULT)), H5Dclose),
                let type = Handle(H5Dget_type(object.id), H5Tclose),
                Library.succeeded(
                    H5Dwrite(
                        object.id,
                        type.id,
                        hid_t(H5S_ALL),
                        hid_t(H5S_ALL),
                        hid_t(H5P_DEFAULT),
                        bytes.baseAddress
                    )
                )
            else {
                throw Library.failure(
                    .inputOutput,
                    path,
                    "the dataset \"\(dataset)\" cannot be written"
                )
            }
        }
    }

    /// Whole rows of about half a megabyte.
    private func chunk(_ dimensions: [Int], _ elementByteCount: Int) -> [hsize_t] {
        let rowByteCount = dimensions.dropFirst().reduce(elementByteCount, *)
        let rows = max(1, min(dimensions[0], (512 << 10) / max(1, rowByteCount)))
        return [hsize_t(rows)] + dimensions.dropFirst().map { hsize_t($0) }
    }

    private func type(_ elementType: HDF5ElementType) -> Handle? {
        switch elementType {
        case .float32: return Handle(H5Tcopy(bertkit_H5T_IEEE_F32LE()), H5Tclose)
        case .float16:
            guard let type = Handle(H5Tcopy(bertkit_H5T_IEEE_F32LE()), H5Tclose),
                Library.succeeded(H5Tset_fields(type.id, 15, 10, 5, 0, 10)),
                Library.succeeded(H5Tset_size(type.id, 2)),
                Library.succeeded(H5Tset_ebias(type.id, 15))
            else { return nil }
            return type
        case .bfloat16:
            guard let type = Handle(H5Tcreate(H5T_OPAQUE, 2), H5Tclose),
                Library.succeeded(H5Tset_tag(type.id, ""))
            else { return nil }
            return type
        case .integer(1, true): return Handle(H5Tcopy(bertkit_H5T_STD_I8LE()), H5Tclose)
        case .float64, .integer, .other: preconditionFailure("\(elementType) is not written")
        }
    }
}
