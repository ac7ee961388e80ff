import Diagnostics

/// What is needed to read a dataset's elements.
struct StoredDataset: Sendable {
    enum Storage: Sendable {
        /// Never written: every element is the fill value.
        case none
        case compact([UInt8])
        /// From this byte of the file on.
        case contiguous(Int)
        case chunked(ChunkTable, FilterPipeline, leavesEdges: Bool)
    }

    let storage: Storage
    /// The bytes of an element that was never written.
    let fillValue: [UInt8]
}

/// The checks on one dataset before any of its elements are read.
struct DatasetReader {
    static let maximumRank = 8
    /// Deflate cannot do better, so a chunked dataset that declares more is a bomb.
    static let maximumExpansion = 1032
    /// What chunks may have beside the dataset, whose last ones they overlap.
    private static let mostChunkByteCount = 64 << 20

    private let header: ObjectHeader
    private let path: String
    private let type: Datatype
    private let space: Dataspace
    private let dimensions: [Int]
    /// The bytes that the extents declare.
    private let declared: Int

    init(
        _ header: ObjectHeader,
        _ space: Fields,
        _ type: ObjectHeader.Message,
        at path: String,
        _ reader: inout Reader
    ) throws(Damage) {
        (self.header, self.path) = (header, path)
        guard header.message(.externalFiles) == nil else {
            throw .refused("keeps its data in another file (external storage)")
        }
        var spaceBody = space
        self.space = try Dataspace(&spaceBody)
        var typeBody = type.body
        var elements = try reader.datatype(&typeBody, isShared: type.isShared)
        if elements.isOpaque, elements.byteCount == 2,
            try header.attributes(&reader)["dtype"]?.isText("bfloat16") ?? false
        {
            elements.becomeBFloat16()
        }
        self.type = elements
        let extents = self.space.dimensions.map { Int(exactly: $0) }
        dimensions = extents.compactMap(\.self)
        guard !self.space.isNull, dimensions.count == extents.count,
            dimensions.count <= Self.maximumRank
        else {
            throw .refused("has no extent, or more than \(Self.maximumRank) dimensions")
        }
        // Extents of 0 are passed over, so that no product of some of them overflows either.
        guard
            let bytes = self.space.dimensions.filter({ $0 > 0 }).checkedProduct(elements.byteCount)
        else { throw .refused("declares more bytes than can be counted") }
        declared = dimensions.contains(0) ? 0 : bytes
    }

    func read(_ reader: inout Reader) throws(Damage) -> (HDF5Dataset, StoredDataset) {
        guard var body = try header.body(.layout) else {
            throw Damage("it does not say where its data are")
        }
        let layout = try Layout(&body)
        var filters = FilterPipeline()
        if var body = try header.body(.filters) { filters = try FilterPipeline(&body) }
        let storage: StoredDataset.Storage
        var stored = 0
        switch layout {
        case .compact(let bytes):
            guard bytes.count == declared else { throw mismatch(bytes.count) }
            (storage, stored) = (.compact(bytes), declared)
        case .contiguous(let address, let byteCount):
            storage = try contiguous(address, byteCount, &reader)
            if case .contiguous = storage { stored = declared }
        case .chunked(let chunking):
            (storage, stored) = try chunked(chunking, filters, &reader)
        }
        let fill = try header.fillValue(byteCount: type.byteCount)
        return (
            dataset(layout, storage, stored, filters),
            StoredDataset(
                storage: storage,
                fillValue: fill ?? [UInt8](repeating: 0, count: type.byteCount)
            )
        )
    }

    private func dataset(
        _ layout: Layout,
        _ storage: StoredDataset.Storage,
        _ stored: Int,
        _ filters: FilterPipeline
    ) -> HDF5Dataset {
        var offset: Int?
        if case .contiguous(let place) = storage { offset = place }
        return HDF5Dataset(
            path: path,
            dimensions: dimensions,
            elementType: type.elementType,
            isBigEndian: type.isBigEndian,
            storedByteCount: stored,
            layout: layout.kind,
            filters: filters.names,
            address: header.address,
            elementByteCount: type.byteCount,
            fileOffset: offset
        )
    }

    private func mismatch(_ stored: Int) -> Damage {
        .refused("declares \(declared) bytes and stores \(stored)")
    }

    private func contiguous(
        _ address: UInt64,
        _ byteCount: UInt64?,
        _ reader: inout Reader
    ) throws(Damage) -> StoredDataset.Storage {
        guard address != Reader.undefined, declared > 0 else { return .none }
        if let byteCount, byteCount != UInt64(declared) {
            throw .refused("declares \(declared) bytes and stores \(byteCount)")
        }
        guard reader.holds(address, UInt64(declared)) else {
            throw .refused("has its data outside the file")
        }
        reader.claim(address..<address + UInt64(declared), for: path)
        return .contiguous(Int(reader.base + address))
    }

    private func chunked(
        _ chunking: Layout.Chunking,
        _ filters: FilterPipeline,
        _ reader: inout Reader
    ) throws(Damage) -> (StoredDataset.Storage, Int) {
        let extents = chunking.extents.dropLast()
        guard !dimensions.isEmpty, extents.count == dimensions.count,
            chunking.extents.allSatisfy({ $0 > 0 && $0 <= UInt64(Int32.max) })
        else { throw .refused("has chunks of other dimensions") }
        guard chunking.extents.last == UInt64(type.byteCount) else {
            throw Damage("its chunks have elements of another size")
        }
        guard let byteCount = extents.checkedProduct(type.byteCount),
            byteCount <= max(Self.mostChunkByteCount, declared)
        else { throw .refused("has chunks that are much larger than it is") }
        guard declared > 0 else { return (.none, 0) }
        var table = ChunkTable(
            dimensions: dimensions,
            largest: space.largest,
            extents: extents.map { Int($0) },
            byteCount: byteCount,
            isFiltered: !filters.names.isEmpty
        )
        try chunking.find(&table, &reader)
        try table.finish(&reader, path)
        let stored = table.storedByteCount
        guard stored > 0 else { return (.none, 0) }
        guard declared / Self.maximumExpansion <= stored else {
            throw .refused(
                "declares \(declared) bytes from \(stored) stored ones, more than compression "
                    + "can give"
            )
        }
        return (.chunked(table, filters, leavesEdges: chunking.leavesEdges), stored)
    }
}

extension Layout {
    fileprivate var kind: HDF5Layout {
        switch self {
        case .compact: .compact
        case .contiguous: .contiguous
        case .chunked: .chunked
        }
    }
}
