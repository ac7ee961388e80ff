/// How a dataset encodes its elements.
public enum HDF5ElementType: Sendable, Hashable {
    /// IEEE 754 binary16, binary32 or binary64.
    case float16, float32, float64
    /// The upper half of a binary32, as a float type or as Keras stores it: opaque, two bytes.
    case bfloat16
    case integer(byteCount: Int, isSigned: Bool)
    /// Anything else, named for messages.
    case other(String)
}

/// Where a dataset keeps its bytes.
public enum HDF5Layout: String, Sendable, Hashable {
    case compact
    case contiguous
    case chunked
}

/// What a file says about one dataset, found and checked when the file was opened.
public struct HDF5Dataset: Sendable, Hashable {
    /// The path from the root, `/bert/…/kernel:0`.
    public let path: String
    public let dimensions: [Int]
    public let elementType: HDF5ElementType
    public let isBigEndian: Bool
    /// The bytes the elements take in the file, after compression.
    public let storedByteCount: Int
    public let layout: HDF5Layout
    /// The names of the filters, in the order in which they were applied.
    public let filters: [String]

    /// The object header's address, by which the file knows the dataset.
    let address: UInt64
    let elementByteCount: Int
    /// Where the elements lie in the file, when they lie there in one piece and unfiltered.
    public let fileOffset: Int?

    /// The number of elements.
    public var count: Int { dimensions.reduce(1, *) }
    /// The bytes of all elements, decompressed.
    public var byteCount: Int { count * elementByteCount }

    /// The same dataset by another name.
    func renamed(_ path: String) -> HDF5Dataset {
        HDF5Dataset(
            path: path,
            dimensions: dimensions,
            elementType: elementType,
            isBigEndian: isBigEndian,
            storedByteCount: storedByteCount,
            layout: layout,
            filters: filters,
            address: address,
            elementByteCount: elementByteCount,
            fileOffset: fileOffset
        )
    }
}
