import Diagnostics

/// Reads a file's structures by their addresses, and remembers where everything lies.
///
/// An honest file refers to each of its bytes once. What is read may be twice the file at most, so that
/// no number of references to the same bytes costs more time or memory than the file's size.
struct Reader {
    /// The address of what does not exist.
    static let undefined = UInt64.max

    /// A stretch of the file and whose it is.
    struct Extent {
        let range: Range<UInt64>
        /// `/values` for a dataset's elements, `the local heap at 680` for a structure.
        let owner: String
        let isData: Bool
    }

    let file: FileBytes
    /// Where the superblock lies, from which addresses count.
    let base: UInt64
    /// The entries of the older format's tree nodes, halved.
    var groupLeafK = 4
    var groupInternalK = 16
    var chunkInternalK = 32
    /// Datatypes that are objects of their own.
    var committedTypes: [UInt64: Datatype] = [:]
    var globalHeaps: [UInt64: GlobalHeap] = [:]
    private(set) var extents: [Extent] = []
    private var budget: UInt64

    init(_ file: FileBytes, base: UInt64) {
        (self.file, self.base) = (file, base)
        budget = 2 * UInt64(file.byteCount) + 1 << 16
    }

    /// The bytes from the base on.
    var byteCount: UInt64 { UInt64(file.byteCount) - base }

    func holds(_ address: UInt64, _ count: UInt64) -> Bool {
        address <= byteCount && count <= byteCount - address
    }

    /// Counts bytes that are read, or copied out of what was.
    mutating func spend(_ count: UInt64, _ what: String) throws(Damage) {
        guard count <= budget else {
            throw Damage("\(what) is one reference too many to the same bytes")
        }
        budget -= count
    }

    /// The bytes of a structure.
    mutating func block(
        _ address: UInt64,
        _ count: Int,
        _ kind: String
    ) throws(Damage) -> Fields {
        let what = "\(kind) at \(address)"
        guard count >= 0, holds(address, UInt64(count)) else {
            throw Damage("\(what) reaches past the end of the file")
        }
        try spend(UInt64(count), what)
        extents.append(
            Extent(range: address..<address + UInt64(count), owner: what, isData: false)
        )
        return Fields(try file.bytes(at: Int(base + address), count: count), what)
    }

    /// The bytes of a structure between its signature and its checksum.
    mutating func block(
        _ address: UInt64,
        _ count: Int,
        _ signature: StaticString,
        _ kind: String
    ) throws(Damage) -> Fields {
        var fields = try block(address, count, kind)
        try fields.signature(signature)
        try fields.verifyChecksum()
        return fields
    }

    /// Takes note of where elements of a dataset lie.
    mutating func claim(_ range: Range<UInt64>, for path: String) {
        extents.append(Extent(range: range, owner: path, isData: true))
    }

    /// Refuses elements that lie where other elements or structures do.
    func checkOverlaps() throws(Damage) {
        var data: Extent?
        var structure: Extent?
        for extent in extents.sorted(by: { $0.range.lowerBound < $1.range.lowerBound })
        where !extent.range.isEmpty {
            for before in [data, extent.isData ? structure : nil] {
                guard let before, before.range.upperBound > extent.range.lowerBound else {
                    continue
                }
                let (one, other) = before.isData ? (before, extent) : (extent, before)
                throw Damage.refused(
                    "the data of \(one.phrase) and \(other.phrase) overlap"
                )
            }
            if extent.isData {
                data = extent
            } else if extent.reachesPast(structure) {
                structure = extent
            }
        }
    }
}

extension Reader.Extent {
    fileprivate var phrase: String { isData ? "\"\(printable(owner))\"" : owner }

    fileprivate func reachesPast(_ other: Self?) -> Bool {
        other.map { $0.range.upperBound < range.upperBound } ?? true
    }
}
