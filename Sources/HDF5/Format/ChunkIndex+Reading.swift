extension Layout.Chunking {
    /// Finds all chunks.
    func find(_ table: inout ChunkTable, _ reader: inout Reader) throws(Damage) {
        guard address != Reader.undefined else { return }
        switch index {
        case .tree: try findInTree(address, level: nil, &table, &reader)
        case .single(let byteCount, let mask):
            guard table.grid.allSatisfy({ $0 == 1 }) else {
                throw Damage("its only chunk is smaller than it")
            }
            try table.add(
                at: table.grid.map { _ in 0 },
                address: address,
                byteCount: byteCount,
                mask: mask,
                &reader
            )
        case .implicit: try findImplicit(&table, &reader)
        case .fixedArray: try findInFixedArray(&table, &reader)
        case .extensibleArray: try ExtensibleArray(&reader, at: address).find(&table, &reader)
        case .records: try findRecords(&table, &reader)
        }
    }

    /// - Source: HDF5 File Format Specification 3.0, section III.A.1.
    private func findInTree(
        _ address: UInt64,
        level: Int?,
        _ table: inout ChunkTable,
        _ reader: inout Reader
    ) throws(Damage) {
        let deepestTree = 16
        let most = 2 * reader.chunkInternalK
        let keySize = 8 + 8 * extents.count
        let size = 24 + most * 8 + (most + 1) * keySize
        var node = try reader.block(address, size, "the chunk tree")
        try node.signature("TREE")
        guard try node.number(1) == 1 else { throw node.damaged("is no dataset's") }
        let found = try node.integer(1)
        guard level.map({ $0 == found }) ?? (found <= deepestTree) else {
            throw node.damaged("has a node of level \(found) in a wrong place")
        }
        let count = try node.integer(2)
        guard count <= most else { throw node.damaged("has a node of \(count) entries") }
        try node.skip(16)
        for _ in 0..<count {
            let (byteCount, mask) = (try node.number(4), try node.number(4))
            var position: [Int] = []
            for extent in extents.dropLast() {
                let offset = try node.number(8)
                guard offset % extent == 0, let place = Int(exactly: offset / extent) else {
                    throw node.damaged("has a chunk between others")
                }
                position.append(place)
            }
            try node.skip(8)
            let child = try node.address()
            if found > 0 {
                try findInTree(child, level: found - 1, &table, &reader)
            } else {
                try table.add(
                    at: position,
                    address: child,
                    byteCount: byteCount,
                    mask: mask,
                    &reader
                )
            }
        }
    }

    private func findImplicit(_ table: inout ChunkTable, _ reader: inout Reader) throws(Damage) {
        guard !table.isFiltered, let count = table.largestGrid.map(UInt64.init).checkedProduct(),
            let total = [UInt64(table.byteCount)].checkedProduct(count),
            reader.holds(address, UInt64(total))
        else { throw Damage("its chunks lie outside the file") }
        for place in 0..<count {
            try table.add(
                at: ChunkTable.position(of: place, in: table.largestGrid),
                address: address + UInt64(place * table.byteCount),
                byteCount: nil,
                &reader
            )
        }
    }

    /// - Source: HDF5 File Format Specification 3.0, section III.A.2, types 10 and 11.
    private func findRecords(_ table: inout ChunkTable, _ reader: inout Reader) throws(Damage) {
        let tree = try BTree2(&reader, at: address, kind: table.isFiltered ? 11 : 10)
        let rank = table.grid.count
        let sizeWidth = tree.recordByteCount - 8 * rank - 12
        guard table.isFiltered ? (1...8).contains(sizeWidth) : sizeWidth == -4 else {
            throw Damage("its chunks' records have another length")
        }
        var found = table
        try tree.visit(&reader) { (record, reader) throws(Damage) in
            let chunk = try record.address()
            let byteCount = found.isFiltered ? try record.number(sizeWidth) : nil
            let mask = found.isFiltered ? try record.number(4) : 0
            var position: [Int] = []
            for _ in 0..<rank { position.append(try record.integer(8)) }
            try found.add(at: position, address: chunk, byteCount: byteCount, mask: mask, &reader)
        }
        table = found
    }
}

extension ChunkTable {
    /// An element of an array of chunks, which says where one is.
    ///
    /// - Parameter width: the bytes of an element.
    mutating func add(
        _ position: [Int],
        _ fields: inout Fields,
        width: Int,
        _ reader: inout Reader
    ) throws(Damage) {
        let address = try fields.address()
        let byteCount = isFiltered ? try fields.number(width - 12) : nil
        let mask = isFiltered ? try fields.number(4) : 0
        guard address != Reader.undefined else { return }
        try add(at: position, address: address, byteCount: byteCount, mask: mask, &reader)
    }

    /// Checks that elements of arrays are of this size.
    func checkElement(client: Int, width: Int) throws(Damage) {
        guard isFiltered ? client == 1 && (13...20).contains(width) : client == 0 && width == 8
        else { throw Damage("its chunks' index is of another kind") }
    }
}
