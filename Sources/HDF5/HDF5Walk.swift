internal import CHDF5
import Diagnostics

/// The walk of a file's groups, with bounds on everything the file may claim.
struct Walk {
    static let maximumDepth = 32
    static let maximumLinkCount = 100_000
    static let maximumNameByteCount = 1024

    let path: String
    let fileByteCount: Int
    var file: hid_t = -1
    var groups: [String] = []
    var groupAddresses: [String: UInt64] = [:]
    var datasets: [HDF5Dataset] = []

    private var linkCount = 0
    private var seenGroups: Set<UInt64> = []
    /// The datasets met so far by address: a hard link may name one again.
    private var seenDatasets: [UInt64: Int] = [:]
    private var extents: [(range: Range<UInt64>, path: String)] = []
    private var unallocatedByteCount = 0

    init(path: String, fileByteCount: Int) {
        self.path = path
        self.fileByteCount = fileByteCount
    }

    mutating func run() throws(Failure) {
        guard let root = Handle(H5Gopen2(file, "/", hid_t(H5P_DEFAULT)), H5Gclose) else {
            throw Library.failure(.badData, path, "the root group cannot be opened")
        }
        var information = H5O_info_t()
        guard Library.succeeded(H5Oget_info2(root.id, &information, UInt32(H5O_INFO_BASIC))) else {
            throw Library.failure(.badData, path, "the root group cannot be read")
        }
        try visit(root, address: UInt64(information.addr), at: "/", depth: 0)
        try checkOverlaps()
    }

    private mutating func visit(
        _ group: borrowing Handle,
        address: UInt64,
        at groupPath: String,
        depth: Int
    ) throws(Failure) {
        guard seenGroups.insert(address).inserted else {
            throw Failure(
                .badData,
                path,
                "the group \"\(printable(groupPath))\" is reached twice: the links form a cycle"
            )
        }
        guard depth <= Self.maximumDepth else {
            throw Failure(
                .badData,
                path,
                "groups are nested deeper than \(Self.maximumDepth) levels"
            )
        }
        groups.append(groupPath)
        groupAddresses[groupPath] = address
        let prefix = groupPath == "/" ? "/" : groupPath + "/"
        for link in try links(of: group, at: groupPath) {
            let childPath = prefix + link.name
            guard link.isHard else {
                throw Failure(
                    .badData,
                    path,
                    "\"\(printable(childPath))\" is a soft or external link; a weights file must "
                        + "hold its data itself",
                    remedy: "Rewrite it with \"h5repack\" or h5py"
                )
            }
            try visitObject(link.address, at: childPath, depth: depth + 1)
        }
    }

    private mutating func visitObject(
        _ address: UInt64,
        at childPath: String,
        depth: Int
    ) throws(Failure) {
        if let known = seenDatasets[address] {
            datasets.append(datasets[known].renamed(childPath))
            return
        }
        guard let object = Handle(H5Oopen_by_addr(file, haddr_t(address)), H5Oclose) else {
            throw Library.failure(
                .badData,
                path,
                "\"\(printable(childPath))\" cannot be opened"
            )
        }
        switch H5Iget_type(object.id) {
        case H5I_GROUP:
            try visit(object, address: address, at: childPath, depth: depth)
        case H5I_DATASET:
            let examined = try Examination(path: path, fileByteCount: fileByteCount)
                .dataset(object, address: address, at: childPath)
            if let extent = examined.extent {
                extents.append((extent, childPath))
            } else if examined.dataset.storedByteCount == 0 {
                unallocatedByteCount += examined.dataset.count * examined.dataset.elementByteCount
                guard unallocatedByteCount <= Examination.maximumUnallocatedByteCount else {
                    throw Failure(
                        .badData,
                        path,
                        "the dataset \"\(printable(childPath))\" was created but never written"
                    )
                }
            }
            seenDatasets[address] = datasets.count
            datasets.append(examined.dataset)
        default:
            // A committed datatype: it holds no values.
            return
        }
    }

    private struct Link {
        let name: String
        let isHard: Bool
        let address: UInt64
    }

    private mutating func links(
        of group: borrowing Handle,
        at groupPath: String
    ) throws(Failure) -> [Link] {
        final class Found {
            var links: [Link] = []
            var room: Int
            var problem: String?

            init(room: Int) {
                self.room = room
            }
        }
        let found = Found(room: Self.maximumLinkCount - linkCount)
        var position: hsize_t = 0
        let answer = H5Literate(
            group.id,
            H5_INDEX_NAME,
            H5_ITER_INC,
            &position,
            { _, name, information, context in
                guard let name, let information, let context else { return -1 }
                let found = Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
                guard found.links.count < found.room else {
                    found.problem = "the file has more than \(Walk.maximumLinkCount) links"
                    return 1
                }
                guard let text = String(validatingCString: name),
                    !text.isEmpty, text.utf8.count <= Walk.maximumNameByteCount,
                    !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
                else {
                    found.problem =
                        "an object's name is not printable UTF-8 of at most "
                        + "\(Walk.maximumNameByteCount) bytes"
                    return 1
                }
                let isHard = information.pointee.type == H5L_TYPE_HARD
                found.links.append(
                    Link(
                        name: text,
                        isHard: isHard,
                        address: isHard ? UInt64(bertkit_link_address(information)) : 0
                    )
                )
                return 0
            },
            Unmanaged.passUnretained(found).toOpaque()
        )
        if let problem = found.problem { throw Failure(.badData, path, problem) }
        guard Library.succeeded(answer) else {
            throw Library.failure(
                .badData,
                path,
                "the group \"\(printable(groupPath))\" cannot be listed"
            )
        }
        // Swift compares text by canonical equivalence; names that differ only in that would be
        // one name to every table built from them.
        guard Set(found.links.map(\.name)).count == found.links.count else {
            throw Failure(
                .badData,
                path,
                "the group \"\(printable(groupPath))\" has two objects of the same name"
            )
        }
        linkCount += found.links.count
        return found.links
    }

    /// Contiguous data of two datasets must not share bytes.
    private func checkOverlaps() throws(Failure) {
        let sorted = extents.sorted { $0.range.lowerBound < $1.range.lowerBound }
        for (one, next) in zip(sorted, sorted.dropFirst())
        where one.range.upperBound > next.range.lowerBound {
            throw Failure(
                .badData,
                path,
                "the data of \"\(printable(one.path))\" and \"\(printable(next.path))\" overlap"
            )
        }
    }
}

extension HDF5Dataset {
    fileprivate func renamed(_ path: String) -> HDF5Dataset {
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
            chunkDimensions: chunkDimensions,
            fileOffset: fileOffset
        )
    }
}
