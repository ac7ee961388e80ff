/// An older group: a tree whose leaves name objects, and a heap for the names.
///
/// - Source: HDF5 File Format Specification 3.0, sections III.A.1, III.B and III.C.
struct SymbolTable: Equatable {
    private static let deepestTree = 16

    let tree: UInt64
    let heap: UInt64

    init(_ fields: inout Fields) throws(Damage) {
        (tree, heap) = (try fields.address(), try fields.address())
    }

    /// A name's place in the heap, and the object's address.
    struct Entry {
        let name: UInt64
        let address: UInt64
        let isSoft: Bool
        /// What the entry remembers of a group.
        private(set) var symbols: SymbolTable?

        init(_ fields: inout Fields) throws(Damage) {
            (name, address) = (try fields.number(8), try fields.address())
            let kind = try fields.number(4)
            try fields.skip(4)
            guard kind <= 2 else { throw fields.damaged("has an entry of an unknown kind") }
            isSoft = kind == 2
            if kind == 1 { symbols = try SymbolTable(&fields) } else { try fields.skip(16) }
        }
    }

    func links(_ reader: inout Reader) throws(Damage) -> [Link] {
        let names = try LocalHeap(&reader, at: heap)
        var links: [Link] = []
        try visit(tree, level: nil, &reader) { (entry) throws(Damage) in
            let target: Link.Target =
                entry.isSoft ? .elsewhere : .object(entry.address, remembered: entry.symbols)
            links.append(Link(name: try names.name(at: entry.name), target: target))
        }
        return links
    }

    /// The entries below a node; the root's level is its own to say.
    private func visit(
        _ address: UInt64,
        level: Int?,
        _ reader: inout Reader,
        _ body: (Entry) throws(Damage) -> Void
    ) throws(Damage) {
        if level == -1 { return try visitLeaf(address, &reader, body) }
        let most = 2 * reader.groupInternalK
        var node = try reader.block(address, 24 + most * 16 + 8, "the group's tree")
        try node.signature("TREE")
        guard try node.number(1) == 0 else { throw node.damaged("is no group's") }
        let found = try node.integer(1)
        guard level.map({ $0 == found }) ?? (found <= Self.deepestTree) else {
            throw node.damaged("has a node of level \(found) in a wrong place")
        }
        let count = try node.integer(2)
        guard count <= most else { throw node.damaged("has a node of \(count) entries") }
        try node.skip(16)
        for _ in 0..<count {
            try node.skip(8)
            try visit(try node.address(), level: found - 1, &reader, body)
        }
    }

    private func visitLeaf(
        _ address: UInt64,
        _ reader: inout Reader,
        _ body: (Entry) throws(Damage) -> Void
    ) throws(Damage) {
        let most = 2 * reader.groupLeafK
        var node = try reader.block(address, 8 + most * 40, "the group's node")
        try node.signature("SNOD")
        try node.version(1)
        try node.skip(1)
        let count = try node.integer(2)
        guard count <= most else { throw node.damaged("has \(count) entries") }
        for _ in 0..<count { try body(try Entry(&node)) }
    }
}
