import Diagnostics

/// Looks at every structure of a file that has no checksum before libhdf5 does.
///
/// The library trusts much of what the older file format says: a name's place in a heap, an entry
/// count, a type's fields. Whoever changes such a number in a file makes it read, or write, outside
/// its memory. Here everything that it will follow is followed first, with every bound checked.
/// Structures of the newer format carry checksums, which the library compares; they are only passed
/// through to what they name.
struct StructureCheck: ~Copyable {
    static let undefined = UInt64.max
    static let largestHeap: UInt64 = 64 << 20
    static let deepestTree = 16
    private static let deepestGroup = 48
    private static let mostObjects = 200_000

    let file: StructureFile
    let groupLeafK: Int
    let groupInternalK: Int
    let chunkInternalK: Int
    var globalHeaps: [UInt64: [UInt64: UInt64]] = [:]
    private var known: [UInt64: Object] = [:]
    /// The headers that are being read.
    var open: Set<UInt64> = []

    /// - Parameters:
    ///   - superblock: its first bytes.
    ///   - start: where it begins.
    static func run(
        _ descriptor: Int32,
        superblock: [UInt8],
        at start: Int,
        byteCount: Int,
        _ path: String
    ) throws(Failure) {
        do throws(Damage) {
            var block = StructureBytes(superblock, "the superblock")
            try block.skip(8)
            let version = try block.small(1)
            try block.skip(version < 2 ? 7 : 3)
            var (leaf, inner, chunk) = (4, 16, 32)
            if version < 2 {
                (leaf, inner) = (try block.small(2), try block.small(2))
                try block.skip(4)
                if version == 1 {
                    chunk = try block.small(2)
                    try block.skip(2)
                }
            }
            guard (1...1024).contains(leaf), (1...1024).contains(inner), (1...1024).contains(chunk)
            else { throw block.damaged("has trees of an odd width") }
            let base = try block.address()
            guard base == UInt64(start) else { throw block.damaged("is not where it says it is") }
            var check = StructureCheck(
                file: StructureFile(
                    descriptor,
                    base: base,
                    byteCount: UInt64(byteCount) - base
                ),
                groupLeafK: leaf,
                groupInternalK: inner,
                chunkInternalK: chunk
            )
            // Free space or the extension, the end of the file, and drivers, which split files.
            try block.skip(16)
            if version < 2 {
                guard try block.address() == undefined else {
                    throw block.damaged("names a driver")
                }
                var entry = try block.part(40, "the root's entry")
                try check.entry(&entry, "", depth: 0)
            } else {
                try check.object(try block.address(), "", depth: 0)
            }
        } catch {
            throw Failure(
                .badData,
                path,
                error.isRefusal ? error.what : "damaged: \(error.what)",
                remedy: error.isRefusal ? nil : "Fetch or copy it again"
            )
        }
    }

    private init(
        file: consuming StructureFile,
        groupLeafK: Int,
        groupInternalK: Int,
        chunkInternalK: Int
    ) {
        self.file = file
        (self.groupLeafK, self.groupInternalK) = (groupLeafK, groupInternalK)
        self.chunkInternalK = chunkInternalK
    }

    /// An entry of a symbol table, and the object it names.
    private mutating func entry(
        _ entry: inout StructureBytes,
        _ path: String,
        depth: Int
    ) throws(Damage) {
        try entry.skip(8)
        let address = try entry.address()
        let cache = try entry.number(4)
        try entry.skip(4)
        // A soft link, which the library's walk refuses.
        if cache == 2 { return }
        try object(address, path, depth: depth)
        guard cache == 1 else { return }
        let copy = (tree: try entry.address(), heap: try entry.address())
        // A group that has become one of the newer kind leaves its old place there.
        guard known[address]?.symbols.map({ $0 == copy }) ?? true else {
            throw entry.damaged("contradicts the group it names")
        }
    }

    /// An object and everything below it. What is met again, and what is too deep, is left to the
    /// library's walk, which refuses it with its path.
    private mutating func object(
        _ address: UInt64,
        _ path: String,
        depth: Int
    ) throws(Damage) {
        guard depth <= Self.deepestGroup, known[address] == nil else { return }
        guard known.count < Self.mostObjects else { throw Damage("there are too many objects") }
        let object = try header(address, asType: false)
        known[address] = object
        if let refusal = object.refusal {
            throw Damage("the dataset \"\(printable(path))\" \(refusal)", isRefusal: true)
        }
        if let (tree, heap) = object.symbols {
            let names = try localHeap(heap)
            var children: [StructureBytes] = []
            var budget = Self.mostObjects
            try symbols(tree, level: -1, names, &budget) { (entry) throws(Damage) in
                children.append(entry)
                guard children.count <= Self.mostObjects else {
                    throw Damage("a group has too many entries")
                }
            }
            for var child in children {
                var copy = child
                let name = names.text(at: try copy.number(8))
                try self.entry(&child, "\(path)/\(name)", depth: depth + 1)
            }
        }
        for link in object.links { try self.object(link, path, depth: depth + 1) }
        if let (tree, rank) = object.chunks {
            guard object.space.map({ $0.rank == rank }) ?? false else {
                throw Damage(
                    "the chunks of the dataset at \(address) have other dimensions than it"
                )
            }
            var budget = Self.mostObjects
            if tree != Self.undefined { try chunks(tree, rank: rank, level: nil, &budget) }
        }
        if object.fillByteCount > 0, let type = object.type, type.byteCount != object.fillByteCount
        {
            throw Damage("the dataset at \(address) has a fill value of another type")
        }
    }
}
