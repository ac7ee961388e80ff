/// Chunks of a dataset that grows without a bound along one axis.
///
/// The first elements stand in the index block, the next ones in data blocks that it names, and the rest in
/// data blocks that super blocks name; each kind of super block has data blocks of a size of its own.
///
/// - Source: HDF5 File Format Specification 3.0, section VII.D.
struct ExtensibleArray {
    private let address: UInt64
    private let client: Int
    private let width: Int
    private let bits: Int
    private let indexElements: Int
    private let leastElements: Int
    private let leastPointers: Int
    private let pageBits: Int
    private let indexAddress: UInt64

    init(_ reader: inout Reader, at address: UInt64) throws(Damage) {
        self.address = address
        var head = try reader.block(address, 72, "EAHD", "the chunks' array")
        try head.version(0)
        client = try head.integer(1)
        width = try head.integer(1)
        bits = try head.integer(1)
        indexElements = try head.integer(1)
        leastElements = try head.integer(1)
        leastPointers = try head.integer(1)
        pageBits = try head.integer(1)
        try head.skip(48)
        indexAddress = try head.address()
        guard (1...62).contains(bits), leastElements.nonzeroBitCount == 1,
            leastPointers.nonzeroBitCount == 1, leastPointers > 1, pageBits <= bits,
            bits >= leastElements.trailingZeroBitCount
        else { throw head.damaged("has an impossible shape") }
    }

    private var offsetWidth: Int { (bits + 7) / 8 }
    private var pageCount: Int { 1 << pageBits }

    private func blockCount(_ level: Int) -> Int { 1 << (level / 2) }

    private func elementCount(_ level: Int) -> Int { leastElements << ((level + 1) / 2) }

    /// Pages of a data block; 1 for one that is not divided.
    private func pages(_ level: Int) -> Int { max(1, elementCount(level) / pageCount) }

    func find(_ table: inout ChunkTable, _ reader: inout Reader) throws(Damage) {
        try table.checkElement(client: client, width: width)
        guard indexAddress != Reader.undefined else { return }
        guard table.largestGrid.filter({ $0 == 0 }).count == 1 else {
            throw Damage("its chunks' index is for a dataset that grows along one axis")
        }
        let levels = 1 + bits - leastElements.trailingZeroBitCount
        let directLevels = min(levels, 2 * leastPointers.trailingZeroBitCount)
        let directBlocks = 2 * (leastPointers - 1)
        let superBlocks = levels - directLevels
        let size = 14 + indexElements * width + (directBlocks + superBlocks) * 8 + 4
        var block = try reader.block(indexAddress, size, "EAIB", "the chunks' index block")
        try checkOwner(&block)
        try add(0..<indexElements, &block, &table, &reader)
        var next = indexElements
        var number = 0
        for level in 0..<directLevels {
            for index in 0..<blockCount(level) {
                let place = try block.address()
                guard pages(level) == 1 || place == Reader.undefined else {
                    throw block.damaged("has blocks of pages in a wrong place")
                }
                // The library counts the blocks of all levels here, not of this one alone.
                let skipped = (number - index) * elementCount(level)
                try addBlock(place, level, next, skipped, pages: [true], &table, &reader)
                next += elementCount(level)
                number += 1
            }
        }
        for level in directLevels..<max(levels, directLevels) {
            let place = try block.address()
            let (count, overflow) = elementCount(level)
                .multipliedReportingOverflow(by: blockCount(level))
            // No dataset has so many chunks.
            guard !overflow, count < Int.max / 2 - next else { return }
            if place != Reader.undefined { try addSuper(place, level, next, &table, &reader) }
            next += count
        }
    }

    private func addSuper(
        _ place: UInt64,
        _ level: Int,
        _ start: Int,
        _ table: inout ChunkTable,
        _ reader: inout Reader
    ) throws(Damage) {
        let (count, pages) = (blockCount(level), pages(level))
        let bitmap = pages > 1 ? (pages + 7) / 8 : 0
        guard case (let total, false) = count.multipliedReportingOverflow(by: bitmap + 8),
            UInt64(total) <= reader.byteCount
        else {
            throw Damage("its chunks' super block at \(place) reaches past the end of the file")
        }
        let size = 14 + offsetWidth + total + 4
        var block = try reader.block(place, size, "EASB", "the chunks' super block")
        try checkOwner(&block)
        try checkStart(&block, start)
        let written = try block.array(count * bitmap)
        for index in 0..<count {
            // The bits of all blocks follow each other.
            let isWritten = (index * pages..<(index + 1) * pages).map { page in
                pages == 1 || written[page / 8] & 0x80 >> UInt8(page % 8) != 0
            }
            try addBlock(
                try block.address(),
                level,
                start + index * elementCount(level),
                0,
                pages: isWritten,
                &table,
                &reader
            )
        }
    }

    private func addBlock(
        _ place: UInt64,
        _ level: Int,
        _ start: Int,
        _ skipped: Int,
        pages: [Bool],
        _ table: inout ChunkTable,
        _ reader: inout Reader
    ) throws(Damage) {
        guard place != Reader.undefined else { return }
        let count = elementCount(level)
        guard case (let total, false) = count.multipliedReportingOverflow(by: width),
            UInt64(total) <= reader.byteCount
        else { throw Damage("its chunks' block at \(place) reaches past the end of the file") }
        let prefix = 14 + offsetWidth + (pages.count > 1 ? 0 : total) + 4
        var block = try reader.block(place, prefix, "EADB", "the chunks' block")
        try checkOwner(&block)
        try checkStart(&block, start + skipped)
        guard pages.count > 1 else {
            return try add(start..<start + count, &block, &table, &reader)
        }
        for (page, isWritten) in pages.enumerated() where isWritten {
            let offset = UInt64(prefix + page * (pageCount * width + 4))
            guard reader.holds(place, offset) else { throw block.damaged("lies outside the file") }
            let first = start + page * pageCount
            var fields = try reader.block(
                place + offset,
                pageCount * width + 4,
                "",
                "a page of the chunks' array"
            )
            try add(first..<first + pageCount, &fields, &table, &reader)
        }
    }

    private func checkOwner(_ block: inout Fields) throws(Damage) {
        try block.version(0)
        guard try block.integer(1) == client, try block.address() == address else {
            throw block.damaged("belongs to another array")
        }
    }

    private func checkStart(_ block: inout Fields, _ start: Int) throws(Damage) {
        guard try block.integer(offsetWidth) == start - indexElements else {
            throw block.damaged("is of another place")
        }
    }

    /// The axis that grows comes first in the array, whichever it is.
    private func add(
        _ range: Range<Int>,
        _ fields: inout Fields,
        _ table: inout ChunkTable,
        _ reader: inout Reader
    ) throws(Damage) {
        guard let axis = table.largestGrid.firstIndex(of: 0) else { return }
        var others = table.largestGrid
        others.remove(at: axis)
        guard let stride = others.map(UInt64.init).checkedProduct() else {
            throw Damage("its chunks cannot be counted")
        }
        for place in range {
            let (along, rest) = place.quotientAndRemainder(dividingBy: stride)
            var position = ChunkTable.position(of: rest, in: others)
            position.insert(along, at: axis)
            try table.add(position, &fields, width: width, &reader)
        }
    }
}
