/// A B-tree of version 2: records of one size, of a kind that says what they are.
///
/// - Source: HDF5 File Format Specification 3.0, section III.A.2.
struct BTree2 {
    private static let deepestTree = 16
    /// Signature, version, kind and checksum of a node.
    private static let overhead = 10

    let recordByteCount: Int
    private let kind: Int
    private let nodeByteCount: Int
    private let depth: Int
    private let root: (address: UInt64, count: Int)
    private let total: UInt64
    /// By depth: how many records a node has at most, and how many with all below it.
    private var most: [Int] = []
    private var mostBelow: [UInt64] = []

    init(_ reader: inout Reader, at address: UInt64, kind: Int) throws(Damage) {
        var head = try reader.block(address, 38, "BTHD", "the tree")
        try head.version(0)
        guard try head.integer(1) == kind else { throw head.damaged("is of another kind") }
        self.kind = kind
        nodeByteCount = try head.integer(4)
        recordByteCount = try head.integer(2)
        depth = try head.integer(2)
        try head.skip(2)
        root = (try head.address(), try head.integer(2))
        total = try head.number(8)
        guard depth <= Self.deepestTree, recordByteCount > 0,
            nodeByteCount >= Self.overhead + recordByteCount
        else { throw head.damaged("has nodes that hold nothing, or too many levels") }
        most = [(nodeByteCount - Self.overhead) / recordByteCount]
        mostBelow = [UInt64(most[0])]
        for level in 0..<depth {
            let pointer = pointerByteCount(above: level)
            let count = (nodeByteCount - Self.overhead - pointer) / (recordByteCount + pointer)
            let (below, overflow) = mostBelow[level].multipliedReportingOverflow(
                by: UInt64(max(count, 0)) + 1
            )
            let (all, overflows) = below.addingReportingOverflow(UInt64(max(count, 0)))
            guard count > 0, !overflow, !overflows else {
                throw head.damaged("has nodes that hold nothing, or too many levels")
            }
            most.append(count)
            mostBelow.append(all)
        }
    }

    private static func width(_ number: UInt64) -> Int {
        (UInt64.bitWidth - number.leadingZeroBitCount - 1) / 8 + 1
    }

    /// The bytes of a reference to a node of a level: where, and how many records, there and below it.
    private func pointerByteCount(above level: Int) -> Int {
        8 + Self.width(UInt64(most[0])) + (level > 0 ? Self.width(mostBelow[level]) : 0)
    }

    /// Gives every record to `body`.
    func visit(
        _ reader: inout Reader,
        _ body: (inout Fields, inout Reader) throws(Damage) -> Void
    ) throws(Damage) {
        var found: UInt64 = 0
        if root.count > 0 {
            try visit(root.address, root.count, level: depth, &found, &reader, body)
        }
        guard found == total else { throw Damage("a tree has \(found) records, not \(total)") }
    }

    private func visit(
        _ address: UInt64,
        _ count: Int,
        level: Int,
        _ found: inout UInt64,
        _ reader: inout Reader,
        _ body: (inout Fields, inout Reader) throws(Damage) -> Void
    ) throws(Damage) {
        guard count <= most[level] else {
            throw Damage("the tree's node at \(address) has too many records")
        }
        let pointer = level > 0 ? pointerByteCount(above: level - 1) : 0
        let size = Self.overhead + count * recordByteCount + (level > 0 ? (count + 1) * pointer : 0)
        var node = try reader.block(
            address,
            size,
            level == 0 ? "BTLF" : "BTIN",
            "the tree's node"
        )
        try node.version(0)
        guard try node.integer(1) == kind else { throw node.damaged("is of another kind") }
        for _ in 0..<count {
            var record = try node.part(recordByteCount, "a record of the tree's node at \(address)")
            try body(&record, &reader)
        }
        found += UInt64(count)
        guard level > 0 else { return }
        for _ in 0...count {
            let child = try node.address()
            let childCount = try node.integer(Self.width(UInt64(most[0])))
            try node.skip(pointer - 8 - Self.width(UInt64(most[0])))
            try visit(child, childCount, level: level - 1, &found, &reader, body)
        }
    }
}
