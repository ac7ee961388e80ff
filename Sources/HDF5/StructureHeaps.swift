/// Heaps and trees, the parts that have no checksum in the older file format.
///
/// - Source: HDF5 File Format Specification 3.0, sections III.A.1, III.B, III.D and III.E.
extension StructureCheck {
    /// The names of a group: the content of a local heap.
    func localHeap(_ address: UInt64) throws(Damage) -> StructureBytes {
        var head = try file.bytes(address, 32, "the local heap")
        try head.signature("HEAP")
        guard try head.number(1) == 0 else { throw head.damaged("is of an unknown version") }
        try head.skip(3)
        let size = try head.number(8)
        let free = try head.number(8)
        let start = try head.address()
        guard size <= Self.largestHeap else { throw head.damaged("has \(size) bytes of names") }
        let content = try file.bytes(start, Int(size), "the local heap's content")
        // The list of free blocks: 1 ends it, and so does an address of ones.
        var place = free
        var steps = size / 16 + 1
        while place != 1, place != Self.undefined {
            guard steps > 0, place <= size, size - place >= 16 else {
                throw head.damaged("has a free block outside it")
            }
            steps -= 1
            var block = content
            try block.skip(Int(place))
            let next = try block.number(8)
            let length = try block.number(8)
            guard length >= 16, length <= size - place else {
                throw head.damaged("has a free block outside it")
            }
            place = next
        }
        return content
    }

    /// The entries of a group's symbol table nodes, leaf by leaf.
    func symbols(
        _ address: UInt64,
        level: Int?,
        _ names: StructureBytes,
        _ budget: inout Int,
        _ visit: (StructureBytes) throws(Damage) -> Void
    ) throws(Damage) {
        budget -= 1
        guard budget > 0 else { throw Damage("a group's tree has more nodes than names") }
        guard let level else { return try leaf(address, names, visit) }
        let width = 2 * groupInternalK
        let size = 24 + width * 16 + 8
        var node = try file.bytes(address, size, "a group's tree")
        try node.signature("TREE")
        guard try node.number(1) == 0 else { throw node.damaged("is no group's") }
        let found = try node.small(1)
        // The root's level is its own to say; below, each is one less.
        guard level == -1 ? found <= Self.deepestTree : found == level else {
            throw node.damaged("has a node of level \(found) in a wrong place")
        }
        let count = try node.small(2)
        guard count <= width else { throw node.damaged("has a node of \(count) entries") }
        try node.skip(16)
        for index in 0...count {
            guard names.holdsText(at: try node.number(8)) || count == 0 else {
                throw node.damaged("has a name outside the heap")
            }
            guard index < count else { break }
            let child = try node.address()
            try symbols(child, level: found == 0 ? nil : found - 1, names, &budget, visit)
        }
    }

    private func leaf(
        _ address: UInt64,
        _ names: StructureBytes,
        _ visit: (StructureBytes) throws(Damage) -> Void
    ) throws(Damage) {
        let most = 2 * groupLeafK
        var node = try file.bytes(address, 8 + most * 40, "a group's node")
        try node.signature("SNOD")
        guard try node.number(1) == 1 else { throw node.damaged("is of an unknown version") }
        try node.skip(1)
        let count = try node.small(2)
        guard count <= most else { throw node.damaged("has \(count) entries") }
        for _ in 0..<count {
            var entry = try node.part(40, "a group's entry")
            var copy = entry
            guard names.holdsText(at: try copy.number(8)) else {
                throw entry.damaged("has a name outside the heap")
            }
            // A soft link's target is in the same heap.
            try copy.skip(8)
            let cache = try copy.number(4)
            guard cache <= 2 else { throw entry.damaged("is of an unknown kind") }
            try copy.skip(4)
            if cache == 2, !names.holdsText(at: try copy.number(4)) {
                throw entry.damaged("has a target outside the heap")
            }
            try visit(entry)
            try entry.skip(40)
        }
    }

    /// Where the objects of a global heap collection are: by number, their bytes.
    mutating func globalHeap(_ address: UInt64) throws(Damage) -> [UInt64: UInt64] {
        if let known = globalHeaps[address] { return known }
        var head = try file.bytes(address, 16, "a global heap")
        try head.signature("GCOL")
        guard try head.number(1) == 1 else { throw head.damaged("is of an unknown version") }
        try head.skip(3)
        let size = try head.number(8)
        guard size >= 16, size <= Self.largestHeap else { throw head.damaged("has \(size) bytes") }
        var heap = try file.bytes(address, Int(size), "a global heap")
        try heap.skip(16)
        var objects: [UInt64: UInt64] = [:]
        while heap.remaining >= 16 {
            let number = try heap.number(2)
            try heap.skip(6)
            let length = try heap.number(8)
            // Object 0 is the free space, its own head included.
            if number == 0 {
                guard length <= UInt64(heap.remaining) + 16 else {
                    throw heap.damaged("has more free space than it is large")
                }
                break
            }
            guard length <= UInt64(heap.remaining) else {
                throw heap.damaged("has an object that is larger than itself")
            }
            guard objects.updateValue(length, forKey: number) == nil else {
                throw heap.damaged("has two objects of one number")
            }
            try heap.skip(min(heap.remaining, (Int(length) + 7) / 8 * 8))
        }
        globalHeaps[address] = objects
        return objects
    }

    /// The tree of a dataset's chunks.
    func chunks(
        _ address: UInt64,
        rank: Int,
        level: Int?,
        _ budget: inout Int
    ) throws(Damage) {
        budget -= 1
        guard budget > 0 else { throw Damage("a dataset's tree has more nodes than the file") }
        let width = 2 * chunkInternalK
        let keySize = 8 + 8 * (rank + 1)
        var node = try file.bytes(address, 24 + width * 8 + (width + 1) * keySize, "a chunk tree")
        try node.signature("TREE")
        guard try node.number(1) == 1 else { throw node.damaged("is no dataset's") }
        let found = try node.small(1)
        guard level.map({ $0 == found }) ?? (found <= Self.deepestTree) else {
            throw node.damaged("has a node of level \(found) in a wrong place")
        }
        let count = try node.small(2)
        guard count <= width else { throw node.damaged("has a node of \(count) entries") }
        try node.skip(16)
        for _ in 0..<count {
            let size = try node.number(4)
            try node.skip(keySize - 4)
            let child = try node.address()
            if found > 0 {
                try chunks(child, rank: rank, level: found - 1, &budget)
            } else {
                // The checksum filter takes four bytes off without looking.
                guard size >= 4, file.holds(child, size) else {
                    throw node.damaged("has a chunk outside the file")
                }
            }
        }
    }
}
