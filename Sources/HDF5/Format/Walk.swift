import Diagnostics

/// The walk of a file's groups, with bounds on everything the file may claim.
struct Walk {
    static let maximumDepth = 32
    static let maximumLinkCount = 100_000
    static let maximumNameByteCount = 1024
    /// What datasets without storage may declare together: they read as their fill value.
    static let maximumUnallocatedByteCount = 64 << 20

    private(set) var groups: [String] = []
    private(set) var attributes: [String: [String: Attribute]] = [:]
    private(set) var datasets: [HDF5Dataset] = []
    private(set) var stored: [UInt64: StoredDataset] = [:]

    private var reader: Reader
    private var linkCount = 0
    private var seenGroups: Set<UInt64> = []
    /// The datasets met so far by address: a hard link may name one again.
    private var seenDatasets: [UInt64: Int] = [:]
    private var unallocatedByteCount = 0

    init(_ superblock: Superblock, _ reader: Reader) throws(Damage) {
        self.reader = reader
        let root = Link.Target.object(
            superblock.rootAddress,
            remembered: superblock.rootSymbols
        )
        try visit(root, at: "/", depth: 0)
        try self.reader.checkOverlaps()
    }

    private mutating func visit(
        _ target: Link.Target,
        at path: String,
        depth: Int
    ) throws(Damage) {
        guard case .object(let address, let remembered) = target else {
            throw .refused(
                "\"\(printable(path))\" is a soft or external link; a weights file must hold its "
                    + "data itself",
                remedy: "Rewrite it with \"h5repack\" or h5py"
            )
        }
        if let known = seenDatasets[address] {
            datasets.append(datasets[known].renamed(path))
            return
        }
        guard !seenGroups.contains(address) else {
            throw .refused(
                "the group \"\(printable(path))\" is reached twice: the links form a cycle"
            )
        }
        let name = "\"\(printable(path))\""
        let header = try inside(name) { (reader) throws(Damage) in
            try ObjectHeader(&reader, at: address)
        }
        if header.isGroup {
            let found = try inside("the group \(name)") { (reader) throws(Damage) in
                try header.check(remembered)
                return (try header.links(&reader), try header.attributes(&reader))
            }
            seenGroups.insert(address)
            try visit(found.0, of: path, depth: depth, found.1)
        } else if let type = header.message(.datatype) {
            guard depth > 0 else { throw Damage("the root is no group") }
            let found = try inside("the dataset \(name)") {
                (reader) throws(Damage) -> (HDF5Dataset, StoredDataset)? in
                // A committed datatype has no extent, and no values.
                guard let space = try header.body(.dataspace) else { return nil }
                return try DatasetReader(header, space, type, at: path, &reader).read(&reader)
            }
            if let found { try add(found.0, found.1, address) }
        } else {
            throw Damage("\(name) is no group, no dataset and no type")
        }
    }

    private mutating func visit(
        _ links: [Link],
        of group: String,
        depth: Int,
        _ attributes: [String: Attribute]
    ) throws(Damage) {
        guard depth <= Self.maximumDepth else {
            throw .refused("groups are nested deeper than \(Self.maximumDepth) levels")
        }
        linkCount += links.count
        guard linkCount <= Self.maximumLinkCount else {
            throw .refused("the file has more than \(Self.maximumLinkCount) links")
        }
        groups.append(group)
        self.attributes[group] = attributes
        var names: [String] = []
        for link in links { names.append(try Self.checked(link.name)) }
        // Swift compares text by canonical equivalence; names that differ only in that would be
        // one name to every table built from them.
        guard Set(names).count == names.count else {
            throw .refused("the group \"\(printable(group))\" has two objects of the same name")
        }
        let prefix = group == "/" ? "/" : group + "/"
        for (link, name) in zip(links, names) {
            try visit(link.target, at: prefix + name, depth: depth + 1)
        }
    }

    private static func checked(_ name: [UInt8]) throws(Damage) -> String {
        guard let text = String(validating: name, as: UTF8.self), !name.isEmpty,
            name.count <= maximumNameByteCount,
            !name.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
            throw .refused(
                "an object's name is not printable UTF-8 of at most \(maximumNameByteCount) bytes"
            )
        }
        guard !name.contains(UInt8(ascii: "/")), text != ".", text != ".." else {
            throw .refused("an object's name is a path: \"\(printable(text))\"")
        }
        return text
    }

    private mutating func add(
        _ dataset: HDF5Dataset,
        _ storage: StoredDataset,
        _ address: UInt64
    ) throws(Damage) {
        if dataset.storedByteCount == 0 {
            let (total, overflow) =
                unallocatedByteCount
                .addingReportingOverflow(dataset.byteCount)
            guard !overflow, total <= Self.maximumUnallocatedByteCount else {
                throw .refused(
                    "the dataset \"\(printable(dataset.path))\" declares \(dataset.byteCount) bytes "
                        + "and was never written"
                )
            }
            unallocatedByteCount = total
        }
        seenDatasets[address] = datasets.count
        datasets.append(dataset)
        stored[address] = storage
    }

    /// Runs `body`, whose damage is that of an object.
    private mutating func inside<Result>(
        _ object: String,
        _ body: (inout Reader) throws(Damage) -> Result
    ) throws(Damage) -> Result {
        do throws(Damage) {
            return try body(&reader)
        } catch {
            throw error.inside(object)
        }
    }
}

extension ObjectHeader {
    /// Compares a group's tree and names with what the entry that led here remembers.
    fileprivate func check(_ remembered: SymbolTable?) throws(Damage) {
        // A group that has become one of the newer kind leaves its old place there.
        guard let remembered, var body = try body(.symbolTable) else { return }
        guard try SymbolTable(&body) == remembered else {
            throw Damage("the entry that names it contradicts it")
        }
    }
}
