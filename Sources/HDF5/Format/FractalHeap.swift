/// A heap for the links and attributes of an object that has many, or large ones.
///
/// - Source: HDF5 File Format Specification 3.0, section III.G.
struct FractalHeap {
    private struct Block {
        /// Where the block begins in the heap's own count of bytes.
        let start: UInt64
        let content: Fields
    }

    private let address: UInt64
    private let width: Int
    private let startSize: UInt64
    private let largestDirect: UInt64
    private let offsetWidth: Int
    private let lengthWidth: Int
    private let idByteCount: Int
    private let hasChecksums: Bool
    private var blocks: [Block] = []
    /// Objects that have a place of their own in the file, by number.
    private var huge: [UInt64: (address: UInt64, byteCount: Int)] = [:]

    init(_ reader: inout Reader, at address: UInt64) throws(Damage) {
        self.address = address
        var head = try reader.block(address, 146, "FRHP", "the fractal heap")
        try head.version(0)
        idByteCount = try head.integer(2)
        guard try head.integer(2) == 0 else {
            throw .unsupported("keeps its names or attributes compressed")
        }
        hasChecksums = try head.integer(1) & 2 != 0
        let largestObject = try head.number(4)
        try head.skip(8)
        let hugeTree = try head.address()
        // Sizes and counts of what is stored and free.
        try head.skip(80)
        width = try head.integer(2)
        startSize = try head.number(8)
        largestDirect = try head.number(8)
        let bits = try head.integer(2)
        try head.skip(2)
        let root = try head.address()
        let rows = try head.integer(2)
        guard (1...17).contains(idByteCount), width.isPowerOfTwo, startSize.isPowerOfTwo,
            largestDirect.isPowerOfTwo,
            startSize <= largestDirect, largestDirect <= 1 << 31, (8...62).contains(bits),
            largestObject > 0,
            rows <= bits + 1 - startSize.trailingZeroBitCount - width.trailingZeroBitCount
        else { throw head.damaged("has an impossible shape") }
        offsetWidth = (bits + 7) / 8
        lengthWidth = min(
            (largestDirect.trailingZeroBitCount + 7) / 8,
            (UInt64.bitWidth - 1 - largestObject.leadingZeroBitCount) / 8 + 1
        )
        if hugeTree != Reader.undefined { try readHuge(hugeTree, &reader) }
        guard root != Reader.undefined else { return }
        if rows == 0 {
            try addDirect(root, start: 0, size: startSize, &reader)
        } else {
            try addIndirect(root, start: 0, rows: rows, &reader)
        }
    }

    /// The object that an identifier names.
    func object(_ id: inout Fields, _ reader: inout Reader) throws(Damage) -> Fields {
        var id = try id.part(idByteCount, "a heap's identifier")
        let what = "an object of the fractal heap at \(address)"
        switch try id.integer(1) & 0xF0 {
        case 0x00:
            let (place, count) = (try id.number(offsetWidth), try id.number(lengthWidth))
            let after = blocks.partitioningIndex { $0.start > place }
            guard after > 0 else { break }
            let block = blocks[after - 1]
            try reader.spend(count, what)
            guard let object = block.content.part(at: place - block.start, count: count, what)
            else {
                break
            }
            return object
        case 0x10:
            guard let place = huge[try id.number(min(8, idByteCount - 1))] else { break }
            return try reader.block(place.address, place.byteCount, "an object of a fractal heap")
        default: throw .unsupported("keeps names or attributes inside identifiers")
        }
        throw Damage("\(what) does not exist")
    }

    /// - Source: HDF5 File Format Specification 3.0, section III.A.2, type 1.
    private mutating func readHuge(_ tree: UInt64, _ reader: inout Reader) throws(Damage) {
        // An identifier with room for an address and a length has them in it.
        guard idByteCount < 17 else {
            throw .unsupported("keeps large attributes without an index")
        }
        var found: [UInt64: (UInt64, Int)] = [:]
        try BTree2(&reader, at: tree, kind: 1).visit(&reader) { (record, _) throws(Damage) in
            let (address, count) = (try record.address(), try record.integer(8))
            guard found.updateValue((address, count), forKey: try record.number(8)) == nil else {
                throw record.damaged("has the number of another one")
            }
        }
        huge = found
    }

    private mutating func addDirect(
        _ place: UInt64,
        start: UInt64,
        size: UInt64,
        _ reader: inout Reader
    ) throws(Damage) {
        let count = Int(size)
        let content = try reader.block(place, count, "the fractal heap's block")
        var head = content
        try head.signature("FHDB")
        try checkPlace(&head, start)
        if hasChecksums { try content.verifyChecksum(at: 13 + offsetWidth) }
        blocks.append(Block(start: start, content: content))
    }

    /// Rows of blocks: two of the first size, then each of twice the size; large ones are tables again.
    private mutating func addIndirect(
        _ place: UInt64,
        start: UInt64,
        rows: Int,
        _ reader: inout Reader
    ) throws(Damage) {
        let size = 13 + offsetWidth + rows * width * 8 + 4
        var table = try reader.block(place, size, "FHIB", "the fractal heap's table")
        try checkPlace(&table, start)
        var next = start
        for row in 0..<rows {
            let blockSize = startSize << UInt64(max(0, row - 1))
            for _ in 0..<width {
                let child = try table.address()
                if child == Reader.undefined {
                    // Nothing was ever stored there.
                } else if blockSize <= largestDirect {
                    try addDirect(child, start: next, size: blockSize, &reader)
                } else {
                    let childRows = row - width.trailingZeroBitCount
                    guard childRows > 0 else { throw table.damaged("has an impossible shape") }
                    try addIndirect(child, start: next, rows: childRows, &reader)
                }
                next += blockSize
            }
        }
    }

    /// Checks that a block is of this heap, and stands where it says it does.
    private func checkPlace(_ fields: inout Fields, _ start: UInt64) throws(Damage) {
        try fields.version(0)
        guard try fields.address() == address, try fields.number(offsetWidth) == start else {
            throw fields.damaged("is of another place")
        }
    }
}

extension FixedWidthInteger {
    fileprivate var isPowerOfTwo: Bool { self > 0 && nonzeroBitCount == 1 }
}

extension Array {
    /// The first index whose element is in the second part, of elements that are partitioned.
    fileprivate func partitioningIndex(_ isSecond: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
