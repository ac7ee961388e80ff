internal import CHDF5
import Diagnostics

/// The checks on one dataset before any of its bytes are read.
struct Examination {
    static let maximumRank = 8
    /// What datasets without storage may declare together: they read as their fill value.
    static let maximumUnallocatedByteCount = 64 << 20
    /// Deflate cannot do better, so a chunked dataset that declares more is a bomb.
    static let maximumExpansion = 1032

    let path: String
    let fileByteCount: Int

    /// The dataset, and where its bytes lie when they lie in one piece.
    func dataset(
        _ object: borrowing Handle,
        address: UInt64,
        at datasetPath: String
    ) throws(Failure) -> (dataset: HDF5Dataset, extent: Range<UInt64>?) {
        func refused(_ reason: String) -> Failure {
            Failure(.badData, path, "the dataset \"\(printable(datasetPath))\" \(reason)")
        }
        func unreadable() -> Failure {
            Library.failure(
                .badData,
                path,
                "the dataset \"\(printable(datasetPath))\" cannot be examined"
            )
        }
        guard let type = Handle(H5Dget_type(object.id), H5Tclose),
            let space = Handle(H5Dget_space(object.id), H5Sclose),
            let creation = Handle(H5Dget_create_plist(object.id), H5Pclose)
        else { throw unreadable() }

        guard H5Pget_external_count(creation.id) == 0 else {
            throw refused("keeps its data in another file (external storage)")
        }
        let layout: HDF5Layout
        switch H5Pget_layout(creation.id) {
        case H5D_COMPACT: layout = .compact
        case H5D_CONTIGUOUS: layout = .contiguous
        case H5D_CHUNKED: layout = .chunked
        case H5D_VIRTUAL: throw refused("is virtual: its data lie in other files")
        default: throw refused("has an unknown storage layout")
        }
        let filters = try filters(creation, refused)
        guard let dimensions = dimensions(space) else {
            throw refused("has no extent, or more than \(Self.maximumRank) dimensions")
        }
        let elementByteCount = H5Tget_size(type.id)
        guard elementByteCount > 0 else { throw unreadable() }
        var declared = elementByteCount
        // Extents of 0 are passed over, so that no product of some of them overflows either.
        for dimension in dimensions where dimension > 0 {
            let (product, overflow) = declared.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw refused("declares more bytes than can be counted") }
            declared = product
        }
        if dimensions.contains(0) { declared = 0 }

        guard let stored = Int(exactly: H5Dget_storage_size(object.id)) else {
            throw refused("declares more bytes than can be counted")
        }
        let extent = try extent(
            object,
            layout: layout,
            declared: declared,
            stored: stored,
            refused
        )
        let dataset = HDF5Dataset(
            path: datasetPath,
            dimensions: dimensions,
            elementType: elementType(type, object),
            isBigEndian: H5Tget_order(type.id) == H5T_ORDER_BE,
            storedByteCount: stored,
            layout: layout,
            filters: filters,
            address: address,
            elementByteCount: elementByteCount,
            chunkDimensions: layout == .chunked
                ? try chunks(creation, dimensions, elementByteCount, declared, refused) : [],
            fileOffset: extent.map { Int($0.lowerBound) }
        )
        return (dataset, extent)
    }

    private func dimensions(_ space: borrowing Handle) -> [Int]? {
        switch H5Sget_simple_extent_type(space.id) {
        case H5S_SCALAR: return []
        case H5S_SIMPLE: break
        default: return nil
        }
        let rank = Int(H5Sget_simple_extent_ndims(space.id))
        guard (0...Self.maximumRank).contains(rank) else { return nil }
        var extents = [hsize_t](repeating: 0, count: rank)
        guard H5Sget_simple_extent_dims(space.id, &extents, nil) == Int32(rank) else { return nil }
        var dimensions: [Int] = []
        for extent in extents {
            guard let dimension = Int(exactly: extent) else { return nil }
            dimensions.append(dimension)
        }
        return dimensions
    }

    private func filters(
        _ creation: borrowing Handle,
        _ refused: (String) -> Failure
    ) throws(Failure) -> [String] {
        let count = H5Pget_nfilters(creation.id)
        guard (0...4).contains(count) else { throw refused("has more than 4 filters") }
        var names: [String] = []
        for index in 0..<count {
            var flags: UInt32 = 0
            var valueCount = 0
            let filter = H5Pget_filter2(
                creation.id,
                UInt32(index),
                &flags,
                &valueCount,
                nil,
                0,
                nil,
                nil
            )
            switch filter {
            case H5Z_FILTER_DEFLATE: names.append("gzip")
            case H5Z_FILTER_SHUFFLE: names.append("shuffle")
            case H5Z_FILTER_FLETCHER32: names.append("fletcher32")
            case H5Z_FILTER_SCALEOFFSET: names.append("scaleoffset")
            case LZFFilter.number: names.append("lzf")
            default:
                throw Failure(
                    .badData,
                    path,
                    refused("uses HDF5 filter number \(filter), which BertKit does not read")
                        .reason,
                    remedy: "Rewrite it with \"h5repack -f NONE\""
                )
            }
        }
        guard Set(names).count == names.count else {
            throw refused("applies the same filter twice")
        }
        return names
    }

    /// Checks the storage against what the shape declares.
    private func extent(
        _ object: borrowing Handle,
        layout: HDF5Layout,
        declared: Int,
        stored: Int,
        _ refused: (String) -> Failure
    ) throws(Failure) -> Range<UInt64>? {
        guard declared > 0, stored > 0 else {
            guard declared <= Self.maximumUnallocatedByteCount else {
                throw refused("declares \(declared) bytes and was never written")
            }
            return nil
        }
        guard stored <= fileByteCount else {
            throw refused("declares \(stored) stored bytes in a file of \(fileByteCount)")
        }
        switch layout {
        case .compact:
            guard stored == declared else {
                throw refused("declares \(declared) bytes and stores \(stored)")
            }
            return nil
        case .contiguous:
            guard stored == declared else {
                throw refused("declares \(declared) bytes and stores \(stored)")
            }
            let offset = UInt64(H5Dget_offset(object.id))
            guard offset != UInt64(bertkit_HADDR_UNDEF()), offset <= UInt64(fileByteCount),
                UInt64(stored) <= UInt64(fileByteCount) - offset
            else { throw refused("has its data outside the file") }
            return offset..<offset + UInt64(stored)
        case .chunked:
            guard declared / Self.maximumExpansion <= stored else {
                throw refused(
                    "declares \(declared) bytes from \(stored) stored ones, more than compression "
                        + "can give"
                )
            }
            return nil
        }
    }

    private func elementType(
        _ type: borrowing Handle,
        _ object: borrowing Handle
    ) -> HDF5ElementType {
        let size = H5Tget_size(type.id)
        let order = H5Tget_order(type.id)
        switch H5Tget_class(type.id) {
        case H5T_FLOAT:
            guard order == H5T_ORDER_LE || order == H5T_ORDER_BE,
                H5Tget_precision(type.id) == size * 8, H5Tget_offset(type.id) == 0,
                H5Tget_norm(type.id) == H5T_NORM_IMPLIED
            else { return .other("a float of \(size) bytes that is not IEEE") }
            var (sign, exponent, exponentSize, mantissa, mantissaSize) = (0, 0, 0, 0, 0)
            H5Tget_fields(type.id, &sign, &exponent, &exponentSize, &mantissa, &mantissaSize)
            // The class alone proves nothing: a float may have any fields and bias.
            let fields = [sign, exponent, exponentSize, mantissa, mantissaSize]
            switch (size, fields, H5Tget_ebias(type.id)) {
            case (2, [15, 10, 5, 0, 10], 15): return .float16
            case (2, [15, 7, 8, 0, 7], 127): return .bfloat16
            case (4, [31, 23, 8, 0, 23], 127): return .float32
            case (8, [63, 52, 11, 0, 52], 1023): return .float64
            default: return .other("a float of \(size) bytes that is not IEEE")
            }
        case H5T_INTEGER:
            guard order == H5T_ORDER_LE || order == H5T_ORDER_BE || size == 1,
                H5Tget_precision(type.id) == size * 8
            else { return .other("an integer with unused bits") }
            return .integer(byteCount: size, isSigned: H5Tget_sign(type.id) == H5T_SGN_2)
        case H5T_OPAQUE:
            let note = try? stringAttribute("dtype", of: object.id, path)
            return size == 2 && note == "bfloat16" ? .bfloat16 : .other("opaque")
        case H5T_STRING: return .other("text")
        case H5T_COMPOUND: return .other("compound")
        case H5T_ENUM: return .other("an enumeration")
        case H5T_VLEN: return .other("of variable length")
        case H5T_REFERENCE: return .other("a reference")
        default: return .other("an unknown type")
        }
    }
}
