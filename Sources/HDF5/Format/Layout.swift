/// Where a dataset's elements are.
///
/// - Source: HDF5 File Format Specification 3.0, section IV.A.2.i.
enum Layout {
    case compact([UInt8])
    /// Without a size where the version has none.
    case contiguous(address: UInt64, byteCount: UInt64?)
    case chunked(Chunking)

    struct Chunking {
        /// The extents of a chunk, and behind them the size of an element.
        let extents: [UInt64]
        let index: ChunkIndex
        let address: UInt64
        /// Whether chunks that reach past the dataset are stored as they are.
        var leavesEdges = false
    }

    init(_ body: inout Fields) throws(Damage) {
        let version = try body.integer(1)
        switch version {
        case 1, 2: self = try Self.old(&body)
        case 3...5:
            switch try body.integer(1) {
            case 0: self = .compact(try body.array(try body.integer(2)))
            case 1:
                self = .contiguous(address: try body.address(), byteCount: try body.number(8))
            case 2:
                self = .chunked(
                    version == 3 ? try Self.chunked(&body) : try Self.indexed(&body)
                )
            case 3 where version > 3: throw .refused("is virtual: its data lie in other files")
            default: throw .refused("has an unknown storage layout")
            }
        default: throw body.damaged("is of layout version \(version)")
        }
    }

    private static func old(_ body: inout Fields) throws(Damage) -> Layout {
        let rank = try body.integer(1)
        let kind = try body.integer(1)
        try body.skip(5)
        let address = kind == 0 ? Reader.undefined : try body.address()
        let extents = try extents(&body, rank, width: 4)
        switch kind {
        case 0: return .compact(try body.array(try body.integer(4)))
        case 1: return .contiguous(address: address, byteCount: nil)
        case 2:
            return .chunked(Chunking(extents: extents, index: .tree, address: address))
        default: throw .refused("has an unknown storage layout")
        }
    }

    private static func chunked(_ body: inout Fields) throws(Damage) -> Chunking {
        let rank = try body.integer(1)
        let address = try body.address()
        return Chunking(
            extents: try extents(&body, rank, width: 4),
            index: .tree,
            address: address
        )
    }

    /// Versions 4 and 5, which have an index for each manner of growing.
    private static func indexed(_ body: inout Fields) throws(Damage) -> Chunking {
        let flags = try body.integer(1)
        let rank = try body.integer(1)
        let width = try body.integer(1)
        let extents = try extents(&body, rank, width: width)
        let index: ChunkIndex
        switch try body.integer(1) {
        case 1 where flags & 2 != 0:
            index = .single(byteCount: try body.number(8), mask: try body.number(4))
        case 1: index = .single(byteCount: nil, mask: 0)
        case 2: index = .implicit
        case 3:
            index = .fixedArray
            try body.skip(1)
        case 4:
            index = .extensibleArray
            try body.skip(5)
        case 5:
            index = .records
            try body.skip(6)
        default: throw .unsupported("has chunks with an unknown index")
        }
        return Chunking(
            extents: extents,
            index: index,
            address: try body.address(),
            leavesEdges: flags & 1 != 0
        )
    }

    private static func extents(
        _ body: inout Fields,
        _ rank: Int,
        width: Int
    ) throws(Damage) -> [UInt64] {
        guard (1...33).contains(rank) else { throw body.damaged("is of \(rank) dimensions") }
        var extents: [UInt64] = []
        for _ in 0..<rank { extents.append(try body.number(width)) }
        return extents
    }
}

/// How the chunks of a dataset are found.
///
/// - Source: HDF5 File Format Specification 3.0, sections III.A.1 and VII.
enum ChunkIndex {
    /// A B-tree of version 1.
    case tree
    /// One chunk; without a size where it is not filtered.
    case single(byteCount: UInt64?, mask: UInt64)
    /// Chunks that follow each other.
    case implicit
    case fixedArray
    case extensibleArray
    /// A B-tree of version 2.
    case records
}
